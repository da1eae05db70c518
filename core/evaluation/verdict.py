"""One plain sentence about several runs: which is best, by how much, and what the data cannot tell.

Numbers are rounded here and nowhere before. "Cannot tell" is no proof that two runs are alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import SpecInvalid
from core.evaluation.compare import Ranking, holm
from core.registry.metrics import metric_spec
from core.types import Comparison

LEVEL = 0.95
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
        unit: what a group is, in the plural.
    Raises: SpecInvalid when a comparison leaves `best` out, or another run is ahead of it.
    """
    spec = metric_spec(comparisons[0].metric if comparisons else metric)
    name = titles.get(best, best)
    data = f"{n_images:,} {'image' if n_images == 1 else 'images'} of {n_patients:,} {_unit(unit, n_patients)}"
    number = "" if value is None else f"{value:.3f}"
    if not comparisons:
        return f"{name} is the only run here: {spec.title} {number or 'not defined'} on {data}."
    leads = sorted((_lead(c, best, titles, spec.higher_is_better) for c in comparisons), key=lambda lead: lead.ahead)
    corrected = dict(zip(map(id, leads), holm([lead.p_value for lead in leads]), strict=True))
    beaten = [lead for lead in leads if lead.told_apart and corrected[id(lead)] < 1 - level]
    open_ = [lead for lead in leads if lead not in beaten]
    first = _first_sentence(name, leads, "highest" if spec.higher_is_better else "lowest", spec.title, number)
    clauses = []
    if beaten:
        clauses.append("It beats " + _listed([_by(lead) for lead in beaten], _others_by(beaten)))
    if open_:
        against = _listed([_difference(lead) for lead in open_], _others_up_to(open_))
        after = f" once corrected for {len(leads)} comparisons" if any(lead.told_apart for lead in open_) else ""
        clauses.append(f"{'against' if beaten else 'Against'} {against} these {data} cannot tell{after}")
    else:
        clauses[-1] += f", on {data}"
    return f"{first} {'; '.join(clauses)}."


def verdict_of(ranking: Ranking, titles: Mapping[str, str], *, unit: str = "patients", level: float = LEVEL) -> str:
    """The sentences for a ranking as `compare_with_best` gives it."""
    value = ranking.values[ranking.run_ids.index(ranking.best)]
    return verdict(
        ranking.comparisons, titles, ranking.best, ranking.n_images, ranking.n_groups,
        value=value, metric=ranking.metric, unit=unit, level=level,
    )  # fmt: skip


def _lead(comparison: Comparison, best: str, titles: Mapping[str, str], higher_is_better: bool) -> _Lead:
    if best not in (comparison.first, comparison.second):
        raise SpecInvalid(f"{comparison.first} against {comparison.second} says nothing about {best}.")
    other = comparison.second if comparison.first == best else comparison.first
    turned = (comparison.first == best) != higher_is_better
    ahead, low, high = comparison.difference, comparison.low, comparison.high
    if turned:
        ahead, low, high = -ahead, -high, -low
    if ahead < 0:
        raise SpecInvalid(f"{best} is not the best: {other} is ahead of it in {comparison.metric}.")
    return _Lead(titles.get(other, other), ahead, low, high, comparison.p_value)


def _first_sentence(name: str, leads: Sequence[_Lead], word: str, metric: str, number: str) -> str:
    value = f", {number}" if number else ""
    tied = [lead.title for lead in leads if lead.ahead == 0]
    if tied:
        return f"{_joined([name, *tied])} share the {word} {metric}{value}."
    return f"{name} has the {word} {metric}{value}."


def _by(lead: _Lead) -> str:
    # never "0.000" for something that is told apart from 0
    digits = next((d for d in (3, 4, 5) if float(f"{lead.low:.{d}f}") > 0), 6)
    return f"{lead.title} by {_fixed(lead.ahead, digits)} ({_fixed(lead.low, digits)} to {_fixed(lead.high, digits)})"


def _difference(lead: _Lead) -> str:
    return f"{lead.title} (difference {_fixed(lead.ahead)}, {_fixed(lead.low)} to {_fixed(lead.high)})"


def _fixed(value: float, digits: int = 3) -> str:
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text  # no "-0.000"


def _others_by(leads: Sequence[_Lead]) -> str:
    return f"{len(leads) - NAMED + 1} others by {_fixed(leads[min(NAMED - 1, len(leads) - 1)].ahead)} or more"


def _others_up_to(leads: Sequence[_Lead]) -> str:
    return f"{len(leads) - NAMED + 1} others (differences up to {_fixed(leads[-1].ahead)})"


def _listed(parts: Sequence[str], others: str) -> str:
    return _joined(parts if len(parts) <= NAMED else [*parts[: NAMED - 1], others])


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _unit(unit: str, count: int) -> str:
    if count != 1:
        return unit
    return unit[:-3] + "y" if unit.endswith("ies") else unit.removesuffix("s")
