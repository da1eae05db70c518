"""A fake network behind the real API: its answer depends on the picture alone, so that a crossed one shows."""

import hashlib
import socket
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
import uvicorn

from core.data.images import encode_png
from core.serve.access import Access
from core.serve.api import create_api
from core.serve.gate import Gate
from core.serve.line import Line
from core.serve.sockets import send_at_once
from core.types import ModelCard, PreprocessSpec, Threshold

TOKEN = "a-token-of-some-length"


def card_of(name="fake", *, classes=("Clear", "Nodule"), positive="Nodule", task="binary", cuts=None, mode="stretch"):
    return ModelCard(
        schema_version=1, name=name, title=f"Model {name}", run_id="run-00000000", architecture="compact_cnn",
        head="linear", task=task, class_names=classes, positive_class=positive,
        preprocess=PreprocessSpec(size_px=32, resize_mode=mode), cam_layer="out",
        threshold=Threshold(values={positive: 0.5} if cuts is None else cuts, rule="fixed:0.5", chosen_on="validation"),
        temperature=1.0, training_data="drawn", training_dataset="phantom", n_train_images=10, n_train_groups=5,
        synthetic=True, estimates=(), intended_use="tests", limits=("Not for people.",), licence="Apache-2.0",
        sha256=hashlib.sha256(name.encode()).hexdigest(), model_bytes=4, golden_seeds=(), golden_outputs=(),
        feature_mean=(), feature_scale=(), created_utc="2026-01-02T03:04:05+00:00",
    )  # fmt: skip


class FakePredictor:
    """P(positive) is the mean of the red channel / 255; the map of the last class is warm in its upper left cell."""

    engine = "fake"

    def __init__(self, card, *, seconds=0.0):
        self.card, self.seconds, self.runs = card, seconds, 0
        self.open = threading.Event()
        self.open.set()
        self.fails = None
        self.gate = None  # what `ood` says of every picture

    def ood(self, batch, output):
        return None if self.gate is None else [self.gate] * len(batch)

    def judged(self, batch, *, table=None):
        output = self.run(batch)
        return output.probabilities, self.ood(batch, output) or []

    def run(self, batch, *, maps=False):
        self.open.wait(20)
        time.sleep(self.seconds)
        self.runs += 1
        if self.fails:
            raise self.fails
        share = batch[..., 0].mean(axis=(1, 2)) / 255
        classes = len(self.card.class_names)
        share = np.clip(share, 1e-6, 1 - 1e-6)
        rest = np.repeat(((1 - share) / (classes - 1))[:, None], classes - 1, axis=1)
        probabilities = np.concatenate([rest, share[:, None]], axis=1)
        cams = np.zeros((len(batch), classes, 4, 4), np.float32)
        cams[:, -1, 0, 0], cams[:, -1, 0, 1] = 0.5, 0.25
        return SimpleNamespace(
            logits=np.log(probabilities), probabilities=probabilities, cams=cams if maps else None, features=None
        )


class FakeModels:
    """Models for the API, by name."""

    def __init__(self, *predictors):
        self.by_name = {p.card.name: p for p in predictors}

    def cards(self):
        return tuple(self.by_name[name].card for name in sorted(self.by_name))

    def predictor(self, name):
        return self.by_name[name]


def plain_picture(red, green=0, side=64):
    """PNG of one colour: with the fake network P(positive) is red / 255."""
    return encode_png(np.full((side, side, 3), (red, green, 0), np.uint8))


@contextmanager
def served(models, *, line=None, token="", hosts=(), pages=None):
    """A real server on a free port; yields (host, port)."""
    gate = Gate(pages, access=Access(token, hosts), api=lambda: create_api(models, line or Line(workers=2)))
    send_at_once()
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(gate, access_log=False, lifespan="off", log_config=None, ws="websockets-sansio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[:2]
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@contextmanager
def client_of(models, **options):
    """An HTTP client of a server of its own."""
    with served(models, **options) as (host, port), httpx.Client(base_url=f"http://{host}:{port}") as client:
        yield client


@pytest.fixture(scope="session")
def shared():
    """The models and the client of the one server that most tests ask."""
    many = card_of("three", classes=("A", "B", "C"), positive=None, task="multiclass", cuts={}, mode="crop")
    models = FakeModels(FakePredictor(card_of()), FakePredictor(many))
    with client_of(models) as client:
        yield models, client


@pytest.fixture
def client(shared):
    """A client of the API behind its gate, without a token, asked from this machine."""
    return shared[1]


@pytest.fixture
def predictor(shared):
    """The predictor of the model "fake", which is the one by default."""
    fake = shared[0].by_name["fake"]
    fake.runs, fake.fails = 0, None
    yield fake
    fake.fails = None


@pytest.fixture
def address(client):
    """(host, port) of the shared server, for what only a socket can do."""
    return client.base_url.host, client.base_url.port


@pytest.fixture
def helpers():
    """What tests build themselves with; a namespace, because tests import nothing from each other."""
    return SimpleNamespace(
        card=card_of, Predictor=FakePredictor, Models=FakeModels, picture=plain_picture, client=client_of,
        served=served, token=TOKEN,
    )  # fmt: skip
