"""Training rows as batches whose order and mixing are functions of seed and epoch alone, so that any epoch can be
made again by a process that has seen none of the epochs before it.
"""

from collections.abc import Mapping

import numpy as np

from core.nn.backend import keras

ORDER, MIXING = 1, 2  # streams of random numbers beside each other, from the same seed


class Batches(keras.utils.PyDataset):
    """(inputs, targets, weights) per batch; set `epoch` before each epoch."""

    def __init__(
        self, x: np.ndarray, y: np.ndarray, *, batch_size: int, seed: int, mixup: float = 0.0,
        class_weight: Mapping[int, float] | None = None,
    ) -> None:  # fmt: skip
        """
        Args:
            x: features (n, d), or uint8 images (n, S, S, 3); rows are taken as they are asked for, never all at once.
            y: one-hot or multilabel targets (n, C) float32.
            mixup: alpha of Beta(alpha, alpha); 0 mixes nothing.
            class_weight: class index -> weight of its rows in the loss. A mixture weighs what its parts do, each
                with its share.
        Source: mixup after Zhang et al. 2018, arXiv:1710.09412.
        """
        super().__init__()
        self.x, self.y, self.batch_size, self.seed, self.mixup = x, y, batch_size, seed, mixup
        self.weights = None
        if class_weight:
            per_class = np.array([class_weight.get(c, 1.0) for c in range(y.shape[1])], dtype="float32")
            self.weights = per_class[y.argmax(axis=1)]
        self.epoch = 0
        self._shuffled: tuple[int, np.ndarray] | None = None

    @property
    def num_batches(self) -> int:
        return -(-len(self.x) // self.batch_size)

    def __getitem__(self, index: int):
        rows = self._order()[index * self.batch_size : (index + 1) * self.batch_size]
        x, y = self.x[rows], self.y[rows]
        weights = None if self.weights is None else self.weights[rows]
        if self.mixup:
            x, y, weights = self._mixed(index, x, y, weights)
        return (x, y) if weights is None else (x, y, weights)

    def _order(self) -> np.ndarray:
        known = self._shuffled  # batches are made in a thread of their own: read once, written whole
        if known is None or known[0] != self.epoch:
            rng = np.random.default_rng([self.seed, ORDER, self.epoch])
            known = self._shuffled = (self.epoch, rng.permutation(len(self.x)))
        return known[1]

    def _mixed(self, index: int, x: np.ndarray, y: np.ndarray, weights: np.ndarray | None):
        rng = np.random.default_rng([self.seed, MIXING, self.epoch, index])
        share = rng.beta(self.mixup, self.mixup, len(x)).astype("float32")
        other = rng.permutation(len(x))
        wide = share.reshape(-1, *[1] * (x.ndim - 1))
        x = wide * x + (1 - wide) * x[other]
        y = share[:, None] * y + (1 - share[:, None]) * y[other]
        if weights is not None:
            weights = share * weights + (1 - share) * weights[other]
        return x, y, weights
