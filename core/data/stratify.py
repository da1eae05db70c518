"""Whole units into parts, so that every part has its share of every class.

A unit (a patient, with all images that are identical to one of theirs) goes into one part or another, never
into two. The result depends on the units and the seed, not on the order of the rows.
"""

from collections.abc import Sequence

import numpy as np

_Node = tuple[int, str]  # column and value


def units_of(*keys: Sequence[str]) -> np.ndarray:
    """Rows that share a value of any key, directly or through other rows, form one unit.

    Args:
        keys: columns of equal length (n,), such as groups and content hashes.
    Returns: (n,) int64 unit numbers from 0, in the order of each unit's smallest first key.
    """
    parent: dict[_Node, _Node] = {}

    def root(node: _Node) -> _Node:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]  # halves the path, so that long chains stay quick
            node = parent[node]
        return node

    for values in zip(*keys, strict=True):
        first = root((0, values[0]))
        for column, value in enumerate(values[1:], start=1):
            parent[root((column, value))] = first
    roots = [root((0, value)) for value in keys[0]]
    smallest: dict[_Node, str] = {}
    for own, value in zip(roots, keys[0], strict=True):
        smallest[own] = min(smallest.get(own, value), value)
    ordered = sorted(smallest, key=lambda own: smallest[own])
    number = {own: position for position, own in enumerate(ordered)}
    return np.array([number[own] for own in roots], dtype=np.int64)


def allocate(
    strata: np.ndarray,
    presence: np.ndarray,
    fractions: Sequence[float],
    rng: np.random.Generator,
    priority: Sequence[int] | None = None,
) -> np.ndarray:
    """Give each unit a part: largest first, each where it brings all parts nearest to their shares.

    Args:
        strata: (U, S) images of each unit per stratum; each part should get its fraction of every column.
        presence: (U, C) images of each unit per class; a class goes into every part if it has enough units.
        fractions: share of each part, above 0, summing to 1.
        priority: parts in the order in which a class with fewer units than parts is placed.
    Returns: (U,) int64 part numbers.
    """
    state = _Allocation(strata, presence, np.asarray(fractions, dtype=float))
    shuffled = rng.permutation(len(strata))
    share = strata @ state.weights
    for unit in shuffled[np.argsort(-share[shuffled], kind="stable")].tolist():
        state.place(unit, state.cheapest(unit))
    state.repair(list(range(len(fractions))) if priority is None else list(priority))
    return state.part


class _Allocation:
    """Parts being filled; the misfit is the sum over parts and strata of (filled - target)^2 / target."""

    def __init__(self, strata: np.ndarray, presence: np.ndarray, fractions: np.ndarray) -> None:
        total = strata.sum(axis=0)
        self.weights = np.where(total > 0, 1.0 / np.maximum(total, 1), 0.0)
        self.fractions = fractions.tolist()
        self.need = (fractions[:, None] * total).tolist()
        self.presence = presence > 0
        self.part = np.full(len(strata), -1, dtype=np.int64)
        self._held = [[(int(s), int(row[s])) for s in np.flatnonzero(row)] for row in strata]
        self._weight_list = self.weights.tolist()

    def cost(self, unit: int, part: int) -> float:
        """How much the misfit grows when `unit` comes to `part`."""
        need = self.need[part]
        grown = sum(self._weight_list[s] * k * (k - 2.0 * need[s]) for s, k in self._held[unit])
        return grown / self.fractions[part]

    def cheapest(self, unit: int) -> int:
        return min(range(len(self.fractions)), key=lambda part: self.cost(unit, part))

    def place(self, unit: int, part: int) -> None:
        before = int(self.part[unit])
        for s, k in self._held[unit]:
            self.need[part][s] -= k
            if before >= 0:
                self.need[before][s] += k
        self.part[unit] = part

    def repair(self, priority: list[int]) -> None:
        """Move single units so that a class stands in as many parts as it has units; rarest class first."""
        for column in np.argsort(self.presence.sum(axis=0), kind="stable").tolist():
            owners = np.flatnonzero(self.presence[:, column])
            for part in priority[: len(owners)]:
                if not (self.part[owners] == part).any():
                    self._bring(owners, part, set(priority[: len(owners)]))

    def _bring(self, owners: np.ndarray, part: int, wanted: set[int]) -> None:
        counts = np.stack([self.presence[self.part == p].sum(axis=0) for p in range(len(self.fractions))])
        movable = []
        for unit in owners.tolist():
            source = int(self.part[unit])
            # a part that needs the class must keep another unit of each class that would leave it
            spare = source not in wanted or (counts[source][self.presence[unit]] > 1).all()
            if spare:
                movable.append(unit)
        if movable:
            self.place(min(movable, key=lambda unit: self.cost(unit, part)), part)
