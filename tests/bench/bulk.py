"""`python -m core score` on a folder of phantoms: its rate, its memory, and what a kill leaves behind."""

import csv
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import psutil
from generated import SHIPPED, SMALL, write_phantoms
from report import Goal, Row
from settings import ROOT, MeasurementFailed, Settings, child_environment
from timing import described, interleaved, ratios

RATE_GOAL, GROWTH_GOAL, LOST_GOAL = Goal("at least", 0.9), Goal("at most", 3), Goal("at most", 0)
DRAWN = 1000  # phantoms; the others are hard links to them, which every reader takes for files of their own
IMAGES, ALL_IMAGES = 2_000, 20_000
KILLS = 6
PAUSE_SECONDS = 0.005
SETTLED = 0.25  # share of the files after which memory must not grow
LONGEST_SECONDS = 1800
HUNDRED, BATCH = 100, 32


def write_folder(folder: Path, count: int) -> list[str]:
    """`count` JPEG files below `folder`; returns their names there, sorted."""
    drawn = [Path(file) for file in write_phantoms(folder / "0000", min(DRAWN, count))]
    names = [f"0000/{file.name}" for file in drawn]
    for number in range(len(drawn), count):
        name = f"{number // DRAWN:04d}/{number % DRAWN:04d}.jpeg"
        (folder / name).parent.mkdir(exist_ok=True)
        os.link(drawn[number % DRAWN], folder / name)
        names.append(name)
    return sorted(names)


def rate_loops(folder: Path, names: Sequence[str], model: str, out: Path) -> dict[str, Callable[[], float]]:
    """Images a second of `score_images`, and of the loop of the feature extraction with the same model and files."""
    from core.data.ahead import in_order
    from core.data.batches import prepare
    from core.nn.features import SLICES_AHEAD
    from core.nn.pool import shared_predictor
    from core.nn.runtime import SLICE, cores
    from core.serve.scoring import score_images

    predictor = shared_predictor(model, ROOT / "models")
    files = [str(folder / name) for name in names]

    def answer(part: Sequence[str]) -> np.ndarray:
        return predictor.run(np.stack([prepare(file, predictor.card.preprocess) for file in part])).probabilities

    def loop() -> float:
        started = time.perf_counter()
        slices = [files[at : at + SLICE] for at in range(0, len(files), SLICE)]
        scored = sum(len(rows) for rows in in_order(answer, slices, workers=cores(), ahead=SLICES_AHEAD))
        return scored / (time.perf_counter() - started)

    def score() -> float:
        summary = score_images(folder, model, out, restart=True, limit=len(files), predictor=predictor)
        if summary.meta.n_scored != len(files):
            raise MeasurementFailed(f"{summary.meta.n_scored} of {len(files)} files were scored")
        return summary.images_per_second

    return {"loop": loop, "score": score}


def hundred_loops(folder: Path, names: Sequence[str], out: Path) -> dict[str, Callable[[], float]]:
    """Images a second of `score_images` from files, and of one compiled Keras function on the decoded arrays."""
    import keras
    import tensorflow as tf

    from core.data.batches import prepare
    from core.nn.pool import shared_predictor

    card = shared_predictor(SHIPPED, ROOT / "models").card
    model = keras.saving.load_model(ROOT / "models" / SHIPPED / "model.keras", compile=False)
    pixels = np.stack([prepare(str(folder / name), card.preprocess) for name in names])
    batches = [pixels[at : at + BATCH] for at in range(0, len(pixels), BATCH)]

    @tf.function(reduce_retracing=True)
    def forward(batch):
        return model(tf.cast(batch, tf.float32), training=False)

    def bare() -> float:
        started = time.perf_counter()
        scored = sum(len(forward(batch).numpy()) for batch in batches)
        return scored / (time.perf_counter() - started)

    return {"bare": bare, "score": rate_loops(folder, names, SHIPPED, out)["score"]}


class Scoring:
    """`python -m core score` in processes of its own, which may be killed."""

    def __init__(self, folder: Path, model: str, out: Path) -> None:
        self.out, self._part = out, out.with_name(f"{out.name}.part")
        self._command = [sys.executable, "-m", "core", "score", str(folder), "--model", model, "--out", str(out)]

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self._command, "--json"], cwd=ROOT, env=child_environment(), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def _written(self) -> int:
        try:
            return self._part.stat().st_size
        except OSError:
            return 0

    def finish(self) -> tuple[dict, list[tuple[int, float]]]:
        """Run to the end: what it reported, and (bytes written, resident MB) on the way.

        Raises: MeasurementFailed when it did not end well.
        """
        process, seen = self._start(), []
        end = time.monotonic() + LONGEST_SECONDS
        while process.poll() is None:
            if time.monotonic() > end:
                process.kill()
                raise MeasurementFailed(f"scoring took longer than {LONGEST_SECONDS} s")
            try:
                seen.append((self._written(), psutil.Process(process.pid).memory_info().rss / 1e6))
            except psutil.Error:  # it has just ended
                break
            time.sleep(10 * PAUSE_SECONDS)
        output, errors = process.communicate()
        if process.returncode:
            raise MeasurementFailed(f"scoring ended with {process.returncode}: {errors.strip()[-300:]}")
        return json.loads(output), seen

    def kill_at(self, written: int, later: float) -> bool:
        """Start, or go on, and `kill -9` it `later` seconds after so many bytes were written; False if it ended."""
        process = self._start()
        while process.poll() is None:
            if self._written() >= written:
                time.sleep(later)
                process.kill()
                process.communicate()
                return process.returncode < 0
            time.sleep(PAUSE_SECONDS)
        process.communicate()
        return False


