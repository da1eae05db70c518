"""The gate against pictures unlike the training images: fitted in a run, or for a model that is shipped already.

Training images make the Gaussians, validation sets edges and threshold, and the test part only tells how many of its
images would be flagged.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.data.appearance import appearance
from core.data.batches import decoded_batches
from core.data.labelling import apply_scheme
from core.data.load import load_table
from core.errors import SpecInvalid
from core.evaluation.calibration import apply_temperature
from core.evaluation.intervals import unit_of
from core.evaluation.localisation import mean_estimates
from core.evaluation.referral import referral_record
from core.registry.datasets import dataset_spec
from core.registry.labels import label_scheme
from core.store.models import load_card
from core.store.runs import load_predictions, load_record
from core.training.prepared import divided, reader_options, whole_table
from core.training.progress import Report, silent
from core.types import LabelledSet, ModelCard, OodRecord, Predictions, ReferralRecord, RunSpec

if TYPE_CHECKING:
    from core.nn.ood import Gate
    from core.nn.serving import Predictor

FLAGGED = "flagged"  # the measure: share of images that the gate calls unlike
MOST = {"train": 3000, "validation": 2000, "test": 2000}  # images looked at, drawn; 30 ms each
SPLITS = ("train", "validation", "test")
JUDGED = ("validation", "test")
SCORES_FILE = "ood_scores.npz"

Rows = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class GateResult:
    """A fitted gate as a file, and the card that names it."""

    card: ModelCard
    record: OodRecord
    content: bytes

    def lines(self) -> list[str]:
        """What was fitted, and the shares flagged, in words."""
        found = self.record
        lines = [
            f"{found.method}, fitted on {found.n_train_images} training images of {self.card.name}; threshold "
            f"{found.threshold:.3f}, the {100 * found.percentile:g}th percentile of {found.chosen_on}."
        ]
        for e in found.estimates:
            between = "" if e.low is None or e.high is None else f" ({100 * e.low:.1f}–{100 * e.high:.1f} %)"
            share = 100 * (e.value or 0.0)
            lines.append(f"  {e.split}: {share:.1f} %{between} flagged, of {e.n_images} images of {e.n_groups} groups")
        band = self.card.referral
        if band is not None:
            lines.append(
                f"Scores from {band.band.low:.3f} to {band.band.high:.3f} go to a person ({band.band.rule}, chosen on "
                f"{band.band.chosen_on})."
            )
            lines += [
                f"  {e.split}: {e.metric} {e.value:.3f}" + ("" if e.low is None else f" ({e.low:.3f}–{e.high:.3f})")
                for e in band.estimates
                if e.value is not None
            ]
        return lines


def gate_artifacts(sizes: Mapping[str, int], look: Callable[[str, np.ndarray], Rows]) -> dict[str, bytes]:
    """`ood.npz` of a run, and the scores of its validation and test images; nothing where there are too few.

    Args:
        sizes: images of each split; validation and test as in their predictions.
        look: (n, d) by kind of the images at some positions of a split.
    """
    from core.nn.ood import OOD_FILE, fit_gate, scores_bytes

    chosen = {split: _drawn(np.arange(sizes[split]), split) for split in SPLITS}
    rows = {split: look(split, chosen[split]) for split in SPLITS}
    gate = fit_gate(rows["train"], rows["validation"])
    if gate is None:
        return {}
    scores = {split: np.full(sizes[split], np.nan) for split in JUDGED}  # NaN: not looked at
    for split, values in scores.items():
        values[chosen[split]] = gate.score(rows[split])
    return {OOD_FILE: gate.to_bytes(), SCORES_FILE: scores_bytes(scores)}


def record_of_run(
    artifacts: Mapping[str, bytes], validation: Predictions, test: Predictions, unit: str
) -> OodRecord | None:
    """What a run's `ood.npz` does on its validation and test part; None for a run without one."""
    from core.nn.ood import OOD_FILE, Gate, scores_of

    if OOD_FILE not in artifacts or SCORES_FILE not in artifacts:
        return None
    gate, scores = Gate.from_bytes(artifacts[OOD_FILE]), scores_of(artifacts[SCORES_FILE])
    parts = {"validation": validation, "test": test}
    if any(len(scores.get(split, ())) != len(part) for split, part in parts.items()):
        raise SpecInvalid(f"{validation.run_id}: its {SCORES_FILE} does not belong to its predictions.")
    return _record(gate, {split: (scores[split], parts[split].groups) for split in parts}, unit)


