"""A patient's earlier images: which rows of a group come before an image, and their features gathered batch by batch.

Labels never enter, and a history never leaves its group or its part. File names order nothing, because names tell
classes: by the number in the names of `chest_xray`, the count of earlier images alone told bacterial pneumonia from the
rest with an AUC of 0.80; in the order used here with 0.63, which is what the number of a child's images tells.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.errors import SpecInvalid
from core.language import said
from core.types import LabelledSet

TIME_COLUMN = "visit"
ARBITRARY = "content hash: the source tells no time, so that earlier means another image of the group, drawn once"
LENGTH = 6
NONE = -1
MISSING = -1.0  # fills the place of an absent image; no activation of a network here goes below -0.28 (swish)


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """`positions` (n, K) int64: rows of the labelled set, the earliest first and each row's own last; -1 is none.

    `order` names the column that told the time, or says that none did.
    """

    positions: np.ndarray
    order: str

    @property
    def earlier(self) -> np.ndarray:
        """(n,) how many earlier images each row has, at most K - 1."""
        return np.asarray((self.positions[:, :-1] != NONE).sum(axis=1))

    def within(self, rows: np.ndarray) -> np.ndarray:
        """Positions (m, K) counted within `rows` (m,), the rising rows of one part."""
        chosen = self.positions[rows]
        return np.where(chosen == NONE, NONE, np.searchsorted(rows, chosen))


def patient_history(labelled: LabelledSet, length: int = LENGTH) -> History:
    """The last `length` images of each row's group up to the row itself, within the row's own part.

    Ordered by the column `visit` where every row states one (0, 1, 2 ...; images of one visit in the order of their
    content), otherwise by content. Images that the label scheme leaves out are in no history.

    Args:
        length: images in a sequence, the row's own included; 1 leaves nothing but the row.
    Raises: SpecInvalid for a length below 1.
    """
    if length < 1:
        raise SpecInvalid(
            said("A history holds {length} images; expected at least 1, the image itself.", length=length)
        )
    rows, n = labelled.rows, len(labelled)
    visits, order = _visits(rows)
    groups = pd.factorize(rows["group"].astype(str))[0]
    parts = pd.factorize(pd.Series(labelled.splits, dtype=str))[0]
    content = rows["content_hash"].to_numpy(dtype=str)
    ordered = np.lexsort((content, visits, parts, groups))
    same = (np.diff(groups[ordered]) == 0) & (np.diff(parts[ordered]) == 0)
    starts = np.flatnonzero(np.concatenate([[True], ~same]))
    rank = np.arange(n) - np.repeat(starts, np.diff(np.append(starts, n)))
    positions = np.full((n, length), NONE, dtype=np.int64)
    for back in range(length):
        reached = np.flatnonzero(rank >= back)
        positions[ordered[reached], length - 1 - back] = ordered[reached - back]
    return History(positions, order)


def _visits(rows: pd.DataFrame) -> tuple[np.ndarray, str]:
    """(n,) when each image was taken, and what told it; zeros where nothing does."""
    if TIME_COLUMN in rows.columns:
        stated = pd.to_numeric(rows[TIME_COLUMN], errors="coerce").to_numpy(dtype=np.float64)
        if np.isfinite(stated).all() and (stated >= 0).all():
            return stated, TIME_COLUMN
    return np.zeros(len(rows)), ARBITRARY


class Sequences:
    """Features of images and of those before them, (m, K, d), gathered for the rows that are asked for.

    All of it at once is K times the features: 150 MB for 5,000 images of 1,280 features, six in a row. A batch of 64
    is 2 MB.
    """

    def __init__(self, features: np.ndarray, positions: np.ndarray) -> None:
        """
        Args:
            features: (n, d) float32.
            positions: (m, K) rows of `features`, -1 for none; the last column is the image itself.
        """
        self.features, self.positions = features, positions

    @property
    def shape(self) -> tuple[int, int, int]:
        return (*self.positions.shape, self.features.shape[1])

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """(k, K, d) float32, MISSING where there is no image."""
        chosen = self.positions[rows]
        gathered = self.features[np.maximum(chosen, 0)]
        gathered[chosen == NONE] = MISSING
        return gathered

    def last(self) -> np.ndarray:
        """(m, d) features of the images themselves."""
        return np.asarray(self.features[self.positions[:, -1]])
