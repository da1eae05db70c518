"""One plain sentence about several runs: which is best, by how much, and what the data cannot tell.

Numbers are rounded here and nowhere before. "Cannot tell" is no proof that two runs are alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from core.errors import SpecInvalid
from core.evaluation.compare import Ranking, holm
from core.language import listing, said, t, tn
from core.registry.metrics import metric_spec
from core.types import Comparison

LEVEL = 0.95
_UNITS: Mapping[str, Callable[[int], str]] = MappingProxyType({
    "images": lambda n: tn("{n} image", "{n} images", n),
    "patients": lambda n: tn("{n} patient", "{n} patients", n),
    "synthetic patients": lambda n: tn("{n} synthetic patient", "{n} synthetic patients", n),
    "lesions": lambda n: tn("{n} lesion", "{n} lesions", n),
    "studies": lambda n: tn("{n} study", "{n} studies", n),
    "groups": lambda n: tn("{n} group", "{n} groups", n),
})  # fmt: skip
NAMED = 3  # of a longer list, the nearest two are named and the rest counted


@dataclass(frozen=True, slots=True)
class _Lead:
    """How far the best run is ahead of one other: positive is better, whatever the metric's direction."""

    title: str
    ahead: float
    low: float
    high: float
    p_value: float

    @property
    def told_apart(self) -> bool:
        return self.low > 0


def verdict(
    comparisons: Sequence[Comparison],
    titles: Mapping[str, str],
    best: str,
    n_images: int,
    n_patients: int,
    *,
    value: float | None = None,
    metric: str = "auc",
    unit: str = "patients",
    level: float = LEVEL,
) -> str:
    """Two sentences for a page, from the comparisons of the best run with every other.

    A difference counts when its interval leaves out 0 and its p-value, corrected for the number of
    comparisons (Holm), is below 1 - level.

    Args:
        comparisons: each has `best` as its first or second run; none for a single run.
        titles: run id -> what to call it, such as "CNN+MLP"; a run without one is called by its id.
        value: the best run's value, as a fraction; left out when None.
        metric: taken from the comparisons where there are any.
        unit: what a group is, in the plural: English, or in the reader's language.
    Raises: SpecInvalid when a comparison leaves `best` out, or another run is ahead of it.
    """
    spec = metric_spec(comparisons[0].metric if comparisons else metric)
    name = titles.get(best, best)
    metric_name = t(spec.title)
    data = t("{images} of {groups}", images=_UNITS["images"](n_images), groups=_groups(unit, n_patients))
    number = "" if value is None else f"{value:.3f}"
    if not comparisons:
        return t(
            "{name} is the only run here: {metric} {value} on {data}.",
            name=name, metric=metric_name, value=number or t("not defined"), data=data,
        )  # fmt: skip
    leads = sorted((_lead(c, best, titles, spec.higher_is_better) for c in comparisons), key=lambda lead: lead.ahead)
    corrected = dict(zip(map(id, leads), holm([lead.p_value for lead in leads]), strict=True))
    beaten = [lead for lead in leads if lead.told_apart and corrected[id(lead)] < 1 - level]
    open_ = [lead for lead in leads if lead not in beaten]
    first = _first_sentence(name, leads, spec.higher_is_better, metric_name, number)
    won = _listed([_by(lead) for lead in beaten], _others_by(beaten)) if beaten else ""
    if not open_:
        return first + " " + t("It beats {beaten}, on {data}.", beaten=won, data=data)
    values = {"beaten": won, "rest": _listed([_difference(lead) for lead in open_], _others_up_to(open_)), "data": data}
    surprising = any(lead.told_apart for lead in open_)
    return f"{first} {_undecided(values, len(leads) if surprising else None)}"


def _undecided(values: Mapping[str, str], corrected_for: int | None) -> str:
    """What is beaten, where something is, and what the data cannot tell."""
    if corrected_for is None:
        if values["beaten"]:
            return t("It beats {beaten}; against {rest} these {data} cannot tell.", **values)
        return t("Against {rest} these {data} cannot tell.", rest=values["rest"], data=values["data"])
    if values["beaten"]:
        return t(
            "It beats {beaten}; against {rest} these {data} cannot tell once corrected for {count} comparisons.",
            count=corrected_for, **values,
        )  # fmt: skip
    return t(
        "Against {rest} these {data} cannot tell once corrected for {count} comparisons.",
        rest=values["rest"], data=values["data"], count=corrected_for,
    )  # fmt: skip


