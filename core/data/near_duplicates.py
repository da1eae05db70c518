"""Pictures that look alike: copies that were scaled, compressed or brightened anew, found across a whole data set.

A picture becomes 64 bits by its coarse shape (discrete cosine transform); pairs whose bits hardly differ are held
against each other as small pictures, because radiographs of different people share their coarse shape. What is found
is a suspicion for a person to look at, never a reason to drop an image by itself.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from core.data.sources import read_image
from core.errors import ImageRefused

Progress = Callable[[int, int], None]  # (images done, images in all)
HASH_PX = 32  # the picture before the transform
LOW = 8  # of its frequencies, those that are kept on each side: 8 x 8 = 64 bits
# Measured on 150 pictures each of chest_xray, siim-covid19 and ham10000: halved, recompressed (JPEG 30), brightened or
# bent by gamma they differ in 0 to 6 bits and correlate above 0.992. Different patients of 5,216 radiographs that share
# their bits (2,252 pairs within 8) stay below 0.98. Cropped or turned by 2 degrees, a third to nine tenths are found.
MAX_DISTANCE = 8
MIN_LIKENESS = 0.985
BLOCK = 1024  # rows that are compared with all others at once: 8 MB of differences for 1,000 others


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What is kept of each picture: its bits (n,) uint64, a small copy (n, 32 * 32) float32, a digest of its pixels.

    The small copies have mean 0 and length 1, so that their product is their correlation; one of a single tone is all
    zeros and like nothing. `sizes_px` is (width, height). An unreadable picture has the digest "" and the size (0, 0).
    """

    hashes: np.ndarray
    small: np.ndarray
    digests: tuple[str, ...]
    sizes_px: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlikePair:
    """Two pictures by their row positions: how many of 64 bits differ, their correlation, whether pixels are equal."""

    first: int
    second: int
    distance: int
    likeness: float
    identical: bool


def perceptual_hash(rgb: np.ndarray) -> int:
    """64 bits of a picture's coarse shape: which of its low frequencies stand above their median.

    Args:
        rgb: uint8 (H, W, 3).
    Returns: a whole number below 2**64; the mean brightness has no part in it.
    Source: the perceptual hash after Zauner 2010, Implementation and benchmarking of perceptual image hash functions.
    """
    return _bits(_small(rgb))


def _small(rgb: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (HASH_PX, HASH_PX), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _bits(small: np.ndarray) -> int:
    low = cv2.dct(small)[:LOW, :LOW].ravel()
    above = low > np.median(low[1:])  # the first one is the mean brightness, far above all others
    above[0] = False
    return int(np.packbits(above).view(">u8")[0])


def _unit(small: np.ndarray) -> np.ndarray:
    centred = (small - small.mean()).ravel()
    length = float(np.linalg.norm(centred))
    return centred / length if length > 1 else np.zeros_like(centred)


def look_at_all(paths: Sequence[str], progress: Progress | None = None) -> Looks:
    """Decode every picture once.

    Args:
        paths: as `read_image` takes them.
        progress: called after each picture, from the calling thread.
    """
    hashes = np.zeros(len(paths), dtype=np.uint64)
    small = np.zeros((len(paths), HASH_PX * HASH_PX), dtype=np.float32)
    digests, sizes = [], []
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for position, (bits, copy, digest, size) in enumerate(pool.map(_look_at, paths)):
            hashes[position], small[position] = bits, copy
            digests.append(digest)
            sizes.append(size)
            if progress is not None:
                progress(position + 1, len(paths))
    return Looks(hashes=hashes, small=small, digests=tuple(digests), sizes_px=tuple(sizes))


def _look_at(path: str) -> tuple[int, np.ndarray, str, tuple[int, int]]:
    try:
        rgb = read_image(path)
    except (ImageRefused, OSError):
        return 0, np.zeros(HASH_PX * HASH_PX, dtype=np.float32), "", (0, 0)
    small = _small(rgb)
    digest = hashlib.blake2b(str(rgb.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(rgb).data)
    return _bits(small), _unit(small), digest.hexdigest(), (rgb.shape[1], rgb.shape[0])


def near_hashes(hashes: np.ndarray, max_distance: int) -> np.ndarray:
    """All pairs (m, 2) of positions, first below second, whose hashes (n,) differ in at most `max_distance` bits.

    Every pair is looked at, in blocks: 10,000 hashes are 50 million pairs, half a second of counting bits. (Buckets
    of equal bits would save little: half of the radiographs of a set share them.)
    """
    found = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, len(hashes), BLOCK):
        block = hashes[start : start + BLOCK]
        differ = np.bitwise_count(block[:, None] ^ hashes[None, start:])
        rows, columns = np.nonzero(np.asarray(differ) <= max_distance)
        later = columns > rows
        found.append(np.stack([rows[later] + start, columns[later] + start], axis=1))
    return np.concatenate(found)


def alike_pairs(
    looks: Looks, *, max_distance: int = MAX_DISTANCE, min_likeness: float = MIN_LIKENESS
) -> tuple[AlikePair, ...]:
    """Pairs of pictures that look alike, the most alike first; unreadable and blank pictures are in none."""
    blank = np.asarray(~looks.small.any(axis=1))
    pairs = near_hashes(looks.hashes, max_distance)
    pairs = pairs[~(blank[pairs[:, 0]] | blank[pairs[:, 1]])]
    found = []
    for start in range(0, len(pairs), BLOCK * 16):
        part = pairs[start : start + BLOCK * 16]
        likeness = np.asarray(np.einsum("ij,ij->i", looks.small[part[:, 0]], looks.small[part[:, 1]]))
        near = np.flatnonzero(likeness >= min_likeness)
        for (first, second), value in zip(part[near], likeness[near], strict=True):
            distance = int(looks.hashes[first] ^ looks.hashes[second]).bit_count()
            identical = looks.digests[first] == looks.digests[second]
            found.append(
                AlikePair(first=int(first), second=int(second), distance=distance, likeness=min(1.0, float(value)),
                          identical=identical)
            )  # fmt: skip
    return tuple(sorted(found, key=lambda pair: (not pair.identical, -pair.likeness, pair.first, pair.second)))
