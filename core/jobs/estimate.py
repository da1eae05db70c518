"""How long the runs of a plan would take, from the seconds that stored runs of the same kind took.

Nothing is guessed: where no stored run is alike, the answer is None. Seconds are of the machines that stored the runs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from core.store.codec import run_id_of
from core.types import RunRecord, RunSpec

# Images a second above which features came from the cache on the disk and not from the network: reading 5,216 of them
# takes two to three seconds, computing them with the fastest network of the catalogue about a minute.
CACHED_IMAGES_PER_SECOND = 500.0
NO_FEATURES = ("scratch", "as_trained", "ensemble")  # whole networks alone, or what stored runs have scored


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One run of a plan: what is stored under its id ("" for nothing), and the seconds that it would take.

    `seconds` is 0 for a stored run, None where no stored run is alike; `alike` is how many were.
    """

    run_id: str
    spec: RunSpec
    stored: str
    seconds: float | None
    alike: int


def planned(specs: Sequence[RunSpec], records: Iterable[RunRecord]) -> tuple[PlannedRun, ...]:
    """The runs in order. Features are counted for the first missing run that needs them, as the cache serves the rest.

    Args:
        records: every stored run, finished or not.
    """
    known = tuple(records)
    status = {record.run_id: record.status for record in known}
    done = [record for record in known if record.status == "done" and record.spec.strategy != "imported"]
    found, cached = [], set()
    for spec in specs:
        run_id = run_id_of(spec)
        if status.get(run_id) == "done":
            found.append(PlannedRun(run_id=run_id, spec=spec, stored="done", seconds=0.0, alike=0))
            cached.add(_features_of(spec))
            continue
        work, alike = _work_seconds(spec, done)
        known_features = spec.strategy in NO_FEATURES or _features_of(spec) in cached
        features = 0.0 if known_features else _feature_seconds(spec, done)
        cached.add(_features_of(spec))
        known_both = work is not None and features is not None
        found.append(
            PlannedRun(
                run_id=run_id, spec=spec, stored=status.get(run_id, ""),
                seconds=(work or 0.0) + (features or 0.0) if known_both else None, alike=alike,
            )
        )  # fmt: skip
    return tuple(found)


def total_seconds(runs: Sequence[PlannedRun]) -> float | None:
    """Of all runs that are missing; None as soon as one of them is not known."""
    missing = [run.seconds for run in runs if run.stored != "done"]
    return None if any(seconds is None for seconds in missing) else sum(s for s in missing if s is not None)


def _features_of(spec: RunSpec) -> tuple[object, ...]:
    return (spec.dataset, _options(spec), spec.architecture, spec.weights, spec.preprocess)


def _options(spec: RunSpec) -> tuple[tuple[str, object], ...]:
    return tuple(sorted(spec.dataset_options.items()))


def _kind(spec: RunSpec) -> tuple[object, ...]:
    """What decides how long the work on an image takes."""
    return (spec.architecture, spec.head, spec.strategy, spec.preprocess.size_px, spec.trainable_layers)


def _train_images(record: RunRecord) -> int:
    return next((count.n_images for count in record.counts if count.split == "train"), 0)


def _all_images(record: RunRecord) -> int:
    return sum(count.n_images for count in record.counts if count.split != "all")


def _work_seconds(spec: RunSpec, done: Sequence[RunRecord]) -> tuple[float | None, int]:
    """Everything but the features: the median over runs of the same kind, per training image where the data differ."""
    alike = [record for record in done if _kind(record.spec) == _kind(spec)]
    same_data = [r for r in alike if r.spec.dataset == spec.dataset and _options(r.spec) == _options(spec)]
    if same_data:
        return median(_work(record, spec) for record in same_data), len(same_data)
    images = _images_of(spec, done, _train_images)
    rates = [_work(record, spec) / _train_images(record) for record in alike if _train_images(record)]
    if images is None or not rates:
        return None, 0
    return median(rates) * images, len(rates)


def _work(record: RunRecord, asked: RunSpec) -> float:
    """Seconds of everything but the features; a whole network's training goes by the epochs that are asked for."""
    seconds = {stage: value for stage, value in record.seconds.items() if stage != "features"}
    if asked.strategy != "frozen" and "training" in seconds:
        seconds["training"] *= asked.epochs / max(1, record.spec.epochs)
    return sum(seconds.values())


def _feature_seconds(spec: RunSpec, done: Sequence[RunRecord]) -> float | None:
    """Images of the data set by the images a second that stored runs of the network computed."""
    rates = []
    for record in done:
        seconds = record.seconds.get("features", 0.0)
        same = (record.spec.architecture, record.spec.preprocess.size_px) == (
            spec.architecture,
            spec.preprocess.size_px,
        )
        if same and seconds and _all_images(record) / seconds < CACHED_IMAGES_PER_SECOND:
            rates.append(_all_images(record) / seconds)
    images = _images_of(spec, done, _all_images)
    return None if images is None or not rates else images / median(rates)


def _images_of(spec: RunSpec, done: Sequence[RunRecord], count) -> int | None:  # type: ignore[no-untyped-def]
    """How many images the data of `spec` have, as a stored run on them counted; None where there is none.

    Of drawn patients there are as many as one asks for: runs on another number of them count by the patient.
    """
    same = [r for r in done if r.spec.dataset == spec.dataset]
    numbers = [count(r) for r in same if _options(r.spec) == _options(spec)]
    if numbers:
        return int(median(numbers))
    wanted = _patients(spec)
    rates = [count(r) / patients for r in same if (patients := _patients(r.spec))]
    return round(median(rates) * wanted) if wanted and rates else None


def _patients(spec: RunSpec) -> float:
    """How many patients a drawn data set is asked for; 0 where the data say it themselves."""
    asked = spec.dataset_options.get("patients", 0)
    return float(asked) if isinstance(asked, int | float) else 0.0
