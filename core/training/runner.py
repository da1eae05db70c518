"""RunSpec -> predictions, history and record, stored in `results/<run_id>/`.

Validation chooses (head settings, early stopping, threshold, temperature); the test rows are scored once,
last. A run that is stored is returned as it is. Ctrl-C and failures leave a readable record behind, and a killed
run goes on from its last epoch when it is called again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.data.balance import balanced_rows, class_weights
from core.errors import MedLensError, TrainingFailed
from core.evaluation.intervals import unit_of
from core.evaluation.report import evaluate_run
from core.evaluation.thresholds import check_rule
from core.language import english, message_of, said
from core.store.codec import SCHEMA_VERSION, run_id_of
from core.store.runs import is_finished, load_record, run_folder, save_run, write_history
from core.training.checkpoint import Checkpoint, Saved, remove_checkpoint
from core.training.environment import environment, peak_memory_bytes
from core.training.prepared import PreparedData, prepare_data, refuse_other_data
from core.training.priors import prior_factors
from core.training.progress import Report, silent
from core.training.seen import SEEN_IMAGES, refuse_seen_test_images, seen_file
from core.training.sequences import history_told
from core.training.stopwatch import Stopwatch
from core.types import Predictions, RunRecord, RunSpec

if TYPE_CHECKING:
    from core.nn.fit_state import FitState

MOST_TRAIN_SCORES = 2000  # training images whose scores are stored: enough for an interval of two points


@dataclass(slots=True)
class Trained:
    """What a strategy hands back: scores of `job.stored_splits` in the order of `job.stored_rows`, and what it cost.

    `exportable` runs hold a network that can become a model of its own; they keep the hashes of what it saw.
    """

    y_prob: dict[str, np.ndarray]
    artifacts: dict[str, bytes]
    params_total: int
    params_trained: int
    chosen: dict[str, object] = field(default_factory=dict)
    exportable: bool = False
    model_bytes: int | None = None  # None: the artifacts, and 4 bytes for each weight that was not trained


@dataclass(slots=True)
class Job:
    """One run under way: its data, its clock, and its growing history file."""

    spec: RunSpec
    run_id: str
    data: PreparedData
    watch: Stopwatch
    report: Report
    results_folder: Path | None
    history: list[dict[str, float | int | str]] = field(default_factory=list)
    resumed_after: int | None = None  # the last epoch of a killed process that this one goes on from

    @property
    def checkpoint(self) -> Checkpoint:
        """Where this run's state between two epochs lies; of the same spec, data and versions only."""
        from core.nn.backend import versions

        identity = {"run_id": self.run_id, "data": self.data.labelled.table.fingerprint, **versions()}
        return Checkpoint(run_folder(self.run_id, self.results_folder), identity)

    def state_of(self, network: Any, stage: str) -> "FitState | None":
        """The state that a killed process left of this stage; its history and its seconds are taken over with it."""
        from core.nn.fit_state import FitState

        saved: Saved | None = self.checkpoint.load()
        state = FitState.from_bytes(saved.state) if saved is not None and saved.stage == stage else None
        if saved is None or state is None or not state.fits(network):
            return None
        self.history = list(saved.history)
        self.watch.add(saved.seconds)
        self.resumed_after = state.pace.epoch
        write_history(self.run_id, pd.DataFrame(self.history), folder=self.results_folder)
        return state

    def keep_state(self, state: bytes) -> None:
        """Put the state after an epoch on the disk, with everything told so far."""
        stage = str(self.history[-1]["stage"])
        self.checkpoint.save(stage, self.history, self.watch.so_far(), state)

    def batches_of(self, stage: str) -> Callable[[int, int], None]:
        """What is told after every batch of a stage: the epoch, and how far it has come."""

        def told(done: int, total: int) -> None:
            epoch = 1 + sum(row["stage"] == stage for row in self.history)
            self.report(f"epoch {epoch} of at most {self.spec.epochs}", done, total)

        return told

    def epoch_done(self, row: dict[str, float | int | str]) -> None:
        """Keep one epoch's numbers and let `history.csv` grow."""
        self.history.append(row)
        write_history(self.run_id, pd.DataFrame(self.history), folder=self.results_folder)
        epochs = self.spec.epochs
        self.report(f"training ({row['stage']})", min(int(row["epoch"]), epochs), epochs)

    def history_frame(self) -> pd.DataFrame | None:
        """One row per epoch, or None when nothing was trained in epochs."""
        return pd.DataFrame(self.history) if self.history else None

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.data.labelled.scheme.class_names

    @property
    def task(self) -> str:
        return self.data.labelled.scheme.task

    def scored_or_balanced(self, split: str) -> tuple[list[str], list[str], np.ndarray]:
        """Paths, content hashes and truth of a split; the training part after balancing, the others as they are."""
        paths, hashes, y_true = self.data.part(split)
        if split != "train":
            return paths, hashes, y_true
        rows = self.rows_used(split)
        return [paths[i] for i in rows], [hashes[i] for i in rows], y_true[rows]

    def rows_used(self, split: str) -> np.ndarray:
        """Positions (m,) within a split of the images that are trained on or scored: the training part balanced."""
        y_true = self.data.part(split)[2]
        if split != "train":
            return np.arange(len(y_true))
        rng = np.random.default_rng([self.spec.seed, 1])
        return balanced_rows(y_true, self.class_names, self.spec.balance, rng)

    @property
    def stored_splits(self) -> tuple[str, ...]:
        """The parts whose scores the run stores."""
        return ("validation", "test", "train") if self.spec.score_train else ("validation", "test")

    def stored_rows(self, split: str) -> np.ndarray:
        """Rows (m,) of the labelled set whose scores are stored: a whole part, or a drawn sample of the training part.

        The training rows are those before balancing: what they score stands beside validation and test.
        """
        rows = self.data.labelled.indices(split)
        if split != "train" or len(rows) <= MOST_TRAIN_SCORES:
            return rows
        drawn = np.random.default_rng([self.spec.seed, 2]).choice(rows, MOST_TRAIN_SCORES, replace=False)
        return np.sort(drawn)

    def stored_files(self, split: str) -> tuple[list[str], list[str]]:
        """Paths and content hashes of `stored_rows`."""
        frame = self.data.labelled.rows.iloc[self.stored_rows(split)]
        return frame["path"].astype(str).tolist(), frame["content_hash"].astype(str).tolist()

    def prior_factors(self, y_used: np.ndarray, *, weighted: bool) -> np.ndarray | None:
        """What brings the stated probabilities to the class shares that the spec asks for; None for multilabel."""
        if self.task == "multilabel":
            return None
        equal = self.spec.stated_shares == "equal"
        return prior_factors(self.data.part("train")[2], y_used, len(self.class_names), weighted=weighted, equal=equal)

    def class_weight(self, y_train: np.ndarray) -> dict[int, float] | None:
        return class_weights(y_train, self.class_names, self.spec.balance)