def lost_or_doubled(file: Path, names: Sequence[str]) -> int:
    """Rows of a score file that are missing, there twice, or of no file of `names`."""
    with file.open(encoding="utf-8", newline="") as stream:
        found = [row["image_id"] for row in csv.DictReader(stream)]
    return len(set(names) - set(found)) + len(found) - len(set(found)) + len(set(found) - set(names))


def memory_growth(seen: Sequence[tuple[int, float]]) -> tuple[float, float, float]:
    """(resident MB settled, most of it later, growth in percent) of (bytes written, resident MB) in order of time.

    Settled is the median between a quarter and a half of the bytes. Raises MeasurementFailed without such samples.
    """
    last = max((written for written, _ in seen), default=0)
    early = [memory for written, memory in seen if SETTLED * last <= written < 2 * SETTLED * last]
    late = [memory for written, memory in seen if written >= 3 * SETTLED * last]
    if not early or not late or not last:
        raise MeasurementFailed("the process ended before its memory could be watched")
    before, after = median(early), median(late)
    return before, max(late), max(0.0, 100 * (after / before - 1))


def measure(settings: Settings) -> list[Row]:
    """Rates in turn in this process; then a process that is watched, and one that is killed again and again."""
    count = ALL_IMAGES if settings.full else settings.rounds(IMAGES, IMAGES // 2)
    folder = settings.folder / "images"
    names = write_folder(folder, count)
    rows = []
    for model, images in ((SMALL, count), (SHIPPED, min(count, settings.rounds(400, 200)))):
        loops = rate_loops(folder, names[:images], model, settings.folder / f"rate-{model}.csv")
        rates = interleaved(loops, 3, warm_ups=0 if settings.full else 1)
        share = ratios(rates["score"], rates["loop"])
        rows.append(
            Row(f"score, images a second of the extraction loop, {model}", median(share), "×",
                f"{median(rates['score']):.0f} against {median(rates['loop']):.0f} a second; {images:,} JPEG files; "
                f"{described(share)}", RATE_GOAL)
        )  # fmt: skip
    loops = hundred_loops(folder, names[:HUNDRED], settings.folder / "hundred.csv")
    rates = interleaved(loops, settings.rounds(7, 3), warm_ups=1)
    share = ratios(rates["score"], rates["bare"])
    rows.append(
        Row(f"{HUNDRED} JPEG files, images a second of a bare compiled batched loop, {SHIPPED}", median(share), "×",
            f"{median(rates['score']):.0f} against {median(rates['bare']):.0f} a second; the loop takes arrays, "
            f"{BATCH} at a time; {described(share)}", RATE_GOAL)
    )  # fmt: skip
    whole = Scoring(folder, SMALL, settings.folder / "whole.csv")
    report, seen = whole.finish()
    settled, most, growth = memory_growth(seen)
    killed = Scoring(folder, SMALL, settings.folder / "killed.csv")
    chance, size = random.Random(0), whole.out.stat().st_size
    moments = sorted(chance.uniform(0.02, 0.95) for _ in range(settings.rounds(KILLS, 2)))
    kills = sum(killed.kill_at(int(moment * size), chance.uniform(0, 0.1)) for moment in moments)
    if not kills:
        raise MeasurementFailed("the process ended before it could be killed")
    killed.finish()
    same = "the file is the same byte for byte" if killed.out.read_bytes() == whole.out.read_bytes() else "it differs"
    return [
        *rows,
        Row(f"score {report['n_files']:,} images: memory grown on the way", growth, "%",
            f"{SMALL}; {settled:.0f} MB between a quarter and a half, at most {most:.0f} MB in the last quarter; "
            f"{report['images_per_second']:.0f} a second, watched", GROWTH_GOAL),
        Row("the same, killed and resumed: rows lost or doubled", lost_or_doubled(killed.out, names), "",
            f"of {len(names):,}, after {kills} × kill -9 at random moments; beside an undisturbed run {same}",
            LOST_GOAL),
    ]  # fmt: skip