def verdict_of(ranking: Ranking, titles: Mapping[str, str], *, unit: str = "patients", level: float = LEVEL) -> str:
    """The sentences for a ranking as `compare_with_best` gives it."""
    value = ranking.values[ranking.run_ids.index(ranking.best)]
    return verdict(
        ranking.comparisons, titles, ranking.best, ranking.n_images, ranking.n_groups,
        value=value, metric=ranking.metric, unit=unit, level=level,
    )  # fmt: skip


def _lead(comparison: Comparison, best: str, titles: Mapping[str, str], higher_is_better: bool) -> _Lead:
    if best not in (comparison.first, comparison.second):
        raise SpecInvalid(
            said(
                "{first} against {second} says nothing about {best}.",
                first=comparison.first,
                second=comparison.second,
                best=best,
            )
        )
    other = comparison.second if comparison.first == best else comparison.first
    turned = (comparison.first == best) != higher_is_better
    ahead, low, high = comparison.difference, comparison.low, comparison.high
    if turned:
        ahead, low, high = -ahead, -high, -low
    if ahead < 0:
        raise SpecInvalid(
            said(
                "{best} is not the best: {other} is ahead of it in {metric}.",
                best=best,
                other=other,
                metric=comparison.metric,
            )
        )
    return _Lead(titles.get(other, other), ahead, low, high, comparison.p_value)


def _first_sentence(name: str, leads: Sequence[_Lead], higher: bool, metric: str, number: str) -> str:
    values = {"value": f", {number}" if number else "", "metric": metric}
    tied = [lead.title for lead in leads if lead.ahead == 0]
    if tied:
        names = listing([name, *tied])
        if higher:
            return t("{names} share the highest {metric}{value}.", names=names, **values)
        return t("{names} share the lowest {metric}{value}.", names=names, **values)
    if higher:
        return t("{name} has the highest {metric}{value}.", name=name, **values)
    return t("{name} has the lowest {metric}{value}.", name=name, **values)


def _by(lead: _Lead) -> str:
    # never "0.000" for something that is told apart from 0
    digits = next((d for d in (3, 4, 5) if float(f"{lead.low:.{d}f}") > 0), 6)
    return t(
        "{name} by {ahead} ({low} to {high})",
        name=lead.title, ahead=_fixed(lead.ahead, digits), low=_fixed(lead.low, digits), high=_fixed(lead.high, digits),
    )  # fmt: skip


def _difference(lead: _Lead) -> str:
    return t(
        "{name} (difference {ahead}, {low} to {high})",
        name=lead.title, ahead=_fixed(lead.ahead), low=_fixed(lead.low), high=_fixed(lead.high),
    )  # fmt: skip


def _fixed(value: float, digits: int = 3) -> str:
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text  # no "-0.000"


def _others_by(leads: Sequence[_Lead]) -> str:
    least = _fixed(leads[min(NAMED - 1, len(leads) - 1)].ahead)
    return t("{count} others by {least} or more", count=len(leads) - NAMED + 1, least=least)


def _others_up_to(leads: Sequence[_Lead]) -> str:
    return t(
        "{count} others (differences up to {most})", count=len(leads) - NAMED + 1, most=_fixed(leads[-1].ahead)
    )  # fmt: skip


def _listed(parts: Sequence[str], others: str) -> str:
    return listing(parts if len(parts) <= NAMED else [*parts[: NAMED - 1], others])


def _groups(unit: str, count: int) -> str:
    """ "620 patients"; a unit that is not in the table stays as it is, but for its plural."""
    if unit in _UNITS:
        return _UNITS[unit](count)
    if count != 1:
        return f"{count:,} {unit}"
    return f"1 {unit[:-3] + 'y' if unit.endswith('ies') else unit.removesuffix('s')}"
