"""Occlusion: which part of a picture a probability hangs on, found by covering it. No gradient is needed.

A patch of the picture's own mean colour goes over the picture step by step; where a probability falls, something
spoke for it there. Forests and boosting have no gradient, so this is their heat map.
Source: Zeiler & Fergus 2014, doi:10.1007/978-3-319-10590-1_53.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from core.errors import ExplanationFailed
from core.language import said

PATCHES = 6  # the patch is a sixth of the side, and goes by half its own: 11 x 11 places
BATCH_BYTES = 32 * 1024**2  # of covered pictures at once: all of them up to 250 px, so that each head is asked once

Predict = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class OcclusionMaps:
    """What each probability lost where the picture was covered.

    base: (K,) probabilities of the picture itself. drops: (K, g, g), each a probability minus what is left of it under
    a patch there; above 0 where the patch covers what speaks for the answer, below 0 where it covers what speaks
    against it. patch_px: side of the patch.
    """

    base: np.ndarray
    drops: np.ndarray
    patch_px: int

    def cells(self, side: int) -> np.ndarray:
        """The drops on the picture, (K, side, side): each pixel gets the mean over the patches that covered it."""
        starts = _starts(side, self.patch_px)
        total = np.zeros((len(self.drops), side, side))
        covered = np.zeros((side, side))
        for row, top in enumerate(starts):
            for column, left in enumerate(starts):
                part = np.s_[top : top + self.patch_px, left : left + self.patch_px]
                total[(slice(None), *part)] += self.drops[:, row, column, None, None]
                covered[part] += 1
        return np.asarray(total / covered)


def occlusion_maps(picture: np.ndarray, predict_proba: Predict) -> OcclusionMaps:
    """Cover a picture patch by patch and ask each time.

    Args:
        picture: (S, S, 3) uint8, prepared as the network takes it.
        predict_proba: (n, S, S, 3) uint8 to (n, K) probabilities; K may count several heads and classes at once.
    Raises: ExplanationFailed when a probability is not finite, or the picture is no square of 12 pixels or more.
    """
    side = picture.shape[0]
    if picture.shape != (side, side, 3) or side < 2 * PATCHES:
        raise ExplanationFailed(
            said("Occlusion needs a square picture of 12 pixels or more; this has {shape}.", shape=picture.shape)
        )
    patch = max(2, round(side / PATCHES))
    starts = _starts(side, patch)
    base = np.asarray(predict_proba(picture[None]), np.float64)[0]
    left = np.concatenate([predict_proba(batch) for batch in _covered(picture, starts, patch)]).astype(np.float64)
    drops = (base - left).T.reshape(len(base), len(starts), len(starts))
    if not np.isfinite(drops).all():
        raise ExplanationFailed(said("A probability is not finite when a part of the picture is covered."))
    return OcclusionMaps(base=base, drops=drops, patch_px=patch)


def _starts(side: int, patch: int) -> list[int]:
    """Where patches begin: every half patch, the last one at the border."""
    last = side - patch
    return sorted({*range(0, last, max(1, patch // 2)), last})


def _covered(picture: np.ndarray, starts: list[int], patch: int) -> Iterator[np.ndarray]:
    colour = np.rint(picture.reshape(-1, 3).mean(axis=0)).astype(np.uint8)
    places = [(top, left) for top in starts for left in starts]
    at_once = max(1, BATCH_BYTES // picture.nbytes)
    for first in range(0, len(places), at_once):
        part = places[first : first + at_once]
        batch = np.repeat(picture[None], len(part), axis=0)
        for one, (top, left) in zip(batch, part, strict=True):
            one[top : top + patch, left : left + patch] = colour
        yield batch