def run(
    spec: RunSpec, *, root: Path | None = None, report: Report = silent, results_folder: Path | None = None
) -> RunRecord:
    """Train, score and store one run; a finished one is loaded instead.

    Args:
        root: the data set's folder (None for phantoms, and for sets under the data folder).
        report: told the stage, how much is done, and of how much.
    Returns: the record as stored.
    Raises: MedLensError after the record was stored as "failed"; KeyboardInterrupt after "interrupted".
    """
    run_id = run_id_of(spec)
    if is_finished(run_id, results_folder):
        remove_checkpoint(run_folder(run_id, results_folder))
        stored = load_record(run_id, results_folder)
        refuse_other_data(stored, root)
        return stored
    watch = Stopwatch()
    with watch.stage("data"):
        data = prepare_data(spec, root, report)
    scheme = data.labelled.scheme
    check_rule(spec.threshold_rule, scheme.class_names, scheme.positive_class if scheme.task == "binary" else None)
    job = Job(spec, run_id, data, watch, report, results_folder)
    # stored before the work starts, so that a killed process leaves a record that says so
    _store_unfinished(
        job, "interrupted", english(said("training began and did not finish: it is still running, or was killed"))
    )
    try:
        record, predictions, artifacts = _train_and_evaluate(job)
    except KeyboardInterrupt:
        _store_unfinished(job, "interrupted", "stopped by the user before it was finished")
        raise
    except MedLensError as error:
        _store_unfinished(job, "failed", english(message_of(error)))
        if isinstance(error, TrainingFailed):
            remove_checkpoint(run_folder(run_id, results_folder))  # from there it would fail again
        raise
    save_run(record, predictions, job.history_frame(), artifacts, folder=results_folder)
    remove_checkpoint(run_folder(run_id, results_folder))
    return load_record(run_id, results_folder)


