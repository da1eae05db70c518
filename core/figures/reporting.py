"""The 25 things that a results page and a model card must say, filled in from what a run knows.

An item without an answer says "not stated" and never vanishes: what is missing is the first thing a reader should see.
The list follows TRIPOD+AI (BMJ 2024;385:e078378), CLAIM 2024 and model cards (Mitchell 2019), in our own words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.figures.names import (
    UNTRAINED,
    architecture_title,
    asked_facts,
    dataset_title,
    evaluation_of,
    group_field_of,
    head_title,
    run_title,
    strategy_title,
    task_title,
    training_words,
)
from core.figures.sentences import rule_words
from core.figures.text import (
    NOT_A_DIAGNOSIS,
    audit_text,
    counted,
    duration,
    estimate_text,
    group_word,
    interval,
    metric_title,
    plural,
    size,
    split_badge,
)
from core.language import retold, t
from core.registry.datasets import DATASETS
from core.registry.metrics import find_estimate
from core.types import Evaluation, ModelCard, RunRecord

TYPED = (2, 5, 8, 24, 25)  # a person may add to these; what they say stands beside what the run knows
PER_CLASS = ("auc", "average_precision")
AT_CUT = ("sensitivity", "specificity", "ppv", "npv")
FEW_IMAGES, WIDE, LOPSIDED = 100, 0.2, 10.0


@dataclass(frozen=True, slots=True)
class ReportItem:
    """One of the 25: its number, what it asks, and the answers, none where nothing is stated."""

    number: int
    title: str
    answers: tuple[str, ...]


def item_titles() -> Mapping[int, str]:
    """Number to what the item asks, in the reader's language."""
    return {
        1: t("Model, version, date, software"),
        2: t("Intended use, intended user, and what it is not for"),
        3: t("Not a medical device"),
        4: t("Who made the output"),
        5: t("Data: sources, dates, licence, identities removed"),
        6: t("Who and what was left out, with reasons"),
        7: t("Images per class and part; share of the finding"),
        8: t("Reference standard: who labelled, and how"),
        9: t("Split, its level, its seed, and the overlap check"),
        10: t("Preparation of the pictures"),
        11: t("Network, input, weights"),
        12: t("Training"),
        13: t("How settings were chosen"),
        14: t("Test images; internal or external"),
        15: t("AUC and average precision per class, with intervals"),
        16: t("Sensitivity, specificity, PPV, NPV at the cut"),
        17: t("Predictive values at another prevalence"),
        18: t("Confusion matrix, F1, balanced accuracy"),
        19: t("Calibration"),
        20: t("Something simple to compare with"),
        21: t("Subgroups"),
        22: t("Where it fails"),
        23: t("Heat maps"),
        24: t("Limits and known biases"),
        25: t("How to make it again; contact and licence"),
    }


def report_items(
    record: RunRecord,
    card: ModelCard | None = None,
    *,
    extras: Mapping[int, Sequence[str]] | None = None,
    statements: Mapping[str, str] | None = None,
    command: str = "",
) -> tuple[ReportItem, ...]:
    """All 25 items of a run, in order.

    Args:
        card: of a model that was exported from this run, for its intended use, limits and heat maps.
        extras: answers that a page computed (17, 19 to 22), by number.
        statements: what a person states, by the number of the item as text.
        command: that makes the run again.
    """
    evaluation = evaluation_of(record)
    known = {**_about(record, card, command), **_data(record), **_made(record)}
    if evaluation is not None:
        known.update(_found(record, evaluation))
    known[24] = [
        *map(retold, card.limits if card is not None else ()),
        *_caveats(record),
        *warnings_of(record, evaluation),
    ]
    for number, lines in (extras or {}).items():
        known[number] = [*known.get(number, []), *lines]
    for text, said in (statements or {}).items():
        if text.isdigit() and int(text) in item_titles():
            known[int(text)] = [said, *known.get(int(text), [])]
    return tuple(
        ReportItem(number, title, tuple(line for line in known.get(number, []) if line))
        for number, title in item_titles().items()
    )


