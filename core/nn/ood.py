"""Is a picture unlike those that a network was trained on? Distances from the training images, cut on validation.

Looks at every picture: the network's pooled features, `core/data/appearance.py`, which no network made, and where
training images have colour, that alone. Each is a Mahalanobis distance from one Gaussian of the training images with a
shrunk covariance; the largest counts, each in its own units: 0 is the middle of the validation images, 1 their edge.
More than 64 numbers are first thrown on 64 random directions: that keeps distances, also along directions in which
training images hardly differ (the leading components alone miss those, and with them most strange pictures of a
fine-tuned network), and a file of 35 KB. One number of hundreds that is far out drowns in that, so colour stands apart:
without it a network for lesions on skin took noise in grey for skin.
Sources: Lee et al. 2018, arXiv:1807.03888; Ledoit & Wolf 2004, doi:10.1016/S0047-259X(03)00096-4; Achlioptas 2003,
doi:10.1016/S0022-0000(03)00025-4 (random signs). NumPy alone.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.data.appearance import LENGTH, colour_summary
from core.errors import ModelDamaged
from core.language import said

OOD_FILE = "ood.npz"
METHOD = "Mahalanobis distance, shrunk covariance"
FEATURES, APPEARANCE, COLOUR = "features", "appearance", "colour"
KINDS = (FEATURES, APPEARANCE, COLOUR)
PERCENTILE = 0.98  # of validation, left unflagged
DIRECTIONS = 64  # 32 to 384 were measured: more only add noise
FLOORS = {
    FEATURES: 0.0,
    APPEARANCE: 0.01,
    COLOUR: 0.01,
}  # added to what a number is divided by, its scale
FEWEST = 20  # images in either part; below that an edge is an accident
VERSION = 1
_STEPS = 201  # of the stored quantiles: half a percent each
_SEED = 1


@dataclass(frozen=True, slots=True, eq=False)
class Distance:
    """Distance from one Gaussian: `whiten` (k, k) of (x / scale) thrown on `signs` (d, k), minus `mean` (k,).

    `signs` is None where nothing is projected; `middle` and `edge` are the median and the 98th percentile of the
    validation images' distances.
    """

    scale: np.ndarray
    signs: np.ndarray | None
    mean: np.ndarray
    whiten: np.ndarray
    middle: float = 0.0
    edge: float = 1.0

    def raw(self, rows: np.ndarray) -> np.ndarray:
        """Mahalanobis distance (n,) of rows (n, d)."""
        found = np.linalg.norm((_thrown(rows, self.scale, self.signs) - self.mean) @ self.whiten, axis=1)
        return np.asarray(found, dtype=np.float64)

    def score(self, rows: np.ndarray) -> np.ndarray:
        """The distance (n,) in units of the validation images: 0 at their middle, 1 at their edge."""
        return (self.raw(rows) - self.middle) / (self.edge - self.middle)


@dataclass(frozen=True, slots=True)
class OodAnswer:
    """What the gate says of one picture; `percentile` is the share of validation images that its score is above."""

    score: float
    percentile: float
    threshold: float
    flagged: bool


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """Distances by kind ("features", "appearance", "colour"), the threshold, quantiles (201,) of validation scores."""

    parts: Mapping[str, Distance]
    threshold: float
    quantiles: np.ndarray
    n_train: int

    def score(self, rows: Mapping[str, np.ndarray]) -> np.ndarray:
        """The largest distance (n,) of pictures, given features and appearance (n, d). Raises ModelDamaged."""
        found = []
        rows = _with_colour(rows) if COLOUR in self.parts else rows
        for kind, part in self.parts.items():
            given = rows.get(kind)
            if given is None or given.ndim != 2 or given.shape[1] != len(part.scale):
                shape = None if given is None else given.shape
                raise ModelDamaged(
                    said(
                        "The gate wants {kind} (n, {n}), it was given {shape}.",
                        kind=kind,
                        n=len(part.scale),
                        shape=shape,
                    )
                )
            found.append(part.score(given))
        return np.asarray(np.max(found, axis=0))

    def is_unlike(self, scores: np.ndarray) -> np.ndarray:
        """Which scores (n,) are over the threshold; one that is no number counts as over it."""
        return ~(np.asarray(scores) <= self.threshold)

    def percentile(self, scores: np.ndarray) -> np.ndarray:
        """Share (n,) of the validation images that a score is above, in steps of half a percent."""
        steps = np.searchsorted(self.quantiles, np.asarray(scores), side="left")
        return np.minimum(steps, _STEPS - 1) / (_STEPS - 1)

    def answers(self, rows: Mapping[str, np.ndarray]) -> list[OodAnswer]:
        """Score, percentile and verdict of each picture, given (n, d) by kind."""
        scores = self.score(rows)
        return [
            OodAnswer(float(s), float(p), self.threshold, bool(f))
            for s, p, f in zip(scores, self.percentile(scores), self.is_unlike(scores), strict=True)
        ]

    def to_bytes(self) -> bytes:
        """The gate as an `.npz` without pickles."""
        arrays: dict[str, np.ndarray] = {
            "version": np.array(VERSION), "threshold": np.array(self.threshold), "quantiles": self.quantiles,
            "n_train": np.array(self.n_train),
        }  # fmt: skip
        for kind, part in self.parts.items():
            arrays[f"{kind}.scale"], arrays[f"{kind}.mean"] = part.scale, part.mean
            size = float(np.abs(part.whiten).max())
            arrays[f"{kind}.whiten"] = (part.whiten / size).astype(np.float16)
            arrays[f"{kind}.range"] = np.array([part.middle, part.edge, size])
            if part.signs is not None:
                arrays[f"{kind}.signs"] = np.packbits(part.signs > 0, axis=1)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()

    @staticmethod
    def from_bytes(content: bytes) -> "Gate":
        """The gate of an `ood.npz`. Raises ModelDamaged when it is none, or its numbers do not fit together."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                if int(stored["version"]) != VERSION:
                    raise ModelDamaged(
                        said(
                            "{ood_file} is of version {stored}, expected {version}.",
                            ood_file=OOD_FILE,
                            stored=int(stored["version"]),
                            version=VERSION,
                        )
                    )
                parts = {k: _part(stored, k) for k in KINDS if f"{k}.mean" in stored}
                gate = Gate(parts, float(stored["threshold"]), stored["quantiles"], int(stored["n_train"]))
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ModelDamaged(
                said("{ood_file} cannot be read ({reason}).", ood_file=OOD_FILE, reason=error)
            ) from error
        if not parts or gate.quantiles.shape != (_STEPS,) or not np.isfinite(gate.threshold):
            raise ModelDamaged(
                said(
                    "{ood_file} holds no gate: {n} distances, quantiles {shape}.",
                    ood_file=OOD_FILE,
                    n=len(parts),
                    shape=gate.quantiles.shape,
                )
            )
        return gate


