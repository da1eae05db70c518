"""Export: a stored run becomes models/<name>/, with threshold and temperature from its validation part."""

import dataclasses
from pathlib import Path

from core.errors import SpecInvalid
from core.evaluation.calibration import apply_temperature, fit_temperature
from core.evaluation.intervals import unit_of
from core.evaluation.referral import referral_record
from core.evaluation.report import evaluate
from core.evaluation.sums import class_sums
from core.evaluation.thresholds import choose_threshold
from core.registry.datasets import dataset_spec
from core.registry.labels import label_scheme
from core.store.models import GATE, save_model
from core.store.names import sha256_of
from core.store.runs import load_artifact, load_predictions, load_record
from core.training.gating import record_of_run
from core.types import ModelCard

SUM_RULE = "youden"  # sums are two-sided questions of their own: a rule for single classes says nothing of them
EXPORTED = ("head.keras", "network.keras", "seen_images.txt", "features.json", "ood.npz", "ood_scores.npz")


def export_run(
    run_id: str,
    name: str,
    *,
    rule: str | None = None,
    replace: bool = False,
    results_folder: Path | None = None,
    models_folder: Path | None = None,
) -> tuple[ModelCard, Path]:
    """Write models/<name>/ from a finished CNN+MLP run.

    The temperature is fitted on validation, the threshold chosen there on calibrated scores, and the card's
    estimates are those of the test part on calibrated scores.
    `rule` says how (`core/evaluation/thresholds.py`); without one it is the run's own `threshold_rule`.
    `replace` allows a model of that name to be written over.
    Returns: the card and the folder.
    Raises: SpecInvalid for a run without a network; RunDamaged; WeightsUnavailable; ModelDamaged.
    """
    from core.nn.export import build_model_folder

    record = load_record(run_id, results_folder)
    if record.status != "done":
        raise SpecInvalid(f"{run_id} is {record.status}; only a finished run can be exported. Run its plan again.")
    artifacts = {n: load_artifact(run_id, n, results_folder) for n in EXPORTED if n in record.artifacts}
    validation = load_predictions(run_id, "validation", results_folder)
    test = load_predictions(run_id, "test", results_folder)
    temperature = fit_temperature(validation)
    stated, tested = apply_temperature(validation, temperature), apply_temperature(test, temperature)
    threshold = choose_threshold(stated, record.spec.threshold_rule if rule is None else rule)
    spec = dataset_spec(record.spec.dataset)
    unit = unit_of(spec.group_field)
    evaluation = evaluate(tested, threshold, unit=unit)
    questions = label_scheme(record.spec.label_scheme, spec).sums
    sums = class_sums(questions, stated, tested, rule=SUM_RULE, unit=unit)
    card, files = build_model_folder(name, record, artifacts, evaluation, temperature)
    card = dataclasses.replace(
        card, sums=sums, referral=referral_record(stated, tested, threshold, unit=unit),
        ood=record_of_run(artifacts, validation, test, unit),
    )  # fmt: skip
    if card.ood is not None:
        files[GATE] = artifacts[GATE]
        card = dataclasses.replace(card, other_sha256={**card.other_sha256, GATE: sha256_of(artifacts[GATE])})
    return card, save_model(card, files, models_folder, replace=replace)