def _about(record: RunRecord, card: ModelCard | None, command: str) -> dict[int, list[str]]:
    environment = record.environment
    software = "" if environment is None else (
        f"Python {environment.python}, Keras {environment.keras} ({environment.backend}), NumPy {environment.numpy}, "
        f"scikit-learn {environment.sklearn}"
    )  # fmt: skip
    maps = [] if card is None else [
        t("{method} on {data}: {n} heat maps held against {marks}", method=r.method, data=dataset_title(r.dataset),
          n=f"{r.n_images:,}", marks=r.truth)
        for r in card.localisation if r.truth != "none"
    ]  # fmt: skip
    return {
        1: [
            run_title(record.spec),
            t("Run {run}, {date}", run=record.run_id, date=record.created_utc),
            t("Commit {commit}", commit=environment.commit) if environment is not None and environment.commit else "",
            software,
        ],
        2: [retold(card.intended_use)] if card is not None and card.intended_use else [],
        3: [t(NOT_A_DIAGNOSIS)],
        4: [t("Every score here is the output of {model}, a statistical model, not of a person.",
              model=run_title(record.spec))],
        23: [*maps, t("Heat maps show what raised a score, not where a disease lies; they are an aid.")],
        25: [
            t("Command: {command}", command=command) if command else "",
            t("Seed {seed}, data fingerprint {fingerprint}", seed=record.spec.seed,
              fingerprint=record.dataset_fingerprint or "–"),
        ],
    }  # fmt: skip


def _data(record: RunRecord) -> dict[int, list[str]]:
    spec, data = record.spec, DATASETS.get(record.spec.dataset)
    word = group_word(group_field_of(record))
    left = [f"{plural(n, 'image')}: {retold(why)}" for why, n in record.dropped.items()]
    counts = []
    for part in record.counts:
        classes = ", ".join(f"{t(name)} {n:,}" for name, n in part.images_per_class.items())
        counts.append(f"{t(part.split)}: {counted(part.n_images, part.n_groups, group_field_of(record))} ({classes})")
    answers: dict[int, list[str]] = {
        6: left or ([t("No image was left out by the labels of this task.")] if record.counts else []),
        7: counts,
        9: [
            split_badge(record.audit, spec),
            t("Level: {level}; seed {seed}", level=t(word), seed=spec.split_seed)
            + ("" if spec.fold is None else f", {t('fold {fold}', fold=spec.fold)}"),
            audit_text(record.audit),
        ],
        10: [
            t("{side} pixels, {how}, contrast: {contrast}", side=spec.preprocess.size_px,
              how=t(spec.preprocess.resize_mode), contrast=t(spec.preprocess.contrast)),
            t("Balance: {how}", how=t(spec.balance)),
        ],
    }  # fmt: skip
    if data is not None:
        answers[5] = [t(data.title), t(data.modality), data.source_url, t(data.licence), data.citation]
    return answers


def _caveats(record: RunRecord) -> Sequence[str]:
    data = DATASETS.get(record.spec.dataset)
    return [t(caveat) for caveat in data.caveats] if data is not None else ()


def _made(record: RunRecord) -> dict[int, list[str]]:
    spec = record.spec
    rates = ", ".join(str(rate) for rate in spec.learning_rates)
    settings = [f"{key}: {value}" for key, value in record.chosen_settings.items() if not isinstance(value, Mapping)]
    environment = record.environment
    machine = ""
    if environment is not None:
        machine = t("{cpu}, {cores} cores", cpu=environment.cpu, cores=environment.cores)
    return {
        11: [
            t("{network} with {head}, {strategy}; weights: {weights}", network=architecture_title(spec.architecture),
              head=head_title(spec.head), strategy=strategy_title(spec.strategy), weights=t(spec.weights)),
            *[f"{name}: {value}" for name, value in asked_facts(spec).items()],
            t("{total} weights, {trained} of them trained; {size}", total=f"{record.params_total:,}",
              trained=f"{record.params_trained:,}", size=size(record.model_bytes)) if record.params_total else "",
        ],
        12: [
            training_words(spec) if spec.strategy in UNTRAINED else
            t("{optimizer}, learning rate {rates}, at most {epochs} epochs in batches of {batch}, schedule {schedule}",
              optimizer=spec.optimizer, rates=rates, epochs=spec.epochs, batch=spec.batch_size,
              schedule=spec.schedule),
            ", ".join(f"{t(stage)} {duration(seconds)}" for stage, seconds in record.seconds.items()),
            machine,
        ],
        13: [
            t("Settings were chosen on validation; test images were scored once, last."),
            *settings[:12],
        ],
    }  # fmt: skip