def fit_gate(train: Mapping[str, np.ndarray], validation: Mapping[str, np.ndarray]) -> Gate | None:
    """A gate from rows (n, d) by kind of training images, with edges and threshold from validation.

    The kinds of `train` are used, "features", "appearance" or both; with the latter also its colour, where training
    images have any that varies. Returns: None with fewer than 20 images in a part.
    """
    sizes = [len(rows) for part in (train, validation) for rows in part.values()]
    if not sizes or min(sizes) < FEWEST:
        return None
    train, validation = _with_colour(train), _with_colour(validation)
    if COLOUR in train and train[COLOUR].std(axis=0).max() < FLOORS[COLOUR]:
        train = {kind: rows for kind, rows in train.items() if kind != COLOUR}  # grey, all of them: nothing to compare
    parts = {}
    for kind in (k for k in KINDS if k in train):
        part = _fitted(train[kind], FLOORS[kind])
        distances = part.raw(validation[kind])
        middle, edge = float(np.median(distances)), float(np.quantile(distances, PERCENTILE))
        edge = max(edge, middle * (1 + 1e-6) + 1e-9)  # where all validation images are the same
        parts[kind] = Distance(part.scale, part.signs, part.mean, part.whiten, middle, edge)
    scores = np.max([part.score(validation[kind]) for kind, part in parts.items()], axis=0)
    quantiles = np.quantile(scores, np.linspace(0, 1, _STEPS))
    return Gate(parts, float(np.quantile(scores, PERCENTILE)), quantiles, min(len(rows) for rows in train.values()))


