"""Runs that differ in nothing but the draw (fold, seed of the split, seed of the training), and their mean.

One run is one draw; the mean over several says more about the recipe. Its interval comes from the intervals of the
runs, so that no prediction has to be read again.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.errors import SpecInvalid
from core.language import said
from core.types import Estimate, RunRecord, RunSpec


def recipe_of(spec: RunSpec) -> RunSpec:
    """`spec` without its draw: equal for the turns of one recipe.

    A base such as "run:<name>-<hash>", or a member, counts by its name: each turn has networks of its own turn.
    """
    weights = spec.weights.rpartition("-")[0] if spec.weights.startswith("run:") else spec.weights
    return replace(
        spec, fold=None, seed=0, split_seed=0, weights=weights, dataset_options=dict(spec.dataset_options),
        members=tuple(name.rpartition("-")[0] for name in spec.members),
    )  # fmt: skip


def turns_of(records: Iterable[RunRecord]) -> list[list[RunRecord]]:
    """The records by recipe, in the order in which each recipe comes first; within one by fold, then by the seeds."""
    found: list[tuple[RunSpec, list[RunRecord]]] = []  # a RunSpec holds a dict, so that it cannot be a key
    for record in records:
        recipe = recipe_of(record.spec)
        for known, group in found:
            if known == recipe:
                group.append(record)
                break
        else:
            found.append((recipe, [record]))
    return [sorted(group, key=_draw) for _, group in found]


def apart(records: Sequence[RunRecord]) -> bool:
    """Whether no two of these turns share a test image: folds of one draw of the parts, each standing once."""
    folds = [record.spec.fold for record in records]
    one_draw = len({(r.spec.split_seed, r.dataset_fingerprint) for r in records}) == 1
    return one_draw and None not in folds and len(set(folds)) == len(folds)


def mean_estimate(estimates: Sequence[Estimate], *, independent: bool) -> Estimate:
    """The mean of one metric over turns.

    Independent turns (test parts that share nobody): each limit's distance from the mean is the root of the summed
    squares of the turns' own distances, divided by their number. Turns that share test images: the mean of the
    distances, which holds for any dependence between them and is wide.

    Args:
        estimates: of the same metric, class, split and level.
        independent: see `apart`.
    Returns: n_images and n_groups are sums where the turns are independent, else the largest of them; low and high are
        None where a turn has none; value is None where a turn has none.
    Raises: SpecInvalid when there is none, or they are not of one kind.
    Source: Zou & Donner 2008, Statistics in Medicine 27:1693 (MOVER), doi:10.1002/sim.3095.
    """
    kinds = {(e.metric, e.class_name, e.split, e.level) for e in estimates}
    if len(kinds) != 1:
        raise SpecInvalid(
            said("A mean over turns needs estimates of one metric, class, split and level, not {n}.", n=len(kinds))
        )
    if len(estimates) == 1:
        return estimates[0]
    pool = sum if independent else max
    n_images, n_groups = pool(e.n_images for e in estimates), pool(e.n_groups for e in estimates)
    values = [e.value for e in estimates if e.value is not None]
    mean = sum(values) / len(values) if len(values) == len(estimates) else None
    low = high = None
    ends = [(e.value, e.low, e.high) for e in estimates]
    if mean is not None and all(None not in end for end in ends):
        low = mean - _joined([v - lo for v, lo, _ in ends], independent)  # type: ignore[operator]
        high = mean + _joined([hi - v for v, _, hi in ends], independent)  # type: ignore[operator]
    how = "whose test parts share nobody" if independent else "which share test images"
    return replace(
        estimates[0], value=mean, low=low, high=high, n_images=n_images, n_groups=n_groups,
        method=f"mean of {len(estimates)} turns, {how}; each: {estimates[0].method}",
    )  # fmt: skip


def _joined(distances: Sequence[float], independent: bool) -> float:
    return (math.hypot(*distances) if independent else sum(distances)) / len(distances)


def _draw(record: RunRecord) -> tuple[int, int, int, str]:
    spec = record.spec
    return (-1 if spec.fold is None else spec.fold, spec.split_seed, spec.seed, record.run_id)
