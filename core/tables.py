"""Tables that check themselves: a data set's rows, a labelled set, and predictions.

`Predictions` are the pivot of the project: every performance number is a pure function of them.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.errors import DatasetInvalid, PredictionsInvalid
from core.language import said

if TYPE_CHECKING:
    from core.specs import DatasetSpec, LabelScheme

REQUIRED_COLUMNS = ("image_id", "path", "label", "group", "split", "content_hash")
SPLITS = ("train", "validation", "test")
SUM_TOLERANCE = 1e-4  # float32 softmax over a dozen classes is off by 1e-6 at most


def _repeated(values: pd.Series) -> list[str]:
    return sorted(str(v) for v in values[values.duplicated()].unique())


@dataclass(frozen=True, slots=True, eq=False)
class DatasetTable:
    """Rows of one data set: ids unique, labels known, no group in two of the source's own splits.

    `rows` columns: `image_id`, `path` (a file, `archive.npz#split/index`, or `phantom://...`), `label`
    (raw tokens joined by "|"), `group`, `split` (the source's own: "train", "validation", "test" or ""),
    `content_hash` (of the bytes), then metadata: `age`, `sex`, `view`, `boxes` (a tuple of
    (x, y, width, height), fractions of the image), `mask_path` and others where the source has them.
    `refused` lists what was left out, one sentence each. `fingerprint` changes with any row.
    """

    spec: "DatasetSpec"
    rows: pd.DataFrame
    fingerprint: str
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        missing = [c for c in REQUIRED_COLUMNS if c not in self.rows.columns]
        if missing:
            raise DatasetInvalid(
                said("{key}: the table lacks the columns {listed}.", key=self.spec.key, listed=", ".join(missing))
            )
        problems = [said("image id {i} stands more than once", i=repr(i)) for i in _repeated(self.rows["image_id"])]
        known = set(self.spec.class_names)
        if known:
            for label in sorted(set(self.rows["label"])):
                for token in str(label).split("|"):
                    if token not in known:
                        problems.append(
                            said(
                                "unknown label {token}; known: {listed}",
                                token=repr(token),
                                listed=", ".join(self.spec.class_names),
                            )
                        )
        official = self.rows[self.rows["split"] != ""]
        crossing = official.groupby("group")["split"].nunique()
        for group in crossing[crossing > 1].index:
            problems.append(
                said(
                    "{group_field} {group} stands in more than one of the source's splits",
                    group_field=self.spec.group_field,
                    group=repr(group),
                )
            )
        if problems:
            raise DatasetInvalid(said("{title}: the table contradicts itself.", title=said(self.spec.title)), problems)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LabelledSet:
    """A data set under one label scheme, ready to train on.

    `rows` are the table's rows that the scheme keeps, in the same order. `y_true` is (n,) int64 class
    indices, or (n, C) int64 zeros and ones for multilabel. `splits` (n,) is "" until a split is assigned.
    `dropped` counts the rows left out, by reason.
    """

    table: DatasetTable
    scheme: "LabelScheme"
    rows: pd.DataFrame
    y_true: np.ndarray
    splits: np.ndarray
    split_kind: str = ""
    dropped: dict[str, int] = field(default_factory=dict)

    def indices(self, split: str) -> np.ndarray:
        """Row positions (m,) of one split, in table order."""
        return np.flatnonzero(self.splits == split)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Predictions:
    """Scores of one run on one split.

    Args:
        image_ids, groups: (n,) strings.
        y_true: (n,) int64 class indices; multilabel: (n, C) zeros and ones.
        y_prob: (n, C) float64 in `class_names` order; rows sum to 1 unless multilabel.
    Raises: PredictionsInvalid when lengths differ, a score is NaN or outside [0, 1], a row does not sum
        to 1, a class index does not exist, or an image id stands twice.
    """

    run_id: str
    split: str
    task: str
    class_names: tuple[str, ...]
    positive_class: str | None
    image_ids: np.ndarray
    groups: np.ndarray
    y_true: np.ndarray
    y_prob: np.ndarray

    def __post_init__(self) -> None:
        n, width, where = len(self.image_ids), len(self.class_names), f"{self.run_id} ({self.split})"
        if n == 0:
            raise PredictionsInvalid(said("{where}: there are no predictions.", where=where))
        if self.y_prob.shape != (n, width):
            raise PredictionsInvalid(
                said(
                    "{where}: scores have shape {shape}, expected {value}.",
                    where=where,
                    shape=self.y_prob.shape,
                    value=(n, width),
                )
            )
        expected_truth: tuple[int, ...] = (n, width) if self.task == "multilabel" else (n,)
        if self.y_true.shape != expected_truth or len(self.groups) != n:
            raise PredictionsInvalid(
                said(
                    "{where}: {n} image ids, but truth of shape {shape} and {n_2} groups.",
                    where=where,
                    n=n,
                    shape=self.y_true.shape,
                    n_2=len(self.groups),
                )
            )
        self._check_values(where)
        if self.task == "binary" and self.positive_class not in self.class_names:
            raise PredictionsInvalid(
                said(
                    "{where}: the positive class {positive_class} is not a class.",
                    where=where,
                    positive_class=repr(self.positive_class),
                )
            )

    def _check_values(self, where: str) -> None:
        bad = ~np.isfinite(self.y_prob) | (self.y_prob < 0) | (self.y_prob > 1 + SUM_TOLERANCE)
        if bad.any():
            row = int(np.flatnonzero(bad.any(axis=1))[0])
            raise PredictionsInvalid(
                said(
                    "{where}: row {row} ({image}) has a score that is no probability: {score}.",
                    where=where,
                    row=row,
                    image=self.image_ids[row],
                    score=self.y_prob[row],
                )
            )
        if self.task != "multilabel":
            off = np.abs(self.y_prob.sum(axis=1) - 1)
            if off.max() > SUM_TOLERANCE:
                row = int(off.argmax())
                raise PredictionsInvalid(
                    said(
                        "{where}: the scores of row {row} ({image}) sum to {n:.6f}, expected 1.",
                        where=where,
                        row=row,
                        image=self.image_ids[row],
                        n=self.y_prob[row].sum(),
                    )
                )
        top = 1 if self.task == "multilabel" else len(self.class_names) - 1
        if self.y_true.min() < 0 or self.y_true.max() > top:
            raise PredictionsInvalid(said("{where}: the truth has values outside 0 to {top}.", where=where, top=top))
        if len(set(self.image_ids)) != len(self.image_ids):
            raise PredictionsInvalid(said("{where}: an image id stands more than once.", where=where))

    @property
    def positive_index(self) -> int:
        """Column of the positive class (binary only)."""
        return self.class_names.index(str(self.positive_class))

    @property
    def n_groups(self) -> int:
        return len(set(self.groups.tolist()))

    def truth_of(self, class_index: int) -> np.ndarray:
        """(n,) zeros and ones: does the image show this class?"""
        if self.task == "multilabel":
            return np.asarray(self.y_true[:, class_index])
        return (self.y_true == class_index).astype(np.int64)

    def __len__(self) -> int:
        return len(self.image_ids)

    def arrays(self) -> dict[str, Any]:
        """The arrays alone, for building a changed copy."""
        return {k: getattr(self, k) for k in ("image_ids", "groups", "y_true", "y_prob")}
