"""Heads on a patient's images in order: what they are given, and what a run's record says of the histories.

A control stands beside the real thing: a head with `earlier` = "repeat" sees the image itself in the place of each
earlier one. What it gains over the last image alone comes from the number of images, and not from what they show.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.data.history import LENGTH, NONE, History, patient_history
from core.errors import SpecInvalid
from core.evaluation.intervals import bootstrap_method, bootstrap_values, percentile_interval, unit_of
from core.evaluation.metrics import auc
from core.registry.heads import head_spec, images_in_a_row
from core.training.heads import FeaturePart
from core.types import HeadSpec, LabelledSet, Predictions

if TYPE_CHECKING:
    from core.training.runner import Job

Extract = Callable[[list[str], list[str]], np.ndarray]
N_BOOTSTRAP = 1000


@dataclass(frozen=True, slots=True, eq=False)
class SequenceParts:
    """The parts of a run as sequences: features of a whole part, and for each image the rows before it."""

    job: "Job"
    head: HeadSpec
    history: History

    def part(self, split: str, extract: Extract) -> FeaturePart:
        """The part that is trained on or scored; the training part after balancing.

        Balancing chooses the images that are learned from; their histories are whole, as they are when scored.
        """
        paths, hashes, y_true = self.job.data.part(split)
        used = self.job.rows_used(split)
        return FeaturePart(extract(paths, hashes), y_true[used], self._positions(split)[used])

    def stored(self, split: str, features: np.ndarray) -> FeaturePart:
        """The rows of a part whose scores are stored, given the features of the whole part."""
        rows, y_true = self.job.data.labelled.indices(split), self.job.data.part(split)[2]
        chosen = np.searchsorted(rows, self.job.stored_rows(split))
        return FeaturePart(features, y_true[chosen], self._positions(split)[chosen])

    def _positions(self, split: str) -> np.ndarray:
        positions = self.history.within(self.job.data.labelled.indices(split))
        if self.head.settings.get("earlier") == "repeat":
            return np.where(positions == NONE, NONE, positions[:, -1:])
        return positions


def sequence_parts(job: "Job", head: HeadSpec) -> SequenceParts | None:
    """The parts of a run for a head on sequences; None for a head on single images.

    Raises: SpecInvalid when no training image has an earlier one, or the spec asks for mixup.
    """
    images = images_in_a_row(head)
    if images is None:
        return None
    if job.spec.mixup:
        raise SpecInvalid(f"{head.title}: patients of different histories cannot be mixed; set mixup = 0.")
    labelled = job.data.labelled
    history = patient_history(labelled, images)
    if images > 1 and not history.earlier[labelled.indices("train")].any():
        field = labelled.table.spec.group_field
        raise SpecInvalid(
            f"{head.title} needs a {field} with several images, and the training part of "
            f"{labelled.table.spec.title} has none. Take a head on single images, such as 'mlp'."
        )
    return SequenceParts(job, head, history)


def history_told(labelled: LabelledSet, head: str, predictions: Sequence[Predictions]) -> dict[str, object]:
    """What a record says of histories: their order, how many images have one, and how a head does on those.

    Empty for heads on single images. A head with one image in a row is told on the images on which the others have
    more. `history_length_auc` is the AUC of the mere number of earlier images, class by class: how much a head can
    score on the test part without looking at them.
    """
    images = images_in_a_row(head_spec(head))
    if images is None:
        return {}
    history = patient_history(labelled, max(LENGTH, images))
    earlier = history.earlier
    unit = unit_of(labelled.table.spec.group_field)
    told: dict[str, object] = {
        "history_order": history.order,
        "images_with_history": {
            split: int((earlier[labelled.indices(split)] > 0).sum()) for split in ("train", "validation", "test")
        },
        "history_length_auc": _length_auc(labelled, earlier),
    }
    for pred in predictions:
        if pred.split in ("validation", "test"):
            has = earlier[labelled.indices(pred.split)] > 0
            told[f"auc_with_history_{pred.split}"] = _auc_of(pred, has, unit)
            told[f"auc_without_history_{pred.split}"] = _auc_of(pred, ~has, unit)
    return told


def _length_auc(labelled: LabelledSet, earlier: np.ndarray) -> dict[str, float | None]:
    """Class -> AUC of the number of earlier images on the test part, None where the class cannot be told apart."""
    rows, names = labelled.indices("test"), labelled.scheme.class_names
    score = np.repeat((earlier[rows] / max(1, earlier.max()))[:, None], len(names), axis=1)
    y_true = labelled.y_true[rows]
    if labelled.scheme.task != "multilabel":
        y_true = np.eye(len(names), dtype=np.int64)[y_true]
    ids = np.arange(len(rows)).astype(str)
    pred = Predictions(
        run_id="history length", split="test", task="multilabel", class_names=names, positive_class=None,
        image_ids=ids, groups=ids, y_true=y_true, y_prob=score,
    )  # fmt: skip
    return {name: auc(pred, name) for name in names}


def _auc_of(pred: Predictions, kept: np.ndarray, unit: str) -> dict[str, object] | None:
    """AUC (macro for several classes) of some images, with an interval over groups; None where there is none."""
    if not kept.any():
        return None
    arrays = {name: values[kept] for name, values in pred.arrays().items()}
    part = Predictions(
        run_id=pred.run_id, split=pred.split, task=pred.task, class_names=pred.class_names,
        positive_class=pred.positive_class, **arrays,
    )  # fmt: skip
    value, low, high = auc(part), None, None
    if value is not None and part.n_groups > 1:
        drawn = bootstrap_values(part, None, metrics=("auc",), n_bootstrap=N_BOOTSTRAP)
        low, high = percentile_interval(drawn["auc", None])
    return {
        "value": value, "low": low, "high": high, "n_images": len(part), "n_groups": part.n_groups,
        "method": bootstrap_method(N_BOOTSTRAP, unit),
    }  # fmt: skip