def gate_model(name: str, root: Path | None, *, skip_bad: bool = False, report: Report = silent) -> GateResult:
    """Fit a gate for models/<name> on the data set of its own run, in that run's parts; nothing is written.

    Args:
        root: the data set's folder; None for phantoms, and for sets under the data folder.
    Raises: SpecInvalid when the model has no run here or its parts are too small; DatasetInvalid, ImageRefused,
        ModelDamaged, StoreError.
    """
    from core.nn.ood import FEWEST, OOD_FILE, fit_gate
    from core.nn.serving import Predictor

    card = load_card(name)
    if not card.run_id:
        raise SpecInvalid(f"{name} comes from outside: which images trained it is not known, so it gets no gate.")
    spec = load_record(card.run_id).spec
    labelled = _parts(spec, root, skip_bad, report)
    predictor = Predictor.load(name)
    drawn = {split: _drawn(labelled.indices(split), split) for split in SPLITS}
    rows = {split: _looked(predictor, labelled, drawn[split], split, report) for split in SPLITS}
    gate = fit_gate(rows["train"], rows["validation"])
    if gate is None:
        raise SpecInvalid(f"{name}: training and validation part need at least {FEWEST} images each for a gate.")
    groups = labelled.rows["group"].to_numpy(dtype=str)
    judged = {split: (gate.score(rows[split]), groups[drawn[split]]) for split in JUDGED}
    content = gate.to_bytes()
    record = _record(gate, judged, unit_of(dataset_spec(spec.dataset).group_field))
    sums = {**card.other_sha256, OOD_FILE: hashlib.sha256(content).hexdigest()}
    return GateResult(replace(card, ood=record, referral=_band(card), other_sha256=sums), record, content)


def _band(card: ModelCard) -> ReferralRecord | None:
    """The band of scores for a person, from what the model's run stored; as `export` makes it."""
    unit = unit_of(dataset_spec(card.training_dataset).group_field)
    stated, tested = (apply_temperature(load_predictions(card.run_id, split), card.temperature) for split in JUDGED)
    return referral_record(stated, tested, card.threshold, unit=unit)


def _parts(spec: RunSpec, root: Path | None, skip_bad: bool, report: Report) -> LabelledSet:
    report("reading the data set", 0, 1)
    policy = "skip" if skip_bad else "stop"
    table = load_table(spec.dataset, root, policy=policy, options=reader_options(spec))  # type: ignore[arg-type]
    labelled = apply_scheme(table, label_scheme(spec.label_scheme, table.spec))
    return divided(labelled, spec, whole=whole_table(spec, root))


def _drawn(rows: np.ndarray, split: str) -> np.ndarray:
    """The rows of a part, in order; drawn at random where it is large."""
    if len(rows) <= MOST[split]:
        return rows
    chosen = np.random.default_rng([SPLITS.index(split), 0]).choice(rows, MOST[split], replace=False)
    return np.sort(chosen)


def _looked(predictor: "Predictor", labelled: LabelledSet, rows: np.ndarray, split: str, report: Report) -> Rows:
    """Features and appearance of some rows."""
    paths = labelled.rows["path"].iloc[rows].astype(str).tolist()
    found: dict[str, list[np.ndarray]] = {}
    done = 0
    for batch in decoded_batches(paths, predictor.card.preprocess):
        for kind, values in predictor.looks(batch).items():
            found.setdefault(kind, []).append(values)
        done += len(batch)
        report(f"looking at the {split} part", done, len(paths))
    return {kind: np.concatenate(values) for kind, values in found.items()}


def looks_of_images(features: np.ndarray | None, images: np.ndarray) -> dict[str, np.ndarray]:
    """Rows by kind of prepared images (n, S, S, 3) and their pooled features, where there are any."""
    from core.nn.ood import APPEARANCE, FEATURES

    return {**({} if features is None else {FEATURES: features}), APPEARANCE: appearance(images)}


def _record(gate: "Gate", judged: Mapping[str, tuple[np.ndarray, np.ndarray]], unit: str) -> OodRecord:
    from core.nn.ood import METHOD, PERCENTILE

    estimates = [
        estimate
        for split, (scores, groups) in judged.items()
        for estimate in mean_estimates(
            {FLAGGED: np.where(np.isnan(scores), np.nan, gate.is_unlike(scores))}, groups, split=split, unit=unit
        )
    ]
    *others, last = gate.parts
    parts = f"{', '.join(others)} and {last}" if others else last
    return OodRecord(
        method=f"{METHOD}, of {parts}", threshold=gate.threshold, percentile=PERCENTILE,
        chosen_on="validation", n_train_images=gate.n_train, estimates=tuple(estimates),
    )  # fmt: skip
