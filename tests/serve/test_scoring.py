"""Scoring folders and ZIPs: every file once, in order, whatever happens in between; memory for a few batches only."""

import os
import random
import signal
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.data.images import decode_image, fit_image
from core.data.phantom import draw_phantom
from core.data.walk import FolderImages
from core.errors import DataError, ModelError, SpecInvalid, StoreError
from core.evaluation.decision import decided_classes
from core.serve import scoring
from core.serve.scoring import score_images
from core.store.models import load_card
from core.store.scores import load_refused, load_scores
from core.types import TabularInput

BATCH = 4


class Brightness:
    """Stands for a network: the second class is as probable as the picture is bright."""

    engine = "ONNX Runtime"
    card = replace(
        load_card("phantom-nodule"), preprocess=replace(load_card("phantom-nodule").preprocess, size_px=16), ood=None
    )  # fmt: skip

    def __init__(self, before=lambda: None):
        self._before = before

    def judged(self, pixels, *, table=None):
        """With a table, its first number is in place of the brightness."""
        self._before()
        bright = pixels.mean(axis=(1, 2, 3), dtype=np.float64) / 255 if table is None else table[:, 0]
        return np.stack([1 - bright, bright], axis=1), []


def score(source, out, before=lambda: None, **options):
    options = {"predictor": Brightness(before), "batch_size": BATCH, **options}
    return score_images(source, "phantom-nodule", out, **options)


def write_folder(folder, n=30):
    """`n` pictures in two levels, and files that are none."""
    (folder / "sub").mkdir(parents=True)
    rng = np.random.default_rng(5)
    for i in range(n):
        pixels = np.full((20 + i % 3, 24, 3), rng.integers(0, 256), np.uint8)
        cv2.imwrite(str(folder / ("sub" if i % 2 else "") / f"{i:03d}.png"), pixels)
    (folder / "notes.txt").write_text("these are notes", encoding="utf-8")
    (folder / "sub" / "cut.png").write_bytes((folder / "000.png").read_bytes()[:60])
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("scored") / "images")


