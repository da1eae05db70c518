"""Not a test by itself: ten SIGKILLs at random moments of a small training, each followed by the same call again.

`python kill_and_resume.py FOLDER` prints one JSON line. Every attempt is a process of its own, forked after the slow
imports and before TensorFlow starts a thread. Layers run one by one (not as a compiled graph), which saves each
attempt some seconds of tracing and changes nothing in what is stored between epochs.
"""

import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

import core.nn.fit
import core.nn.images  # noqa: F401
from core.store.codec import run_id_of
from core.training.checkpoint import FILE
from core.training.prepared import prepare_data
from core.training.runner import run
from core.types import AugmentationSpec, PreprocessSpec, RunSpec

FOLDER = Path(sys.argv[1])
KILLS = 10

SPEC = RunSpec(
    dataset="phantom", label_scheme="phantom_nodule", architecture="compact_cnn", head="linear", strategy="scratch",
    weights="none", preprocess=PreprocessSpec(size_px=32), epochs=6, batch_size=48, optimizer="sgd",
    learning_rates=(1e-3,), seed=1,
    balance="class_weights", mixup=0.2, augmentation=AugmentationSpec(flip_horizontal=True, shift=0.05),
    dataset_options={"patients": 32, "seed": 5, "size_px": 48},
)  # fmt: skip


def attempt(results: Path, kill_after: float | None = None, *, from_training: bool = True) -> bool:
    """Train in a child; whether it came to its end before the kill, some seconds after its start or first batch."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)

        def report(stage: str, _done: int, _total: int) -> None:
            if stage.startswith("epoch"):
                os.write(writing, b".")

        status = 1
        try:
            import tensorflow as tf

            tf.config.run_functions_eagerly(True)
            run(SPEC, results_folder=results, report=report)
            status = 0
        except BaseException:  # noqa: BLE001 - a forked child must never come back into the parent's code
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writing)
    if kill_after is not None:
        if from_training:
            os.read(reading, 1)  # also returns when the child has ended
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(reading)
    if status not in (0, signal.SIGKILL):
        sys.exit(f"a child ended with status {status}")
    return status == 0


def outcome(results: Path) -> dict[str, object]:
    """What must be the same: predictions to the last bit, and every epoch once."""
    folder = results / run_id_of(SPEC)
    lines = [line.split(",") for line in (folder / "history.csv").read_text().splitlines()]
    record = json.loads((folder / "run.json").read_text())
    return {
        "predictions": (folder / "predictions.csv").read_text(),
        "history": [cells[:2] + cells[3:] for cells in lines],  # the third is seconds
        "evaluations": record["evaluations"],
        "status": record["status"],
        "left_behind": (folder / FILE).exists(),
    }


prepare_data(SPEC, None)
started = time.perf_counter()
attempt(FOLDER / "unbroken")
whole_seconds = time.perf_counter() - started
expected, rng = outcome(FOLDER / "unbroken"), random.Random(int(time.time()))
kills, resumed_at, same, number = 0, [], [], 0
while kills < KILLS:
    results, done = FOLDER / f"broken{number}", False
    while not done:
        moment = rng.uniform(0, 0.25 * whole_seconds) if kills < KILLS else None
        done = attempt(results, moment, from_training=kills % 4 > 0)  # every fourth while it gets ready
        kills += not done
    same.append(outcome(results) == expected)
    resumed_at.append(json.loads((results / run_id_of(SPEC) / "run.json").read_text())["chosen_settings"])
    number += 1
print(json.dumps({
    "kills": kills, "same": same, "epochs": len(expected["history"]) - 1, "status": expected["status"],
    "left_behind": expected["left_behind"], "resumed_after": [s.get("resumed_after_epoch") for s in resumed_at],
    "whole_seconds": whole_seconds,
}))  # fmt: skip
