"""Several runs on the same images, put in one order, and resampled together.

The same resamples of patients are used for every run: that is what makes their differences paired.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import PredictionsInvalid, UnknownKey
from core.evaluation.intervals import resample_weights
from core.evaluation.metrics import defined
from core.evaluation.resampled import prepare, weighted_values
from core.language import said, said_list
from core.types import Predictions, Threshold


@dataclass(frozen=True, slots=True, eq=False)
class PairedValues:
    """One run's value of a metric on all images, and on each resample (B,), NaN where not defined."""

    value: float | None
    resampled: np.ndarray


def shared_images(runs: Sequence[Predictions]) -> tuple[Predictions, ...]:
    """The runs' predictions on the images that all of them have, in one order (by image id).

    Raises: PredictionsInvalid when split, task or classes differ, no image is shared, or truth or group of an
        image differ.
    """
    first = runs[0]
    for other in runs[1:]:
        for what in ("split", "task", "class_names", "positive_class"):
            if getattr(first, what) != getattr(other, what):
                raise PredictionsInvalid(
                    said(
                        "{run_id} and {other} cannot be compared: {what} is {one} and {two}. Choose "
                        "runs of one data set and label scheme.",
                        run_id=first.run_id,
                        other=other.run_id,
                        what=said(what),
                        one=repr(getattr(first, what)),
                        two=repr(getattr(other, what)),
                    )
                )
    ids = set(map(str, first.image_ids))
    for other in runs[1:]:
        ids &= set(map(str, other.image_ids))
    if not ids:
        raise PredictionsInvalid(
            said(
                "{listed} share no image, so nothing can be compared. Runs share test images when data "
                "set, split and split seed are the same.",
                listed=said_list([run.run_id for run in runs[:3]]),
            )
        )
    aligned = tuple(_subset(run, ids) for run in runs)
    for other in aligned[1:]:
        differs = aligned[0].groups.astype(str) != other.groups.astype(str)
        differs |= (aligned[0].y_true != other.y_true).reshape(len(ids), -1).any(axis=1)
        if differs.any():
            raise PredictionsInvalid(
                said(
                    "{run_id} and {other} disagree about the truth or the group of {n} of {n_2} images, "
                    "such as {image}. Their labels come from different versions of the data.",
                    run_id=first.run_id,
                    other=other.run_id,
                    n=int(differs.sum()),
                    n_2=len(ids),
                    image=repr(aligned[0].image_ids[int(differs.argmax())]),
                )
            )
    return aligned


def _subset(run: Predictions, ids: set[str]) -> Predictions:
    names = run.image_ids.astype(str)
    rows = np.argsort(names, kind="stable")
    rows = rows[[names[row] in ids for row in rows]]
    return Predictions(
        run_id=run.run_id, split=run.split, task=run.task, class_names=run.class_names,
        positive_class=run.positive_class, **{key: value[rows] for key, value in run.arrays().items()},
    )  # fmt: skip


def paired_values(
    runs: Sequence[Predictions],
    metric: str,
    thresholds: Sequence[Threshold] | None,
    *,
    class_name: str | None = None,
    n_bootstrap: int,
    seed: int,
) -> tuple[PairedValues, ...]:
    """Each run's values under the same resamples of groups; the runs come from `shared_images`.

    Raises: PredictionsInvalid when the metric counts calls and there are no thresholds; UnknownKey for an
        unknown class.
    """
    if thresholds is not None and len(thresholds) != len(runs):
        raise PredictionsInvalid(
            said("{n} runs, but {n_2} thresholds; expected one for each run.", n=len(runs), n_2=len(thresholds))
        )
    cuts: Sequence[Threshold | None] = thresholds if thresholds is not None else [None] * len(runs)
    overall = class_name is None
    prepared = [prepare(run, cut, (metric,), per_class=not overall) for run, cut in zip(runs, cuts, strict=True)]
    key = (metric, class_name)
    plain = [weighted_values(one, np.ones((1, len(runs[0])))) for one in prepared]
    if key not in plain[0]:
        raise UnknownKey(
            said(
                "{metric} has no value for {class_name}; classes: {listed}.",
                metric=metric,
                class_name=repr(class_name),
                listed=", ".join(runs[0].class_names),
            )
        )
    drawn: list[list[np.ndarray]] = [[] for _ in runs]
    for weights in resample_weights(runs[0].groups, n_bootstrap, seed):
        for values, one in zip(drawn, prepared, strict=True):
            values.append(weighted_values(one, weights)[key])
    return tuple(
        PairedValues(defined(float(whole[key][0])), np.concatenate(values) if values else np.empty(0))
        for whole, values in zip(plain, drawn, strict=True)
    )
