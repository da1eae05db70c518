"""Feature extraction from files against a bare compiled loop over decoded arrays: images per second."""

import time
from statistics import median
from unittest import mock

import numpy as np
from generated import ARCHITECTURE, SIZE_PX, write_phantoms
from report import Goal, Row
from settings import Settings
from timing import described, interleaved, ratios, timed

GOAL = Goal("at least", 0.95)
IMAGES = 256  # 16 batches
LONGEST_SECONDS = 60  # rounds that a quiet machine makes in this time; a busy one makes fewer
SOME = 32  # images of the call whose fixed costs are looked at


def measure(settings: Settings) -> list[Row]:
    """Wall and processor time of `extract_features` on an empty cache, and of the loop without the library.

    Both call the same compiled function, so that tracing it (about a second, once a run) hides nothing. The
    library's time runs from its first report, which is before the first file is opened, to its return.
    """
    from core.data.sources import content_hash
    from core.nn import features
    from core.nn.backbones import build_backbone
    from core.nn.compiled import compile_forward
    from core.registry.architectures import architecture_spec
    from core.types import PreprocessSpec

    preprocess = PreprocessSpec(size_px=SIZE_PX)
    images = IMAGES
    files = write_phantoms(settings.folder / "images", images)
    hashes = [content_hash(file) for file in files]
    decoded = np.stack([features.prepare(file, preprocess) for file in files])
    backbone = build_backbone(architecture_spec(ARCHITECTURE), input_px=SIZE_PX)
    forward = compile_forward(features.pooled_model(backbone), SIZE_PX)
    size, calls = features.BATCH_SIZE, iter(range(1_000_000))
    found: dict[str, np.ndarray] = {}

    def bare() -> tuple[float, float]:
        wall, processor = time.perf_counter(), time.process_time()
        rows = [forward(decoded[start : start + size]) for start in range(0, images, size)]
        found["bare"] = np.concatenate(rows)
        return time.perf_counter() - wall, time.process_time() - processor

    def extracted() -> tuple[float, float]:
        started: list[tuple[float, float]] = []

        def progress(_done: int, _total: int) -> None:
            if not started:
                started.append((time.perf_counter(), time.process_time()))

        cache = settings.folder / f"cache{next(calls)}"
        with mock.patch.object(features, "compile_forward", lambda _model, _side: forward):
            found["library"] = features.extract_features(
                backbone, files, hashes, preprocess, progress=progress, cache_folder=cache
            )
        wall, processor = started[0]
        return time.perf_counter() - wall, time.process_time() - processor

    rounds = interleaved({"bare": bare, "library": extracted}, settings.rounds(12, 3), seconds=LONGEST_SECONDS)
    if not np.allclose(found["bare"], found["library"], atol=1e-5):
        raise ValueError("the extraction gives other features than the bare loop: the two are not the same work")
    whole = timed(
        lambda: features.extract_features(
            backbone, files[:SOME], hashes[:SOME], preprocess, cache_folder=settings.folder / "fixed"
        )
    )()
    walls = {name: [wall for wall, _ in values] for name, values in rounds.items()}
    processor = {name: [used for _, used in values] for name, values in rounds.items()}
    speeds = ratios(walls["bare"], walls["library"])
    best = f"fastest against fastest {min(walls['bare']) / min(walls['library']):.2f}"
    shares = ratios(processor["library"], processor["bare"])
    fixed = whole - SOME / images * median(walls["library"])
    return [
        Row(
            "Feature extraction from JPEG files, images per second of the bare compiled loop",
            median(speeds), "×", f"{images} images, batches of {size}; {described(speeds)}; {best}", GOAL,
        ),
        Row(
            "the same, processor time of the bare loop", median(shares), "×",
            f"decoding included; {described(shares)}",
        ),
        Row(
            "the same, time per image", 1000 * median(walls["library"]) / images, "ms",
            f"bare loop {1000 * median(walls['bare']) / images:.1f} ms",
        ),
        Row("the same, once per extraction", fixed, "s", "digest of the weights, tracing the graph; 1 call"),
    ]  # fmt: skip
