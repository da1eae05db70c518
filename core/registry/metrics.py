"""The metrics: name, direction, what a reader should take from each, and its source."""

from collections.abc import Mapping

from core.registry.lookup import by_key, get
from core.types import Estimate, Evaluation, MetricSpec

AT_CUT = "_at_cut"  # what the metrics of a class at its own cut end in, where the decision is the most probable class


def _metric(key: str, title: str, meaning: str, source: str, *, higher_is_better: bool = True,
            per_class: bool = True, needs_threshold: bool = False) -> MetricSpec:  # fmt: skip
    return MetricSpec(
        key=key, title=title, meaning=meaning, source=source, higher_is_better=higher_is_better,
        per_class=per_class, needs_threshold=needs_threshold,
    )  # fmt: skip


METRICS: Mapping[str, MetricSpec] = by_key(
    _metric("auc", "AUC", "Chance that a random image with the finding scores above a random one without it.",
            "Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747"),
    _metric("average_precision", "Average precision", "Precision averaged over all cuts; its floor is the prevalence.",
            "Saito & Rehmsmeier 2015, doi:10.1371/journal.pone.0118432"),
    _metric("sensitivity", "Sensitivity", "Share of the images with the finding that are called so (recall).",
            "Altman & Bland 1994, BMJ 308:1552", needs_threshold=True),
    _metric("specificity", "Specificity", "Share of the images without the finding that are called so.",
            "Altman & Bland 1994, BMJ 308:1552", needs_threshold=True),
    _metric("ppv", "PPV", "Share of the calls that are right, at the prevalence of these images (precision).",
            "Altman & Bland 1994, BMJ 309:102", needs_threshold=True),
    _metric("npv", "NPV", "Share of the all-clears that are right, at the prevalence of these images.",
            "Altman & Bland 1994, BMJ 309:102", needs_threshold=True),
    _metric("f1", "F1", "Harmonic mean of sensitivity and PPV.", "van Rijsbergen 1979, Information Retrieval",
            needs_threshold=True),
    _metric("accuracy", "Accuracy", "Share of images decided rightly; high by itself where a class is rare.",
            "scikit-learn", per_class=False, needs_threshold=True),
    _metric("balanced_accuracy", "Balanced accuracy", "Mean of the classes' sensitivities; 1 / classes by chance.",
            "Brodersen et al. 2010, doi:10.1109/ICPR.2010.764", per_class=False, needs_threshold=True),
    _metric("brier", "Brier score", "Mean squared distance between stated probabilities and the truth; 0 is best.",
            "Brier 1950, Mon Weather Rev 78:1", higher_is_better=False, per_class=False),
    _metric("calibration_error", "Calibration error", "Mean gap of stated probability and observed share; 0 is best.",
            "Naeini et al. 2015, AAAI 29", higher_is_better=False, per_class=False),
    # of several classes, where a run asks for cuts: the numbers without "at its cut" are of the most probable class
    _metric("sensitivity_at_cut", "Sensitivity at its cut", "Of a class against the rest, called at its own cut.",
            "Altman & Bland 1994, BMJ 308:1552", needs_threshold=True),
    _metric("ppv_at_cut", "PPV at its cut", "Of a class against the rest, called at its own cut.",
            "Altman & Bland 1994, BMJ 309:102", needs_threshold=True),
    _metric("f1_at_cut", "F1 at its cut", "Of a class against the rest, called at its own cut.",
            "van Rijsbergen 1979, Information Retrieval", needs_threshold=True),
)  # fmt: skip


def metric_spec(key: str) -> MetricSpec:
    """The metric `key`. Raises UnknownKey."""
    return get(METRICS, key, "metric", "core/registry/metrics.py")


def find_estimate(evaluation: Evaluation, metric: str, class_name: str | None = None) -> Estimate | None:
    """The first estimate of `metric` (the bootstrap one), overall or of one class; None where there is none."""
    for estimate in evaluation.estimates:
        if estimate.metric == metric and estimate.class_name == class_name:
            return estimate
    return None


def worst_class(evaluation: Evaluation, metric: str) -> Estimate | None:
    """The estimate of the class that does worst; the first of several, None where no class has a value.

    Raises: UnknownKey when there is no such metric.
    """
    sign = 1 if metric_spec(metric).higher_is_better else -1
    worst: Estimate | None = None
    least = 0.0
    for estimate in evaluation.estimates:
        if estimate.metric != metric or estimate.class_name is None or estimate.value is None:
            continue
        if worst is None or sign * estimate.value < least:
            worst, least = estimate, sign * estimate.value
    return worst
