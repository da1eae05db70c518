"""Does what a network learns from represent what it is judged on? Where a number falls, step by step.

Three gaps, each first minus second, so that above 0 is a loss. Bias: a reference against the training images. Variance:
training images against validation. Data mismatch: validation, where a union holds other data sets too, against the
hidden test of the target. A score on training images judges nothing else, and enters no other number.
Source: the order of the steps: García Boronat 2021, U-tad; Ng 2018, Machine Learning Yearning, chapters 40 and 41.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np

from core.errors import PredictionsInvalid
from core.evaluation.intervals import LEVEL, bootstrap_method, bootstrap_values, percentile_interval
from core.evaluation.metrics import all_values
from core.language import listing, said, said_list
from core.registry.gaps import METRICS, Gap, GapKind, PartScore, Reference, Representativeness
from core.registry.labels import LABEL_SCHEMES
from core.registry.metrics import find_estimate
from core.registry.published import published_source
from core.registry.published_types import PublishedFigure
from core.registry.unions import MEETING, SEPARATOR, source_of
from core.types import Estimate, Evaluation, Predictions, RunRecord, Threshold


def representativeness(
    train: Predictions,
    validation: Predictions,
    test: Predictions,
    threshold: Threshold,
    *,
    reference: Reference | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
    unit: str = "patients",
) -> Representativeness:
    """The three gaps of one run, in AUC (macro where there are more than two classes) and accuracy.

    Args:
        train: scores of training images, or of a sample of them. test: of the target data set alone.
        threshold: the run's own, chosen on validation; accuracy decides by it.
        seed: a part's own interval is drawn with it, as in the run's evaluation; of the two sides of a gap, which
            share no image, each is drawn for itself.
    Returns: gaps with percentile intervals over groups; no bias without a reference that has the metric.
    Raises: PredictionsInvalid when the three are not train, validation and test of one run.
    """
    runs = (train, validation, test)
    if [p.split for p in runs] != ["train", "validation", "test"] or len({p.run_id for p in runs}) > 1:
        told = said_list([said("{split} of {run_id}", split=p.split, run_id=p.run_id) for p in runs])
        raise PredictionsInvalid(
            said("Expected training, validation and test predictions of one run; got {told}.", told=told)
        )
    method = bootstrap_method(n_bootstrap, unit)
    draws = [_draws(part, threshold, n_bootstrap, seed) for part in runs]
    again = [_draws(part, threshold, n_bootstrap, seed + 1) for part in (validation, test)]
    scores = [_score(part, threshold, drawn, method) for part, drawn in zip(runs, draws, strict=True)]
    by_source = [
        _score(part, threshold, _draws(part, threshold, n_bootstrap, seed), method, source)
        for source, part in by_sources(validation).items()
    ]
    gaps = []
    for metric in METRICS:
        stated = None if reference is None else reference.stated.get(metric)
        gaps.append(_bias(metric, stated, scores[0], draws[0], method))
        gaps.append(_gap("variance", metric, scores[0], scores[1], draws[0], again[0], method))
        gaps.append(_gap("data mismatch", metric, scores[1], scores[2], draws[1], again[1], method))
    return Representativeness(
        target=next(iter(by_sources(test)), ""),
        parts=(scores[0], scores[1], *by_source, scores[2]),
        gaps=tuple(gap for gap in gaps if gap is not None),
        reference=reference,
    )


def by_sources(pred: Predictions) -> Mapping[str, Predictions]:
    """The predictions of each data set in a union, by its key, in order of name; empty where there is no union."""
    sources = np.array([source_of(str(group)) if SEPARATOR in str(group) else "" for group in pred.groups])
    if not set(sources) <= set(MEETING):
        return MappingProxyType({})
    return MappingProxyType({str(name): _rows(pred, sources == name) for name in sorted(set(sources))})


def _rows(pred: Predictions, kept: np.ndarray) -> Predictions:
    return Predictions(
        run_id=pred.run_id, split=pred.split, task=pred.task, class_names=pred.class_names,
        positive_class=pred.positive_class, **{name: array[kept] for name, array in pred.arrays().items()},
    )  # fmt: skip


def _draws(pred: Predictions, threshold: Threshold, n_bootstrap: int, seed: int) -> Mapping[str, np.ndarray]:
    """Metric -> (n_bootstrap,) overall values of resampled groups; nothing of a single group."""
    if n_bootstrap < 1 or pred.n_groups < 2:
        return {}
    found = bootstrap_values(pred, threshold, metrics=METRICS, n_bootstrap=n_bootstrap, seed=seed)
    return {metric: found[metric, None] for metric in METRICS}


def _score(
    pred: Predictions, threshold: Threshold, drawn: Mapping[str, np.ndarray], method: str, source: str = ""
) -> PartScore:
    plain = all_values(pred, threshold, METRICS)
    estimates = {}
    for metric in METRICS:
        value = plain[metric, None]
        known = value is not None and metric in drawn
        low, high = percentile_interval(drawn[metric]) if known else (None, None)
        estimates[metric] = Estimate(
            metric=metric, value=value, low=low, high=high, level=LEVEL, method=method, n_images=len(pred),
            n_groups=pred.n_groups, split=pred.split,
        )  # fmt: skip
    return PartScore(
        split=pred.split,
        source=source,
        n_images=len(pred),
        n_groups=pred.n_groups,
        estimates=MappingProxyType(estimates),
    )


def _gap(
    kind: GapKind, metric: str, first: PartScore, second: PartScore,
    draws_first: Mapping[str, np.ndarray], draws_second: Mapping[str, np.ndarray], method: str,
) -> Gap:  # fmt: skip
    one, two = first.estimates[metric].value, second.estimates[metric].value
    value = None if one is None or two is None else one - two
    low = high = None
    if value is not None and metric in draws_first and metric in draws_second:
        low, high = percentile_interval(draws_first[metric] - draws_second[metric])
    return Gap(
        kind=kind, metric=metric, value=value, low=low, high=high, n_first=first.n_images, n_second=second.n_images,
        method=f"{method} of each side",
    )  # fmt: skip


def _bias(
    metric: str, stated: float | None, train: PartScore, drawn: Mapping[str, np.ndarray], method: str
) -> Gap | None:
    """A figure that is taken as it stands minus training; the doubt is that of the training images alone."""
    value = train.estimates[metric].value
    if stated is None or value is None:
        return None
    low, high = percentile_interval(stated - drawn[metric]) if metric in drawn else (None, None)
    return Gap(
        kind="bias", metric=metric, value=stated - value, low=low, high=high, n_first=0, n_second=train.n_images,
        method=f"{method} of the training images",
    )  # fmt: skip


def best_reference(record: RunRecord, records: Iterable[RunRecord], target: str, words: str) -> Reference | None:
    """What the best other run on the target reaches on its test part, as a reference; None where there is none.

    Args:
        target: key of the data set that is tested on. words: how to call the figure.

    The run is chosen by AUC on validation; one with a random split, or with other classes, is no reference.
    """
    rivals: list[tuple[float, str, Evaluation]] = []
    for other in records:
        test, tuned = (_evaluation(other, split) for split in ("test", "validation"))
        same = other.spec.dataset == target and other.class_names == record.class_names
        if other.status != "done" or other.run_id == record.run_id or not same or test is None or tuned is None:
            continue
        auc = find_estimate(tuned, "auc")
        random = (other.audit.split_kind if other.audit is not None else other.spec.split) == "random"
        if auc is not None and auc.value is not None and not random:
            rivals.append((-auc.value, other.run_id, test))
    if not rivals:
        return None
    _, run_id, test = min(rivals, key=lambda rival: rival[:2])
    found = {metric: find_estimate(test, metric) for metric in METRICS}
    stated = {metric: e.value for metric, e in found.items() if e is not None and e.value is not None}
    return Reference(words=words, stated=MappingProxyType(stated), run_id=run_id)


def published_reference(
    record: RunRecord, figures: Iterable[PublishedFigure], target: str, words: str
) -> Reference | None:
    """The highest published figures for the same classes of the target, not those of validation images.

    Args:
        target: key of the data set that is tested on. words: how to call them; "{}" stands for the sources.
    """
    stated: dict[str, float] = {}
    sources: dict[str, None] = {}
    for figure in figures:
        nearest = figure.targets[0] if figure.targets else None
        if nearest is None or figure.metric not in METRICS or figure.evaluated_on.startswith("validation"):
            continue
        scheme = LABEL_SCHEMES.get(nearest.label_scheme)
        if nearest.dataset != target or scheme is None or scheme.class_names != record.class_names:
            continue
        if figure.value > stated.get(figure.metric, -1.0):
            stated[figure.metric] = figure.value
            sources[published_source(figure.source).title] = None
    if not stated:
        return None
    return Reference(words=words.format(listing(list(sources))), stated=MappingProxyType(stated))


def _evaluation(record: RunRecord, split: str) -> Evaluation | None:
    return next((evaluation for evaluation in record.evaluations if evaluation.split == split), None)
