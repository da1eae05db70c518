"""Our runs beside published figures: which run stands for us, and whether its interval leaves the figure behind.

The run is chosen on validation, never on test; runs that differ in the draw alone (core/evaluation/turns.py) stand
together, by their mean. A published figure has no interval, so that ours alone decides: ahead when all of it lies on
the better side of the figure, behind when all of it lies on the other. One row per figure.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from core.evaluation.thresholds import parse_rule
from core.evaluation.turns import apart, mean_estimate, turns_of
from core.language import listing, t
from core.registry.datasets import DATASETS, dataset_spec
from core.registry.metrics import AT_CUT, find_estimate, metric_spec
from core.registry.published import published_source
from core.registry.published_types import VERDICTS, PublishedFigure, PublishedRow, PublishedSummary, Target, Verdict
from core.registry.unions import DEFAULTS
from core.types import Estimate, Evaluation, RunRecord

# Each of these can be had for nothing at the price of another one, so that the best run is not the one with most of it
F1_AT_CUT = "f1" + AT_CUT
CHOSEN_BY: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("sensitivity", "specificity", "ppv", "npv"), "balanced_accuracy"),
        **dict.fromkeys(("sensitivity" + AT_CUT, "ppv" + AT_CUT), F1_AT_CUT),
    }
)
SHARE_APART = 0.03  # of a class: what two random parts of some thousand images differ by at most
TOTAL_APART = 0.02


def compare_published(figures: Iterable[PublishedFigure], records: Sequence[RunRecord]) -> tuple[PublishedRow, ...]:
    """One row per figure, in the order given; none is left out, least of all one in which ours is worse.

    Runs that are not done, whose patients cross (split "random"), or that lack a validation or test estimate of the
    figure's metric, stand for nobody.
    """
    by_task: dict[tuple[str, str], list[RunRecord]] = {}
    for record in records:
        if record.status == "done" and _split_kind(record) != "random" and record.spec.train_share == 1:
            by_task.setdefault((record.spec.dataset, record.spec.label_scheme), []).append(record)
    return tuple(_row(figure, by_task) for figure in figures)


def summary_of(rows: Iterable[PublishedRow]) -> PublishedSummary:
    """Counts over `rows`."""
    rows = tuple(rows)
    counts = Counter(row.verdict for row in rows)
    return PublishedSummary(
        total=len(rows),
        by_verdict=MappingProxyType({verdict: counts[verdict] for verdict in VERDICTS}),
        unfair=sum(bool(row.differs) for row in rows if row.run is not None),
    )


def verdict_on(estimate: Estimate, published: float) -> Verdict:
    """Ours against a printed number: told apart only where the whole interval lies on one side of it."""
    if estimate.low is None or estimate.high is None:
        return "level"
    above, below = estimate.low > published, estimate.high < published
    if not metric_spec(estimate.metric).higher_is_better:
        above, below = below, above
    return "ahead" if above else "behind" if below else "level"


def _row(figure: PublishedFigure, by_task: Mapping[tuple[str, str], Sequence[RunRecord]]) -> PublishedRow:
    if not figure.targets:
        return PublishedRow(figure=figure, verdict="not compared", reason=t(figure.reason) + _our_cut(figure, by_task))
    for target in figure.targets:
        metric = target.metric or figure.metric
        chosen_by = CHOSEN_BY.get(metric, metric)
        ranked = _ranked(metric, target, chosen_by, by_task.get((target.dataset, target.label_scheme), ()))
        if not ranked:
            continue
        turns = ranked[0]
        record = turns[0]
        estimate = _mean(turns, target.split, metric, target.class_name)
        if estimate is None:  # `_ranked` keeps only runs that have one
            continue
        return PublishedRow(
            figure=figure, verdict=verdict_on(estimate, figure.value), reason=_reason(estimate, figure.value),
            run=record, estimate=estimate, split_kind=_split_kind(record),
            differs=differences(figure, target, record), candidates=len(ranked), chosen_by=chosen_by,
            turns=tuple(turns),
        )  # fmt: skip
    nearest = figure.targets[0]
    return PublishedRow(
        figure=figure, verdict="no run yet",
        reason=t(
            "no finished run on {dataset} with the labels {labels}",
            dataset=nearest.dataset, labels=nearest.label_scheme,
        ),
    )  # fmt: skip


def _our_cut(figure: PublishedFigure, by_task: Mapping[tuple[str, str], Sequence[RunRecord]]) -> str:
    """Our cut beside a printed one, in words: of the run whose class has the best F1 at its cut on validation."""
    for target in figure.cut_of:
        runs = by_task.get((target.dataset, target.label_scheme), ())
        ranked = _ranked(F1_AT_CUT, target, F1_AT_CUT, runs)
        if ranked:
            threshold = ranked[0][0].evaluations[0].threshold
            rule = parse_rule(threshold.rule)
            by_hand = target.class_name in rule.by_hand
            how = (
                t("set by hand")
                if by_hand
                else t("by the rule {rule} on {part}", rule=repr(rule.name), part=t(threshold.chosen_on))
            )
            return t(
                "; ours is {cut}, {how} ({run})",
                cut=f"{threshold.values[str(target.class_name)]:.2f}", how=how, run=ranked[0][0].run_id,
            )  # fmt: skip
    return ""


def _ranked(metric: str, target: Target, chosen_by: str, records: Sequence[RunRecord]) -> list[list[RunRecord]]:
    """The recipes of a target, each as its turns, the best mean on validation first; of equals the first by name.

    Where the source states how frequent a class is, runs on test images of about that share stand for us if there are
    any: an accuracy on two thirds of nevi is another number than one on two fifths.
    """
    # a summary over the classes picks the run; a metric that stands for itself is taken of the class in question
    of_class = target.class_name if chosen_by in (metric, F1_AT_CUT) else None
    usable = [
        record
        for record in records
        if (not target.class_names or record.class_names == target.class_names)
        and _estimate(record, "validation", chosen_by, of_class) is not None
        and _estimate(record, target.split, metric, target.class_name) is not None
    ]
    usable = [record for record in usable if _alike_in_share(target, record)] or usable
    sign = -1 if metric_spec(chosen_by).higher_is_better else 1
    scored = []
    for turns in turns_of(usable):
        on_validation = _mean(turns, "validation", chosen_by, of_class)
        if on_validation is not None and on_validation.value is not None:
            scored.append((sign * on_validation.value, turns[0].run_id, turns))
    return [turns for *_, turns in sorted(scored, key=lambda item: item[:2])]


def differences(figure: PublishedFigure, target: Target, record: RunRecord) -> tuple[str, ...]:
    """What is not alike between a figure and a run: the split first, then what stands in the catalogue, then sizes."""
    found = []
    kind = _split_kind(record)
    if not (figure.evaluated_on == "official test" and kind == "official"):
        found.append(t("{theirs} there, {ours} here", theirs=_their_part(figure), ours=_our_part(record, target.split)))
    found += [t(words) for words in target.differs]
    outside = str(record.spec.dataset_options.get("outside", DEFAULTS["outside"]))
    if target.outside and outside != target.outside:
        here = listing([t(dataset_spec(key.strip()).title) for key in outside.split(",")])
        found.append(
            t("a union with {theirs} there, with {ours} here", theirs=t(dataset_spec(target.outside).title), ours=here)
        )
    if kind != "official":
        found += [t(words) for words in target.unless_official]
    total = sum(counts.n_images for counts in record.counts)
    if figure.total_images and total and abs(total - figure.total_images) > TOTAL_APART * figure.total_images:
        found.append(
            t("{theirs} images in all there, {ours} here", theirs=f"{figure.total_images:,}", ours=f"{total:,}")
        )
    if target.share is not None:
        name, theirs = target.share
        ours = _share(record, name)
        if ours is not None and abs(ours - theirs) > SHARE_APART:
            found.append(
                t(
                    "{theirs} % {class_name} there, {ours} % here",
                    theirs=f"{100 * theirs:.0f}", class_name=t(name), ours=f"{100 * ours:.0f}",
                )
            )  # fmt: skip
    side = record.spec.preprocess.size_px
    if figure.input_px is not None and side < figure.input_px:
        found.append(t("pictures of {theirs} px there, {ours} px here", theirs=figure.input_px, ours=side))
    return tuple(found)


def _their_part(figure: PublishedFigure) -> str:
    if figure.evaluated_on.startswith("validation"):
        return t("random validation images that also chose the model")
    return t(published_source(figure.source).split)


def _our_part(record: RunRecord, split: str) -> str:
    field = record.audit.group_field.split(" (")[0] if record.audit is not None else "patient"
    groups = f"{field}s"
    if split == "validation":
        return t("validation images that also chose the model, {groups} kept apart,", groups=t(groups))
    joined = record.spec.dataset in DATASETS and DATASETS[record.spec.dataset].joins
    if _split_kind(record) == "official" and not joined:
        return t("the official test part")
    return t("single images") if field == "image" else t("{groups} kept apart", groups=t(groups))


def _reason(estimate: Estimate, published: float) -> str:
    if estimate.low is None or estimate.high is None:
        return t("ours has no interval, so that nothing can be told")
    side = {
        "ahead": t("our interval lies on the better side of it"),
        "behind": t("our interval lies on the worse side of it"),
    }
    return side.get(verdict_on(estimate, published), t("our interval holds it"))


def _estimate(record: RunRecord, split: str, metric: str, class_name: str | None) -> Estimate | None:
    evaluation: Evaluation | None = next((e for e in record.evaluations if e.split == split), None)
    found = find_estimate(evaluation, metric, class_name) if evaluation is not None else None
    return found if found is not None and found.value is not None else None


def _mean(turns: Sequence[RunRecord], split: str, metric: str, class_name: str | None) -> Estimate | None:
    """The mean over the turns of one recipe; validation parts of folds are told apart as their test parts are."""
    found = [_estimate(record, split, metric, class_name) for record in turns]
    known = [estimate for estimate in found if estimate is not None]
    return mean_estimate(known, independent=apart(turns)) if known else None


def _share(record: RunRecord, class_name: str) -> float | None:
    counts = next((c for c in record.counts if c.split == "test"), None)
    if counts is None or class_name not in counts.images_per_class or not counts.n_images:
        return None
    return counts.images_per_class[class_name] / counts.n_images


def _alike_in_share(target: Target, record: RunRecord) -> bool:
    if target.share is None:
        return True
    ours = _share(record, target.share[0])
    return ours is not None and abs(ours - target.share[1]) <= SHARE_APART


def _split_kind(record: RunRecord) -> str:
    return record.audit.split_kind if record.audit is not None else record.spec.split
