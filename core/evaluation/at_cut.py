"""One class against the rest at its cut, with intervals: a cut that someone moves, or those that a run was given.

A moved cut is looked at, not chosen: whoever picks one here because the test numbers look good has used the
test split to choose, and the numbers are then too good.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.errors import UnknownKey
from core.evaluation.intervals import LEVEL, bootstrap_method, bootstrap_values, percentile_interval
from core.evaluation.metrics import all_values
from core.language import said
from core.registry.metrics import AT_CUT
from core.types import Estimate, Predictions, Threshold

MOVED = ("sensitivity", "specificity", "ppv", "npv")
OF_CUTS = ("sensitivity", "ppv", "f1")


def estimates_at(
    pred: Predictions,
    class_name: str,
    cut: float,
    *,
    metrics: Sequence[str] = MOVED,
    n_bootstrap: int = 1000,
    seed: int = 0,
    level: float = LEVEL,
    unit: str = "patients",
) -> tuple[Estimate, ...]:
    """The class against the rest when every score at or above `cut` is a call.

    Args:
        class_name: any class of any task; for a binary one usually the positive class.
        cut: on that class's score, in [0, 1].
        n_bootstrap: resamples of the groups; at the stored threshold of a binary run, the stored number and
            seed give the stored intervals.
    Returns: one estimate per metric, `class_name` set.
    Raises: UnknownKey when there is no such class.
    """
    alone = _alone(pred, class_name)
    threshold = Threshold(values={class_name: cut}, rule=f"fixed:{cut}", chosen_on="none")
    plain = all_values(alone, threshold, metrics)
    drawn = {}
    if n_bootstrap > 0 and pred.n_groups > 1:
        drawn = dict(bootstrap_values(alone, threshold, metrics=metrics, n_bootstrap=n_bootstrap, seed=seed))
    found = []
    for metric in metrics:
        value = plain[metric, class_name]
        low, high = (None, None)
        if value is not None and drawn:
            low, high = percentile_interval(drawn[metric, class_name], level)
        found.append(
            Estimate(
                metric=metric, class_name=class_name, value=value, low=low, high=high, level=level,
                n_images=len(pred), n_groups=pred.n_groups, split=pred.split,
                method=bootstrap_method(n_bootstrap, unit),
            )
        )  # fmt: skip
    return tuple(found)


def estimates_of_cuts(
    pred: Predictions,
    threshold: Threshold,
    *,
    n_bootstrap: int = 1000,
    seed: int = 0,
    level: float = LEVEL,
    unit: str = "patients",
) -> tuple[Estimate, ...]:
    """Sensitivity, PPV and F1 of every class of a multiclass task against the rest, each at its own cut.

    An image may so be called by several classes, or by none. The classes' cuts were chosen with the run; what is
    reported beside them as sensitivity, PPV and F1 is of the most probable class.

    Args:
        threshold: one cut per class, chosen on validation.
    Returns: estimates of `sensitivity_at_cut`, `ppv_at_cut` and `f1_at_cut`, class by class.
    Raises: SpecInvalid when a class has no cut.
    """
    each = replace(pred, task="multilabel", y_true=np.eye(len(pred.class_names), dtype=np.int64)[pred.y_true])
    plain = all_values(each, threshold, OF_CUTS)
    drawn = {}
    if n_bootstrap > 0 and pred.n_groups > 1:
        drawn = dict(bootstrap_values(each, threshold, metrics=OF_CUTS, n_bootstrap=n_bootstrap, seed=seed))
    found = []
    for name in pred.class_names:
        for metric in OF_CUTS:
            value = plain[metric, name]
            known = value is not None and drawn
            low, high = percentile_interval(drawn[metric, name], level) if known else (None, None)
            found.append(
                Estimate(
                    metric=metric + AT_CUT, class_name=name, value=value, low=low, high=high, level=level,
                    n_images=len(pred), n_groups=pred.n_groups, split=pred.split,
                    method=bootstrap_method(n_bootstrap, unit),
                )
            )  # fmt: skip
    return tuple(found)


def _alone(pred: Predictions, class_name: str) -> Predictions:
    """One class as a question of its own: is its score at or above the cut, whatever the others say?"""
    if class_name not in pred.class_names:
        raise UnknownKey(
            said(
                "No class {class_name} to set a cut for; classes: {listed}.",
                class_name=repr(class_name),
                listed=", ".join(pred.class_names),
            )
        )
    i = pred.class_names.index(class_name)
    return Predictions(
        run_id=pred.run_id, split=pred.split, task="multilabel", class_names=(class_name,), positive_class=None,
        image_ids=pred.image_ids, groups=pred.groups, y_true=np.asarray(pred.truth_of(i))[:, None],
        y_prob=np.asarray(pred.y_prob)[:, [i]],
    )  # fmt: skip
