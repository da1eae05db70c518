"""Feature extraction from JPEG files against a bare compiled Keras loop over decoded arrays, network by network."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from unittest import mock

import numpy as np
from generated import SIZE_PX, write_phantoms
from report import Goal, Row
from settings import Settings
from timing import described, interleaved, ratios, timed

BATCH_SIZE = 16  # of the bare loop
PICTURE_PX = 1024
SAME = 1e-4  # of the largest feature
LONGEST_SECONDS = 40  # of one network


@dataclass(frozen=True, slots=True)
class Case:
    """One network: how many images a round has, how many rounds a full measurement has, and what is asked for."""

    architecture: str
    images: int
    rounds: int
    goal: Goal


CASES = (
    Case("mobilenet_v2", 256, 5, Goal("at least", 3.0)),
    Case("xception", 64, 4, Goal("at least", 1.35)),
    Case("resnet50", 64, 4, Goal("at least", 1.3)),
    Case("vgg16", 32, 3, Goal("at least", 1.05)),
)


class Loops:
    """The bare loop and the library's extraction of the same images with one network."""

    def __init__(self, backbone, files: list[str], cache: Path) -> None:
        from core.data.batches import prepare
        from core.data.sources import content_hash
        from core.nn.compiled import compile_forward
        from core.nn.forward import feature_forward, pooled_model
        from core.types import PreprocessSpec

        self._backbone, self._files, self._caches = backbone, files, (cache / str(n) for n in itertools.count())
        self._preprocess = PreprocessSpec(size_px=SIZE_PX)
        self._hashes = [content_hash(file) for file in files]
        self._decoded = np.stack([prepare(file, self._preprocess) for file in files])
        self._compiled = compile_forward(pooled_model(backbone), SIZE_PX)
        self._forward = feature_forward(backbone)
        self.features: dict[str, np.ndarray] = {}

    def bare(self, images: int) -> tuple[float, float]:
        """Wall and processor seconds of the compiled graph over decoded arrays."""
        wall, processor = time.perf_counter(), time.process_time()
        rows = [self._compiled(self._decoded[at : at + BATCH_SIZE]) for at in range(0, images, BATCH_SIZE)]
        self.features["bare"] = np.concatenate(rows)
        return time.perf_counter() - wall, time.process_time() - processor

    def library(self, images: int) -> tuple[float, float]:
        """The same of `extract_features` on an empty cache, from its first report, before any file is opened."""
        started: list[tuple[float, float]] = []

        def progress(_done: int, _total: int) -> None:
            if not started:
                started.append((time.perf_counter(), time.process_time()))

        # the graph is written once a run, not once a round: that is measured apart
        with mock.patch("core.nn.features.feature_forward", lambda _backbone: self._forward):
            self.features["library"] = self._extract(images, progress)
        wall, processor = started[0]
        return time.perf_counter() - wall, time.process_time() - processor

    def whole(self, images: int) -> float:
        """Seconds of a call with everything that it does."""
        return timed(lambda: self._extract(images))()

    def _extract(self, images: int, progress: Callable[[int, int], None] | None = None) -> np.ndarray:
        from core.nn.features import extract_features

        return extract_features(
            self._backbone, self._files[:images], self._hashes[:images], self._preprocess, progress=progress,
            cache_folder=next(self._caches),
        )  # fmt: skip


def check_same(features: dict[str, np.ndarray]) -> None:
    """Raises ValueError when the library's features are not those of the bare loop."""
    bare, library = features["bare"], features["library"]
    largest = float(np.abs(bare).max())
    if bare.shape != library.shape or not np.abs(bare - library).max() <= SAME * largest:
        raise ValueError("the extraction gives other features than the bare loop: the two are not the same work")


def _rows(case: Case, loops: Loops, settings: Settings) -> list[Row]:
    from core.registry.architectures import architecture_spec

    for warm_up in (loops.bare, loops.library):
        warm_up(BATCH_SIZE)
    images = case.images // 2 if settings.quick else case.images
    found = interleaved(
        {"bare": lambda: loops.bare(images), "library": lambda: loops.library(images)},
        settings.rounds(case.rounds, 3), warm_ups=0, seconds=LONGEST_SECONDS,
    )  # fmt: skip
    check_same(loops.features)
    walls = {name: [wall for wall, _ in values] for name, values in found.items()}
    speeds = ratios(walls["bare"], walls["library"])
    shares = ratios([used for _, used in found["library"]], [used for _, used in found["bare"]])
    per_image = {name: median(values) / images for name, values in walls.items()}
    fixed = loops.whole(BATCH_SIZE) - BATCH_SIZE * per_image["library"]
    title = architecture_spec(case.architecture).title
    return [
        Row(f"Feature extraction from JPEG files, {title}, images a second of the bare compiled loop", median(speeds),
            "×", f"{1 / per_image['library']:.1f} against {1 / per_image['bare']:.1f} a second; {images} images of "
            f"{SIZE_PX} px; {described(speeds)}; fastest against fastest "
            f"{min(walls['bare']) / min(walls['library']):.2f}", case.goal),
        Row("the same, processor time of the bare loop", median(shares), "×", "decoding included"),
        Row("the same, once per extraction", fixed, "s", "digest of the weights, writing the graph, comparing it"),
    ]  # fmt: skip


def _large_row(loops: Loops, images: int) -> Row:
    """MobileNetV2 again, from files as large as radiographs: here decoding takes longer than the network."""
    for warm_up in (loops.bare, loops.library):
        warm_up(BATCH_SIZE)
    speeds = ratios(*zip(*[(loops.bare(images)[0], loops.library(images)[0]) for _ in range(3)], strict=True))
    return Row("the same from larger files, MobileNetV2", median(speeds), "×",
               f"{PICTURE_PX} px JPEG; {images} images; {described(speeds)}")  # fmt: skip


def measure(settings: Settings) -> list[Row]:
    """Each network in turn, random weights; the library's cache is empty in every round."""
    from core.nn.backbones import build_backbone
    from core.registry.architectures import architecture_spec

    files = write_phantoms(settings.folder / "images", max(case.images for case in CASES))
    large = write_phantoms(settings.folder / "large", 2 * BATCH_SIZE, PICTURE_PX)
    rows = []
    for case in CASES:
        backbone = build_backbone(architecture_spec(case.architecture), input_px=SIZE_PX)
        rows += _rows(case, Loops(backbone, files[: case.images], settings.folder / case.architecture), settings)
        if case is CASES[0]:
            rows.append(_large_row(Loops(backbone, large, settings.folder / "large-cache"), len(large)))
    return rows
