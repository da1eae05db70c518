"""From predictions to every number of a split: estimates, confusion, curves, calibration.

Threshold and temperature come from validation; the test split is only ever judged. The same predictions and
seed give the same numbers, so a stored run can be evaluated anew from its predictions.csv alone.
"""

from core.errors import PredictionsInvalid
from core.evaluation.at_cut import estimates_of_cuts
from core.evaluation.calibration import fit_temperature, reliability
from core.evaluation.curves import curves_of
from core.evaluation.intervals import LEVEL, estimates
from core.evaluation.metrics import confusion
from core.evaluation.thresholds import DEFAULT_RULE, choose_threshold
from core.language import said
from core.types import Evaluation, Predictions, Threshold


def evaluate(
    pred: Predictions,
    threshold: Threshold,
    *,
    temperature: float | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
    level: float = LEVEL,
    unit: str = "patients",
) -> Evaluation:
    """All numbers of one split, on the scores as they stand in `pred`.

    Args:
        threshold: chosen on validation scores of the same kind (raw with raw, calibrated with calibrated).
        temperature: fitted on validation; only `calibration.error_after` uses it, the other numbers are of
            the scores as given. None where the scores are calibrated already, or there was no validation part.
        n_bootstrap: resamples of the groups; 0 gives values without intervals.
        unit: what a group is, in the plural, for the method's name ("patients", "lesions", "studies").
    Returns: for a multiclass task whose cuts were asked for (by a rule that is not the default one) also each class
        against the rest at its cut, as `sensitivity_at_cut`, `ppv_at_cut` and `f1_at_cut`.
    """
    numbers = estimates(pred, threshold, n_bootstrap=n_bootstrap, seed=seed, level=level, unit=unit)
    if pred.task == "multiclass" and threshold.rule != DEFAULT_RULE:
        numbers += estimates_of_cuts(pred, threshold, n_bootstrap=n_bootstrap, seed=seed, level=level, unit=unit)
    return Evaluation(
        split=pred.split,
        task=pred.task,  # type: ignore[arg-type]
        class_names=pred.class_names,
        positive_class=pred.positive_class if pred.task == "binary" else None,
        n_images=len(pred),
        n_groups=pred.n_groups,
        estimates=numbers,
        confusion=confusion(pred, threshold),
        curves=curves_of(pred),
        calibration=reliability(pred, temperature=temperature),
        threshold=threshold,
    )


def evaluate_run(
    validation: Predictions,
    test: Predictions,
    rule: str = DEFAULT_RULE,
    n_bootstrap: int = 1000,
    seed: int = 0,
    *,
    unit: str = "patients",
) -> tuple[Evaluation, Evaluation]:
    """Evaluations of validation and test: threshold and temperature from the first, the second judged last.

    Raises: PredictionsInvalid when the parts are of different runs or classes; SpecInvalid when `validation`
        is another split; UndefinedMetric when a binary validation split shows one class only.
    """
    same = (validation.run_id, validation.task, validation.class_names, validation.positive_class)
    if same != (test.run_id, test.task, test.class_names, test.positive_class):
        raise PredictionsInvalid(
            said(
                "Validation is of {run_id} ({listed}), test of {other} ({listed_2}); expected one run "
                "and one class order.",
                run_id=validation.run_id,
                listed=", ".join(validation.class_names),
                other=test.run_id,
                listed_2=", ".join(test.class_names),
            )
        )
    threshold = choose_threshold(validation, rule)
    temperature = fit_temperature(validation)
    first, second = (
        evaluate(part, threshold, temperature=temperature, n_bootstrap=n_bootstrap, seed=seed, unit=unit)
        for part in (validation, test)
    )
    return first, second
