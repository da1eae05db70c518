"""Image files as the uint8 squares that a network sees, one at a time or in batches decoded ahead."""

from collections.abc import Iterator, Sequence

import numpy as np

from core.data.ahead import in_order
from core.data.images import fit_image
from core.data.sources import read_image
from core.types import PreprocessSpec

BATCH_SIZE = 16  # larger batches are no faster on two cores
DECODE_THREADS = 2
AHEAD = 4  # batches decoded ahead of the network: enough to hide a slow file, 10 MB of memory


def prepare(path: str, preprocess: PreprocessSpec) -> np.ndarray:
    """The uint8 RGB square (S, S, 3) that a network sees of the image at `path`. Raises ImageRefused."""
    return fit_image(read_image(path), preprocess)


def decoded_batches(
    items: Sequence[str], preprocess: PreprocessSpec, batch_size: int = BATCH_SIZE
) -> Iterator[np.ndarray]:
    """uint8 batches (b, S, S, 3) in order, decoded in threads ahead of whoever consumes them."""

    def decode(start: int) -> np.ndarray:
        return np.stack([prepare(path, preprocess) for path in items[start : start + batch_size]])

    return in_order(decode, range(0, len(items), batch_size), workers=DECODE_THREADS, ahead=AHEAD)
