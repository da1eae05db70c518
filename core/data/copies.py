"""Copies in a data set, and what they do: which cross its splits, which belong to two patients, which contradict.

A split by patient keeps identical files together; a copy that was saved anew, or stands under another patient, it
cannot see. That is what is looked for here.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.data.labelling import apply_scheme
from core.data.near_duplicates import Looks, Progress, alike_pairs, look_at_all
from core.data.splits import assign_splits, default_kind
from core.errors import DatasetInvalid, SpecInvalid
from core.types import DatasetTable, LabelScheme

PAIR_COLUMNS = (
    "first", "second", "same_group", "labels_differ", "identical", "distance", "likeness", "across", "across_random",
    "first_label", "second_label", "first_split", "second_split", "first_path", "second_path",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CopyReport:
    """What was found: `pairs` has the columns of PAIR_COLUMNS, those across splits first, then between groups.

    `across` says that a pair stands in two parts of the split that a run with the default seed has, `across_random`
    of a random one. `sizes_px` counts (width, height), the most frequent first.
    """

    n_images: int
    n_unreadable: int
    split_kind: str
    pairs: pd.DataFrame
    sizes_px: tuple[tuple[tuple[int, int], int], ...]

    def count(self, column: str) -> int:
        """How many pairs have this mark."""
        return int(self.pairs[column].sum())

    @property
    def between_groups(self) -> int:
        """Pairs that belong to two patients (lesions, studies)."""
        return int((~self.pairs["same_group"]).sum())


def find_copies(
    table: DatasetTable,
    scheme: LabelScheme,
    *,
    seed: int = 0,
    looks: Looks | None = None,
    progress: Progress | None = None,
) -> CopyReport:
    """Look at every picture of `table`, and at what its copies do to the splits of `scheme`.

    Args:
        seed: of the splits. looks: of all rows in their order, where they were looked at before.
    """  # fmt: skip
    rows = table.rows
    looks = looks if looks is not None else look_at_all(rows["path"].astype(str).tolist(), progress)
    kind, parts = default_kind(table), {}
    for split in (kind, "random"):
        parts[split] = _parts(table, scheme, split, seed)
    ids, groups, labels, paths = (rows[c].astype(str).to_numpy(dtype=object) for c in
                                  ("image_id", "group", "label", "path"))  # fmt: skip
    found = []
    for pair in alike_pairs(looks):
        a, b = pair.first, pair.second
        splits = {split: (part.get(ids[a], ""), part.get(ids[b], "")) for split, part in parts.items()}
        across = {split: "" not in two and two[0] != two[1] for split, two in splits.items()}
        found.append((
            ids[a], ids[b], bool(groups[a] == groups[b]), bool(labels[a] != labels[b]), pair.identical, pair.distance,
            pair.likeness, across[kind], across["random"], labels[a], labels[b], *splits[kind], paths[a], paths[b],
        ))  # fmt: skip
    pairs = pd.DataFrame(found, columns=list(PAIR_COLUMNS))
    marks = ["same_group", "labels_differ", "identical", "across", "across_random"]
    pairs = pairs.astype(dict.fromkeys(marks, bool))
    order = ["across", "same_group", "labels_differ", "likeness"]
    pairs = pairs.sort_values(order, ascending=[False, True, False, False], kind="stable").reset_index(drop=True)
    sizes = Counter(size for size in looks.sizes_px if size != (0, 0))
    return CopyReport(
        n_images=len(rows), n_unreadable=sum(digest == "" for digest in looks.digests), split_kind=kind, pairs=pairs,
        sizes_px=tuple(sizes.most_common()),
    )  # fmt: skip


def _parts(table: DatasetTable, scheme: LabelScheme, kind: str, seed: int) -> dict[str, str]:
    """Image id to its part; {} where these data cannot be split that way."""
    try:
        labelled = assign_splits(apply_scheme(table, scheme), kind, seed)  # type: ignore[arg-type]
    except (DatasetInvalid, SpecInvalid):
        return {}
    return dict(zip(labelled.rows["image_id"].astype(str), map(str, labelled.splits), strict=True))


def conflicting_labels(table: DatasetTable) -> tuple[tuple[str, ...], ...]:
    """Sets of image ids whose files are equal to the byte and whose labels are not; no picture is decoded."""
    rows = table.rows
    same = rows[rows["content_hash"].duplicated(keep=False)]
    return tuple(
        tuple(part["image_id"].astype(str))
        for _, part in same.groupby("content_hash", sort=False)
        if len(set(part["label"])) > 1
    )


def group_sizes(table: DatasetTable) -> np.ndarray:
    """Images of each group (g,), in no order."""
    return np.asarray(table.rows["group"].value_counts().to_numpy(), dtype=np.int64)


def ages(table: DatasetTable) -> np.ndarray:
    """Age in years per image where the table has one; empty where it has none."""
    if "age" not in table.rows:
        return np.empty(0)
    found = pd.to_numeric(table.rows["age"], errors="coerce").to_numpy(dtype=np.float64)
    return np.asarray(found[np.isfinite(found)])


def values_of(table: DatasetTable, column: str) -> dict[str, int]:
    """Images per value of a column of text, the most frequent first; {} where the table has no such column."""
    if column not in table.rows:
        return {}
    text = table.rows[column].fillna("").astype(str).str.strip()
    return {str(value): int(count) for value, count in text.value_counts().items()}