def _train_and_evaluate(job: Job) -> tuple[RunRecord, list[Predictions], dict[str, bytes]]:
    from core.training import strategies

    refuse_seen_test_images(job.data, job.spec.weights)
    trained = strategies.train(job)
    artifacts = dict(trained.artifacts)
    if trained.exportable:
        artifacts[SEEN_IMAGES] = seen_file(job.data, job.spec.weights)
    predictions = [_predictions(job, split, trained.y_prob[split]) for split in job.stored_splits]
    job.report("computing intervals", 0, 1)
    with job.watch.stage("evaluation"):
        unit = unit_of(job.data.labelled.table.spec.group_field)
        evaluations = evaluate_run(predictions[0], predictions[1], job.spec.threshold_rule, unit=unit)
    job.report("computing intervals", 1, 1)
    size = sum(map(len, trained.artifacts.values())) + 4 * (trained.params_total - trained.params_trained)
    resumed = {} if job.resumed_after is None else {"resumed_after_epoch": job.resumed_after}
    record = replace(
        _base_record(job, "done"),
        evaluations=evaluations,
        params_total=trained.params_total,
        params_trained=trained.params_trained,
        model_bytes=size if trained.model_bytes is None else trained.model_bytes,
        chosen_settings={**trained.chosen, **resumed, **history_told(job.data.labelled, job.spec.head, predictions)},
    )
    return record, predictions, artifacts


def _predictions(job: Job, split: str, y_prob: np.ndarray) -> Predictions:
    labelled = job.data.labelled
    rows = job.stored_rows(split)
    return Predictions(
        run_id=job.run_id,
        split=split,
        task=job.task,
        class_names=job.class_names,
        positive_class=labelled.scheme.positive_class,
        image_ids=labelled.rows["image_id"].iloc[rows].to_numpy(dtype=str),
        groups=labelled.rows["group"].iloc[rows].to_numpy(dtype=str),
        y_true=labelled.y_true[rows],
        y_prob=y_prob,
    )


def _base_record(job: Job, status: str) -> RunRecord:
    labelled = job.data.labelled
    return RunRecord(
        schema_version=SCHEMA_VERSION,
        run_id=job.run_id,
        spec=job.spec,
        status=status,  # type: ignore[arg-type]
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        class_names=job.class_names,
        task=labelled.scheme.task,
        counts=job.data.counts,
        audit=job.data.audit,
        dataset_fingerprint=labelled.table.fingerprint,
        dropped=labelled.dropped,
        seconds={name: round(value, 3) for name, value in job.watch.seconds.items()},
        peak_memory_bytes=peak_memory_bytes(),
        environment=environment(),
    )


def _store_unfinished(job: Job, status: str, reason: str) -> None:
    record = replace(_base_record(job, status), failure=reason)
    save_run(record, [], job.history_frame(), {}, folder=job.results_folder)