@pytest.fixture(scope="module")
def whole(images, tmp_path_factory):
    """The score file of a call that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole") / "s.csv"
    score(images, out)
    return out


def outputs(out):
    """The rows and the refusals as bytes, and that nothing unfinished lies beside them."""
    assert sorted(f.name for f in out.parent.iterdir()) == [
        out.name,
        f"{out.name}.meta.json",
        f"{out.name}.refused.csv",
    ]
    return out.read_bytes(), (out.parent / f"{out.name}.refused.csv").read_bytes()


def test_every_picture_has_one_row_in_order_and_every_other_file_a_sentence(images, whole):
    table = load_scores(whole)
    names = FolderImages(images).names()
    assert len(names) == 32
    assert table.image_ids.tolist() == [name for name in names if name not in ("notes.txt", "sub/cut.png")]
    for row in (0, 7, 29):
        rgb = decode_image(images / table.image_ids[row])
        bright = fit_image(rgb, Brightness.card.preprocess).mean() / 255
        assert table.y_prob[row].tolist() == pytest.approx([1 - bright, bright])
        assert table.decided[row] == decided_classes(table.y_prob[row], Brightness.card)[0]
        assert (table.height_px[row], table.width_px[row]) == rgb.shape[:2]
    assert [(r.image_id, "plain text" in r.reason, "cut off" in r.reason) for r in load_refused(whole)] == [
        ("notes.txt", True, False), ("sub/cut.png", False, True),
    ]  # fmt: skip
    assert (table.meta.n_files, table.meta.n_scored, table.meta.n_refused) == (32, 30, 2)
    assert "not a diagnosis" in table.meta.notice


def test_the_shipped_model_answers_as_one_by_one(tmp_path):
    from core.nn.pool import shared_predictor

    predictor = shared_predictor("phantom-nodule")
    pictures = {f"{i}.png": draw_phantom(31, i, 0).pixels for i in range(5)}
    for name, pixels in pictures.items():
        cv2.imwrite(str(tmp_path / name), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    score_images(tmp_path, "phantom-nodule", tmp_path / "s.csv", batch_size=3)
    table = load_scores(tmp_path / "s.csv")
    alone = [predictor.predict(pixels, explain_classes=False).probabilities for pixels in pictures.values()]
    assert table.y_prob == pytest.approx(np.array(alone), abs=1e-6)
    assert table.decided.tolist() == [decided_classes(row, predictor.card)[0] for row in alone]
    assert table.meta.engine == predictor.engine
    assert table.meta.model_sha256 == load_card("phantom-nodule").sha256


def test_a_zip_gives_the_scores_of_its_folder(images, whole, tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for name in FolderImages(images).names():
            archive.write(images / name, name)
    score(tmp_path / "z.zip", tmp_path / "out" / "s.csv")
    assert outputs(tmp_path / "out" / "s.csv") == outputs(whole)


def test_parquet_holds_the_same_numbers(images, whole, tmp_path):
    score(images, tmp_path / "s.parquet")
    table, other = load_scores(tmp_path / "s.parquet"), load_scores(whole)
    assert (table.y_prob == other.y_prob).all()
    assert table.image_ids.tolist() == other.image_ids.tolist()


@pytest.mark.parametrize("stop_at", [0, 1, 3, 7])
def test_a_stopped_call_is_gone_on_with_to_the_same_bytes(stop_at, images, whole, tmp_path):
    folder = FolderImages(images)
    first = fit_image(folder.read(folder.names()[stop_at * BATCH]), Brightness.card.preprocess)

    class Stopping(Brightness):
        def judged(self, pixels, *, table=None):
            if (pixels[0] == first).all():
                raise KeyboardInterrupt
            return super().judged(pixels, table=table)

    with pytest.raises(KeyboardInterrupt):
        score(images, tmp_path / "s.csv", predictor=Stopping())
    summary = score(images, tmp_path / "s.csv")
    assert summary.n_before == stop_at * BATCH  # the batches behind it may be done, and are given up
    assert outputs(tmp_path / "s.csv") == outputs(whole)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_kills_at_random_moments_lose_and_double_nothing(kind, images, whole, tmp_path):
    """kill -9 in the middle of the work, again and again, until a call comes through."""
    out = tmp_path / f"s.{kind}"
    rng, kills = random.Random(7), 0
    deadline = time.monotonic() + 30
    while not out.exists():
        assert time.monotonic() < deadline
        child = os.fork()
        if child == 0:
            try:
                score(images, out, lambda: time.sleep(0.01), restart=False)
            finally:
                os._exit(0)
        if kills < 12:
            time.sleep(rng.uniform(0.0, 0.08))
            os.kill(child, signal.SIGKILL)
            kills += 1
        os.waitpid(child, 0)
    assert kills >= 3
    table, other = load_scores(out), load_scores(whole)
    assert table.image_ids.tolist() == other.image_ids.tolist()
    assert (table.y_prob == other.y_prob).all()
    assert load_refused(out) == load_refused(whole)


def test_only_a_few_batches_are_in_memory_however_many_files_there_are(tmp_path, monkeypatch):
    write_folder(tmp_path / "in", 100)
    lock, read, most = threading.Lock(), [0], [0]
    real = FolderImages.read

    def counted(self, name):
        with lock:
            read[0] += 1
        return real(self, name)

    def report(stage, done, _total):
        if stage == scoring.SCORING:
            most[0] = max(most[0], read[0] - done)

    monkeypatch.setattr(FolderImages, "read", counted)
    score(tmp_path / "in", tmp_path / "s.csv", lambda: time.sleep(0.02), report=report)
    assert read[0] == 102
    assert BATCH < most[0] <= BATCH * (scoring.workers() + scoring.AHEAD)


def test_progress_is_told_in_files_and_begins_where_the_work_stood(images, tmp_path):
    told = []

    def report(stage, done, total):
        told.append((stage, done, total))
        if stage == scoring.SCORING and done >= 8 and len(told) < 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(images, tmp_path / "s.csv", report=report)
    assert told == [(scoring.LOADING, 0, 1), (scoring.LISTING, 0, 1), *((scoring.SCORING, n, 32) for n in (0, 4, 8))]
    told[:] = [None] * 9
    assert score(images, tmp_path / "s.csv", report=report).n_before == 8
    assert told[9:] == [
        (scoring.LOADING, 0, 1), *((scoring.SCORING, n, 32) for n in range(8, 33, 4)), (scoring.WRITING, 0, 1),
    ]  # fmt: skip


def test_files_that_went_or_came_since_the_start_change_nothing_else(tmp_path, whole):
    write_folder(tmp_path / "in")
    with pytest.raises(KeyboardInterrupt):
        score(tmp_path / "in", tmp_path / "out" / "s.csv", report=_stop_after(8))
    (tmp_path / "in" / "028.png").unlink()
    (tmp_path / "in" / "0000.png").write_bytes((tmp_path / "in" / "000.png").read_bytes())
    summary = score(tmp_path / "in", tmp_path / "out" / "s.csv")
    assert (summary.meta.n_files, summary.meta.n_refused) == (32, 3)
    table = load_scores(tmp_path / "out" / "s.csv")
    assert table.image_ids.tolist() == [i for i in load_scores(whole).image_ids if i != "028.png"]
    assert load_refused(tmp_path / "out" / "s.csv")[0].reason.startswith("028.png: the file cannot be read")


def _stop_after(count):
    def report(_stage, done, _total):
        if done >= count:
            raise KeyboardInterrupt

    return report


def test_names_that_no_table_can_hold_are_refused_in_one_line(tmp_path):
    write_folder(tmp_path / "in", 2)
    picture = (tmp_path / "in" / "000.png").read_bytes()
    for name in (b"line\nbreak.png", b"no unicode \xff.png"):
        (Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/" + name))).write_bytes(picture)
    score(tmp_path / "in", tmp_path / "s.csv")
    assert [r.image_id for r in load_refused(tmp_path / "s.csv")][:3] == [
        "line\\nbreak.png", "no unicode \\udcff.png", "notes.txt",
    ]  # fmt: skip
    assert len((tmp_path / "s.csv.refused.csv").read_text(encoding="utf-8").splitlines()) == 5


def test_the_output_may_lie_in_the_folder(tmp_path):
    write_folder(tmp_path, 6)
    with pytest.raises(KeyboardInterrupt):
        score(tmp_path, tmp_path / "s.csv", report=_stop_after(4))
    summary = score(tmp_path, tmp_path / "s.csv")
    assert (summary.meta.n_files, summary.meta.n_scored) == (8, 6)
    assert score(tmp_path, tmp_path / "s.csv", restart=True).meta.n_files == 8


def test_a_limit_takes_the_first_files_of_the_list(images, whole, tmp_path):
    assert score(images, tmp_path / "s.csv", limit=6).meta.n_files == 6
    assert load_scores(tmp_path / "s.csv").image_ids.tolist() == load_scores(whole).image_ids.tolist()[:6]
    with pytest.raises(KeyboardInterrupt):
        score(images, tmp_path / "t.csv", limit=5, report=_stop_after(4))
    with pytest.raises(StoreError, match="limit was 5, now 6"):
        score(images, tmp_path / "t.csv", limit=6)


def test_several_classes_of_a_multilabel_model_stand_in_one_cell(images, tmp_path):
    predictor = Brightness()
    cuts = replace(predictor.card.threshold, values={"No nodule": 0.4, "Nodule": 0.4})
    predictor.card = replace(predictor.card, task="multilabel", positive_class=None, threshold=cuts)
    score(images, tmp_path / "s.csv", predictor=predictor)
    table = load_scores(tmp_path / "s.csv")
    both = (table.y_prob >= 0.4).all(axis=1)
    assert both.any()
    assert set(table.decided[both]) == {"No nodule|Nodule"}


@pytest.fixture
def with_numbers(tmp_path):
    """(predictor that takes a number, folder of five pictures two of which share a name, its table)."""
    predictor = Brightness()
    predictor.card = replace(predictor.card, tabular_inputs=(TabularInput(name="dose", low=0, high=1),))
    folder = tmp_path / "pictures"
    for name in ("a.png", "b.png", "one/c.png", "two/c.png", "two/d.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), np.full((20, 20, 3), 90, np.uint8))
    table = tmp_path / "numbers.csv"
    table.write_text(
        "file,dose\na.png,0.25\none/c.png,0.5\nd.png,0.75\nc.png,0.1\nelsewhere.png,0.9\n", encoding="utf-8"
    )
    return predictor, folder, table


def test_each_picture_goes_with_its_own_numbers_and_one_without_is_refused(with_numbers, tmp_path):
    predictor, folder, table = with_numbers
    out = tmp_path / "s.csv"
    score(folder, out, predictor=predictor, table=table, batch_size=2)
    found = load_scores(out)
    assert dict(zip(found.image_ids, found.y_prob[:, 1], strict=True)) == {
        "a.png": 0.25, "one/c.png": 0.5, "two/d.png": 0.75,
    }  # fmt: skip
    refused = {item.image_id: item.reason for item in load_refused(out)}
    assert refused == {name: f"{name} has no row in numbers.csv." for name in ("b.png", "two/c.png")}


def test_work_goes_on_with_the_same_numbers_only(with_numbers, tmp_path):
    predictor, folder, table = with_numbers
    out = tmp_path / "s.csv"
    with pytest.raises(KeyboardInterrupt):
        score(folder, out, predictor=predictor, table=table, batch_size=1, report=_stop_after(2))
    table.write_text(table.read_text("utf-8").replace("0.75", "0.7"), encoding="utf-8")
    with pytest.raises(StoreError, match="numbers_sha256 was"):
        score(folder, out, predictor=predictor, table=table, batch_size=1)
    with pytest.raises(SpecInvalid, match="also takes dose"):
        score(folder, out, predictor=predictor)
    with pytest.raises(SpecInvalid, match="takes a picture alone"):
        score(folder, tmp_path / "t.csv", table=table)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"batch_size": 0}, SpecInvalid, "at least 1"),
        ({"limit": 0}, SpecInvalid, "at least 1"),
        ({"out": "s.xlsx"}, SpecInvalid, "expected a name that ends in"),
        ({"source": "nothing"}, DataError, "does not exist"),
        ({"source": "empty"}, DataError, "holds no file"),
        ({"source": "notes.txt"}, DataError, "it is no ZIP"),
        ({"predictor": None, "model": "no such model"}, ModelError, "no such model"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_mistake_is_said_and_leaves_nothing_behind(options, error, words, tmp_path):
    (tmp_path / "empty").mkdir()
    write_folder(tmp_path / "in", 2)
    (tmp_path / "notes.txt").write_text("notes", encoding="utf-8")
    options = {"source": "in", "out": "s.csv", "model": "phantom-nodule", "predictor": Brightness(), **options}
    source, out, model = tmp_path / options.pop("source"), tmp_path / options.pop("out"), options.pop("model")
    with pytest.raises(error, match=words):
        score_images(source, model, out, **options)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["empty", "in", "notes.txt"]
