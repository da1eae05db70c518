"""Images -> pooled features, cached on disk by the content of image, preprocessing and weights.

A row is found again only under the hash of the image's bytes, the preprocessing and the digest of the
network's weights: a changed image or setting is computed anew. Shards are written whole and renamed, so
that an interrupted extraction goes on where it stopped and several processes may write at once. Rows wait on the
disk, not in memory, until they are asked for.
"""

import hashlib
import io
import json
import tempfile
import uuid
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from core import paths
from core.data import batches
from core.data.ahead import in_order
from core.nn.backend import keras
from core.nn.forward import feature_forward
from core.nn.runtime import SLICE
from core.nn.weights import digest
from core.types import PreprocessSpec

CACHE_VERSION = 1  # raise when the meaning of a stored row changes
SHARD_IMAGES = 256  # at 20 ms an image a kill costs at most 5 s of work
SLICES_AHEAD = 8  # of four images: a slow file holds nobody up, and 5 MB of memory hold the rest
IN_MEMORY_BYTES = 1024**3  # larger results lie in a file that the system pages in: 200,000 images of 1,280 features

Progress = Callable[[int, int], None]


class ShardDamaged(Exception):
    """A cache file that could be opened, but not read; its rows are computed again."""


class FeatureCache:
    """Rows of one network and one preprocessing, in `<cache>/features/<fingerprint>/`."""

    def __init__(self, fingerprint: str, folder: Path | None = None) -> None:
        self.folder = (folder or paths.cache_folder() / "features") / fingerprint
        self._where: dict[str, tuple[Path, int]] = {}
        for shard in sorted(self.folder.glob("*.npz")) if self.folder.is_dir() else ():
            try:
                self._know(shard, _stored(shard, "hashes").tolist())
            except ShardDamaged:
                shard.unlink(missing_ok=True)  # a cache file that cannot be read is made again

    def _know(self, shard: Path, hashes: Sequence[str]) -> None:
        self._where.update((content, (shard, row)) for row, content in enumerate(hashes))

    def add(self, hashes: Sequence[str], rows: np.ndarray) -> None:
        """Keep rows (n, d) under their images' hashes, on disk."""
        paths.ensure_folder(self.folder)
        buffer = io.BytesIO()
        np.savez(buffer, hashes=np.asarray(hashes), rows=rows)
        name = uuid.uuid4().hex
        partial, shard = self.folder / f"{name}.tmp-{name[:8]}", self.folder / f"{name}.npz"
        partial.write_bytes(buffer.getvalue())
        partial.rename(shard)
        self._know(shard, hashes)

    def missing(self, hashes: Sequence[str]) -> list[int]:
        """Positions whose rows are not there, each hash once."""
        seen: set[str] = set()
        wanted = []
        for position, content in enumerate(hashes):
            if content not in self._where and content not in seen:
                seen.add(content)
                wanted.append(position)
        return wanted

    def rows(self, hashes: Sequence[str]) -> np.ndarray:
        """(n, d) float32 in the order of `hashes`; one shard is in memory at a time.

        Raises: ShardDamaged when a file went bad; what it held is missing from then on.
        """
        by_shard: dict[Path, list[tuple[int, int]]] = {}
        for position, content in enumerate(hashes):
            shard, row = self._where[content]
            by_shard.setdefault(shard, []).append((position, row))
        found: np.ndarray | None = None
        for shard, pairs in by_shard.items():
            try:
                stored = _stored(shard, "rows")
            except ShardDamaged:
                shard.unlink(missing_ok=True)
                self._where = {known: place for known, place in self._where.items() if place[0] != shard}
                raise
            if found is None:
                found = _empty((len(hashes), stored.shape[1]))
            positions, rows = zip(*pairs, strict=True)
            found[list(positions)] = stored[list(rows)]
        return np.empty((0, 0), np.float32) if found is None else found


def _stored(shard: Path, member: str) -> np.ndarray:
    try:
        with np.load(shard, allow_pickle=False) as archive:
            array: np.ndarray = archive[member]
            return array
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ShardDamaged(str(shard)) from error


def _empty(shape: tuple[int, int]) -> np.ndarray:
    """An array for the result: in memory, or in a file without a name where it is large."""
    if shape[0] * shape[1] * 4 <= IN_MEMORY_BYTES:
        return np.empty(shape, np.float32)
    paths.ensure_folder(paths.cache_folder())
    with tempfile.TemporaryFile(dir=paths.cache_folder()) as file:
        return np.memmap(file, dtype=np.float32, mode="w+", shape=shape)


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
    while True:
        wanted = cache.missing(content_hashes)
        rows = _computed(backbone, [image_paths[i] for i in wanted], preprocess)
        _keep(cache, rows, [content_hashes[i] for i in wanted], len(image_paths), progress)
        try:
            return cache.rows(content_hashes)
        except ShardDamaged:
            continue  # its file is gone, so that each turn has fewer of them


def _keep(
    cache: FeatureCache, computed: Iterator[np.ndarray], hashes: list[str], total: int, progress: Progress | None
) -> None:
    """Write rows to the cache as they come, a shard at a time."""
    report = progress or (lambda _done, _total: None)
    before, kept = total - len(hashes), 0
    waiting: list[np.ndarray] = []
    report(before, total)

    def write() -> int:
        rows = np.concatenate(waiting)
        cache.add(hashes[kept : kept + len(rows)], rows)
        waiting.clear()
        return len(rows)

    try:
        for rows in computed:
            waiting.append(rows)
            done = kept + sum(map(len, waiting))
            if done - kept >= SHARD_IMAGES:
                kept += write()
            report(before + done, total)
    finally:
        if waiting:  # Ctrl-C keeps what is there
            write()


def _computed(backbone: keras.Model, files: Sequence[str], preprocess: PreprocessSpec) -> Iterator[np.ndarray]:
    """Features (k, d) of a few files at a time, in order."""
    if not files:
        return
    forward, workers = feature_forward(backbone)
    if workers == 1:
        for batch in batches.decoded_batches(files, preprocess):
            yield forward(batch)
        return
    # whoever decodes a slice also runs it: nothing is handed over, and every core is at work all the time
    slices = (files[start : start + SLICE] for start in range(0, len(files), SLICE))
    yield from in_order(
        lambda part: forward(np.stack([batches.prepare(path, preprocess) for path in part])),
        slices, workers=workers, ahead=SLICES_AHEAD,
    )  # fmt: skip