def _found(record: RunRecord, evaluation: Evaluation) -> dict[int, list[str]]:
    field = group_field_of(record)
    names = [evaluation.positive_class] if evaluation.task == "binary" else [None, *evaluation.class_names]
    ranked = [
        estimate_text(e, field)
        for metric in PER_CLASS for name in names
        if (e := find_estimate(evaluation, metric, name)) is not None
    ]  # fmt: skip
    at_cut = [
        f"{metric_title(metric)} {t('for {name}', name=t(name) if name else t('all classes'))} {interval(e)}"
        for name in names for metric in AT_CUT
        if (e := find_estimate(evaluation, metric, name)) is not None
    ]  # fmt: skip
    cuts = ", ".join(f"{t(name)} {cut:.3f}" for name, cut in evaluation.threshold.values.items())
    rows = [
        f"{t(name)}: {', '.join(f'{n:,}' for n in row)}"
        for name, row in zip(evaluation.class_names, evaluation.confusion, strict=True)
    ]
    columns = ("rightly left", "false alarm", "missed", "found")
    order = ", ".join(map(t, columns if evaluation.task == "multilabel" else evaluation.class_names))
    overall = [
        f"{metric_title(metric)} {interval(e)}"
        for metric in ("f1", "balanced_accuracy")
        if (e := find_estimate(evaluation, metric)) is not None
    ]
    calibration = evaluation.calibration
    brier = find_estimate(evaluation, "brier")
    return {
        14: [
            counted(evaluation.n_images, evaluation.n_groups, field),
            t("Internal: the test images are of the same data set, {data} ({task}). No external test is stated.",
              data=dataset_title(record.spec.dataset),
              task=task_title(record.spec.dataset, record.spec.label_scheme)),
        ],
        15: ranked,
        16: [t("Cut: {cuts}, {rule}", cuts=cuts, rule=rule_words(evaluation.threshold)) if cuts else "", *at_cut],
        18: [t("Rows are the truth; columns: {names}", names=order), *rows, *overall],
        19: [
            f"{metric_title('brier')} {interval(brier, 3)}" if brier is not None else "",
            t("Calibration error {before}", before=f"{calibration.error:.3f}"),
            "" if calibration.temperature is None or calibration.error_after is None else
            t("Temperature {temperature} from validation; calibration error then {after}",
              temperature=f"{calibration.temperature:.2f}", after=f"{calibration.error_after:.3f}"),
        ],
    }  # fmt: skip


def warnings_of(record: RunRecord, evaluation: Evaluation | None) -> list[str]:
    """What a careful reader would hold against these numbers, found by rule."""
    found = []
    test = next((part for part in record.counts if part.split == "test"), None)
    if test is not None and test.images_per_class:
        counts = dict(test.images_per_class)
        few = [f"{t(name)} ({n})" for name, n in counts.items() if n < FEW_IMAGES]
        if few:
            found.append(t("Fewer than 100 test images of: {names}.", names=", ".join(few)))
        if min(counts.values()) and max(counts.values()) / min(counts.values()) > LOPSIDED:
            found.append(t("Classes are lopsided: the commonest is more than ten times the rarest."))
    if record.audit is not None and (
        record.audit.split_kind == "random" or group_word(record.audit.group_field) == "image"
    ):
        found.append(t("The split is by image: the same person may stand in training and test."))
    auc = find_estimate(evaluation, "auc") if evaluation is not None else None
    if auc is not None and auc.low is not None and auc.high is not None and auc.high - auc.low > WIDE:
        found.append(t("The interval of the AUC is wider than 0.2: the test part is small."))
    found.append(t("No external test: on images of another hospital or device it may do worse."))
    return found