def _with_colour(rows: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Rows by kind, and the colour that stands in those of the appearance."""
    seen = rows.get(APPEARANCE)
    if seen is None or seen.ndim != 2 or seen.shape[1] != LENGTH:
        return rows
    return {**rows, COLOUR: colour_summary(seen)}


def shrunk_covariance(centred: np.ndarray) -> tuple[np.ndarray, float]:
    """The Ledoit-Wolf covariance (d, d) of centred rows (n, d), and how much of it is the multiple of the identity."""
    n, d = centred.shape
    empirical = centred.T @ centred / n
    even = np.trace(empirical) / d
    spread = float(((empirical - even * np.eye(d)) ** 2).sum())
    noise = float(((centred**2).sum(axis=1) ** 2).sum() / n**2 - (empirical**2).sum() / n)
    share = 1.0 if spread <= 0 else min(max(noise, 0.0), spread) / spread
    return (1 - share) * empirical + share * even * np.eye(d), share


def _fitted(rows: np.ndarray, floor: float) -> Distance:
    d = rows.shape[1]
    scale = rows.std(axis=0).astype(np.float32) + floor if floor else np.ones(d, np.float32)
    signs = None
    if d > DIRECTIONS:
        bits = np.unpackbits(np.frombuffer(np.random.default_rng(_SEED).bytes(d * DIRECTIONS // 8), np.uint8))
        signs = bits.reshape(d, DIRECTIONS).astype(np.float32) * 2 - 1
    thrown = _thrown(rows, scale, signs)
    mean = thrown.mean(axis=0)
    covariance, _ = shrunk_covariance(thrown - mean)
    values, vectors = np.linalg.eigh(covariance)
    values = np.maximum(values, max(float(values[-1]) * 1e-7, 1e-12))
    # rounded as the file holds it, so that edges and threshold are of the numbers that will be used
    exact = vectors / np.sqrt(values)
    size = float(np.abs(exact).max())
    whiten = (exact / size).astype(np.float16).astype(np.float64) * size
    return Distance(scale, signs, mean.astype(np.float32), whiten)


def _thrown(rows: np.ndarray, scale: np.ndarray, signs: np.ndarray | None) -> np.ndarray:
    scaled = np.asarray(rows, dtype=np.float64) / scale
    return scaled if signs is None else scaled @ (signs / np.sqrt(signs.shape[1]))


def _part(stored: Mapping[str, np.ndarray], kind: str) -> Distance:
    scale, mean = stored[f"{kind}.scale"], stored[f"{kind}.mean"]
    middle, edge, size = (float(v) for v in stored[f"{kind}.range"])
    whiten = stored[f"{kind}.whiten"].astype(np.float64) * size
    signs = None
    if f"{kind}.signs" in stored:
        bits = np.unpackbits(stored[f"{kind}.signs"], axis=1)[:, : len(mean)]
        signs = bits.astype(np.float32) * 2 - 1
    width = len(scale) if signs is None else signs.shape[1]
    if whiten.shape != (width, width) or mean.shape != (width,) or not edge > middle:
        raise ValueError(
            said(
                "{kind}: shapes {shape}, {shape_2}, range {middle} to {edge}",
                kind=kind,
                shape=whiten.shape,
                shape_2=mean.shape,
                middle=middle,
                edge=edge,
            )
        )
    if signs is not None and len(signs) != len(scale):
        raise ValueError(said("{kind}: {n} rows of signs, {n_2} numbers", kind=kind, n=len(signs), n_2=len(scale)))
    return Distance(scale, signs, mean, whiten, middle, edge)


def scores_bytes(scores: Mapping[str, np.ndarray]) -> bytes:
    """Scores (n,) by split as an `.npz`, for `scores_of`."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{split: np.asarray(values, dtype=np.float64) for split, values in scores.items()})
    return buffer.getvalue()


def scores_of(content: bytes) -> dict[str, np.ndarray]:
    """Scores (n,) by split. Raises ModelDamaged when the file cannot be read."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            return {split: stored[split] for split in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ModelDamaged(said("The scores of the gate cannot be read ({reason}).", reason=error)) from error
