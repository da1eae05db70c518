"""The Compare page in a fresh process, with fifty and with a thousand stored runs: seconds, memory, no TensorFlow."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

from generated import N_IMAGES, write_runs
from report import Goal, Row
from settings import ROOT, MeasurementFailed, Settings, child_environment
from timing import described

RUNS, MANY = 50, 1000
SCRIPT_GOAL, MEMORY_GOAL, HEAVY_GOAL = Goal("at most", 1.5), Goal("at most", 350), Goal("at most", 0)
MANY_GOAL, AGAIN_GOAL, MANY_MEMORY_GOAL = Goal("at most", 2.5), Goal("at most", 0.5), Goal("at most", 400)
PROBE = Path(__file__).with_name("compare_probe.py")


def open_once(results: Path, expected_runs: int, cache: Path) -> dict[str, object]:
    """What `compare_probe.py` found. Raises MeasurementFailed when the page did not show the runs."""
    answer = subprocess.run(
        [sys.executable, str(PROBE)], cwd=ROOT, capture_output=True, text=True, timeout=300,
        env=child_environment(MEDLENS_RESULTS=str(results), MEDLENS_CACHE=str(cache)),
    )  # fmt: skip
    if answer.returncode:
        raise MeasurementFailed(
            f"the process ended with {answer.returncode}: {(answer.stderr.strip() or 'no word').splitlines()[-1]}"
        )
    found = json.loads(answer.stdout.splitlines()[-1])
    if found["errors"] or found["titles"] != ["Compare"] or found["runs_listed"] != expected_runs:
        raise MeasurementFailed(
            f"the page shows {found['titles']} with {found['runs_listed']} runs and the errors {found['errors']}; "
            f"expected Compare with {expected_runs} runs and no error"
        )
    return found


def measure(settings: Settings) -> list[Row]:
    """Open the page in several fresh processes, one after the other; medians of the seconds, most of the memory."""
    results = settings.folder / "results"
    write_runs(results, RUNS)
    found = [open_once(results, RUNS, settings.folder / "cache") for _ in range(settings.rounds(5, 2))]
    script = [float(one["script_seconds"]) for one in found]
    whole = [float(one["import_seconds"]) + float(one["script_seconds"]) for one in found]
    again = [float(one["again_seconds"]) for one in found]
    heavy = sorted({name for one in found for name in one["heavy_modules"]})
    how = f"{RUNS} runs of {N_IMAGES['test']} test images"
    return [
        Row("Compare page, script run in a fresh process", median(script), "s", f"{how}; {described(script, ' s')}",
            SCRIPT_GOAL),
        Row("the same, processor time", median(float(one["script_processor_seconds"]) for one in found), "s",
            "work of this process alone"),
        Row("the same, with the import of Streamlit", median(whole), "s", described(whole, " s")),
        Row("the same, second run in the same process", median(again), "s", described(again, " s")),
        Row("the same, peak memory", max(float(one["peak_memory_mb"]) for one in found), "MB", "highest of all rounds",
            MEMORY_GOAL),
        Row("the same, heavy modules imported", len(heavy), "", ", ".join(heavy) or "no TensorFlow, no Keras",
            HEAVY_GOAL),
        *_many(settings),
    ]  # fmt: skip


def _many(settings: Settings) -> list[Row]:
    """The same page with a thousand runs of one task, which is more than anybody compares at once.

    The first process reads and checks every run; the next ones find its headlines in the cache folder.
    """
    results, cache = settings.folder / "many", settings.folder / "cache"
    write_runs(results, MANY)
    first = open_once(results, MANY, cache)
    found = [open_once(results, MANY, cache) for _ in range(settings.rounds(3, 1))]
    script = [float(one["script_seconds"]) for one in found]
    again = [float(one["again_seconds"]) for one in found]
    page = f"Compare page with {MANY:,} runs"
    return [
        Row(f"{page}, the first opening of all: every run read and checked", float(first["script_seconds"]), "s",
            f"{float(first['script_processor_seconds']):.2f} s of processor", MANY_GOAL),
        Row(f"{page}, script run in a fresh process", median(script), "s", described(script, " s"), MANY_GOAL),
        Row("the same, processor time", median(float(one["script_processor_seconds"]) for one in found), "s",
            "work of this process alone"),
        Row("the same, second run in the same process", median(again), "s", described(again, " s"), AGAIN_GOAL),
        Row("the same, processor time of that", median(float(one["again_processor_seconds"]) for one in found), "s",
            "work of this process alone"),
        Row("the same, peak memory", max(float(one["peak_memory_mb"]) for one in (first, *found)), "MB",
            "highest of all rounds", MANY_MEMORY_GOAL),
    ]  # fmt: skip
