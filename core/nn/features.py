"""Images -> pooled features, cached on disk by the content of image, preprocessing and weights.

A row is found again only under the hash of the image's bytes, the preprocessing and the digest of the
network's weights: a changed image or setting is computed anew. Shards are written whole and renamed, so
that an interrupted extraction goes on where it stopped and several processes may write at once.
"""

import hashlib
import io
import json
import uuid
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np

from core import paths
from core.data.images import fit_image
from core.data.sources import read_image
from core.nn.backend import keras
from core.nn.compiled import compile_forward
from core.nn.weights import digest
from core.types import PreprocessSpec

CACHE_VERSION = 1  # raise when the meaning of a stored row changes
SHARD_IMAGES = 256  # at 20 ms an image a kill costs at most 5 s of work
BATCH_SIZE = 16  # larger batches are no faster on two cores
DECODE_THREADS = 2
AHEAD = 4  # batches decoded ahead of the network: enough to hide a slow file, 10 MB of memory

Progress = Callable[[int, int], None]


def pooled_model(backbone: keras.Model) -> keras.Model:
    """Pixels -> (n, feature_dim): the mean over the cells of the last stage."""
    return keras.Model(backbone.input, keras.layers.GlobalAveragePooling2D()(backbone.output))


def prepare(path: str, preprocess: PreprocessSpec) -> np.ndarray:
    """The uint8 RGB square (S, S, 3) that a network sees of the image at `path`."""
    return fit_image(read_image(path), preprocess)


def decoded_batches(items: Sequence[str], preprocess: PreprocessSpec, batch_size: int) -> Iterator[np.ndarray]:
    """uint8 batches (b, S, S, 3) in order, decoded in threads ahead of whoever consumes them."""
    starts = range(0, len(items), batch_size)

    def decode(start: int) -> np.ndarray:
        return np.stack([prepare(path, preprocess) for path in items[start : start + batch_size]])

    with ThreadPoolExecutor(DECODE_THREADS) as pool:
        waiting: list[Future[np.ndarray]] = []
        try:
            for start in starts:
                waiting.append(pool.submit(decode, start))
                if len(waiting) > AHEAD:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()


class FeatureCache:
    """Rows of one network and one preprocessing, in `<cache>/features/<fingerprint>/`."""

    def __init__(self, fingerprint: str, folder: Path | None = None) -> None:
        self.folder = (folder or paths.cache_folder() / "features") / fingerprint
        self._rows: dict[str, np.ndarray] = {}
        for shard in sorted(self.folder.glob("*.npz")) if self.folder.is_dir() else ():
            self._read(shard)

    def _read(self, shard: Path) -> None:
        try:
            with np.load(shard, allow_pickle=False) as stored:
                hashes, rows = stored["hashes"], stored["rows"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            shard.unlink(missing_ok=True)  # a cache file that cannot be read is made again
            return
        self._rows.update(zip(hashes.tolist(), rows, strict=True))

    def add(self, hashes: Sequence[str], rows: np.ndarray) -> None:
        """Keep rows (n, d) under their images' hashes, on disk and in memory."""
        paths.ensure_folder(self.folder)
        buffer = io.BytesIO()
        np.savez(buffer, hashes=np.asarray(hashes), rows=rows)
        name = uuid.uuid4().hex
        partial = self.folder / f"{name}.tmp-{name[:8]}"
        partial.write_bytes(buffer.getvalue())
        partial.rename(self.folder / f"{name}.npz")
        self._rows.update(zip(hashes, rows, strict=True))

    def missing(self, hashes: Sequence[str]) -> list[int]:
        """Positions whose rows are not there, each hash once."""
        seen: set[str] = set()
        wanted = []
        for position, content in enumerate(hashes):
            if content not in self._rows and content not in seen:
                seen.add(content)
                wanted.append(position)
        return wanted

    def rows(self, hashes: Sequence[str]) -> np.ndarray:
        """(n, d) float32 in the order of `hashes`."""
        return np.stack([self._rows[content] for content in hashes])


def fingerprint(backbone: keras.Model, preprocess: PreprocessSpec) -> str:
    """20 hex digits over weights, graph size, preprocessing and cache version."""
    facts = {
        "version": CACHE_VERSION,
        "network": backbone.name,
        "weights": digest(backbone),
        "preprocess": asdict(preprocess),
    }
    return hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=10).hexdigest()


def extract_features(
    backbone: keras.Model,
    image_paths: Sequence[str],
    content_hashes: Sequence[str],
    preprocess: PreprocessSpec,
    *,
    progress: Progress | None = None,
    cache_folder: Path | None = None,
) -> np.ndarray:
    """Pooled features (n, feature_dim) float32 of the images, in order.

    Args:
        content_hashes: of the images' bytes, in the order of `image_paths`; the cache's key.
        progress: called with (done, total) images, those found in the cache counted as done.
    Raises: ImageRefused when an image cannot be read any more.
    """
    cache = FeatureCache(fingerprint(backbone, preprocess), cache_folder)
    wanted = cache.missing(content_hashes)
    total, done = len(image_paths), len(image_paths) - len(wanted)
    report = progress or (lambda _done, _total: None)
    report(done, total)
    if wanted:
        forward = compile_forward(pooled_model(backbone), preprocess.size_px)
        hashes: list[str] = []
        rows: list[np.ndarray] = []
        position = 0
        try:
            for batch in decoded_batches([image_paths[i] for i in wanted], preprocess, BATCH_SIZE):
                rows.append(forward(batch))
                hashes += [content_hashes[i] for i in wanted[position : position + len(batch)]]
                position += len(batch)
                if len(hashes) >= SHARD_IMAGES:
                    cache.add(hashes, np.concatenate(rows))
                    hashes, rows = [], []
                report(done + position, total)
        finally:
            if hashes and rows:  # Ctrl-C keeps what is there
                kept = np.concatenate(rows)
                cache.add(hashes[: len(kept)], kept)
    return cache.rows(content_hashes)
