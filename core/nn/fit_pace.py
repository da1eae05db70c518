"""When to slow down, which epoch was best, and when to stop: plain numbers that are stored and taken up again.

Every decision rests on the validation loss alone.
"""

import math
from dataclasses import dataclass

FALL = 0.5  # of the rate on a plateau
SMALLEST_RATE = 1e-6
SMALLEST_GAIN = 1e-4  # of the loss, for a plateau to have ended; to be the best epoch any gain is enough


@dataclass(slots=True)
class Pace:
    """Where a training stands after `epoch` epochs; `best_epoch` 0: none yet. `ended` says why it is over."""

    rate: float
    epoch: int = 0
    best_epoch: int = 0
    best_loss: float = math.inf
    plateau_loss: float = math.inf
    plateau_epochs: int = 0
    ended: str = ""

    def after(self, loss: float, *, patience: int, falls: bool, epochs: int) -> bool:
        """Take in the validation loss of one more epoch; whether it is the best so far.

        Args:
            patience: epochs without a better loss that end the training; a third of it (at least 2) lowers the rate.
            falls: whether the rate falls on a plateau.
            epochs: the last epoch of all.
        """
        self.epoch += 1
        better = loss < self.best_loss
        if better:
            self.best_loss, self.best_epoch = loss, self.epoch
        if falls:
            self._fall(loss, max(2, patience // 3))
        if not better and self.epoch - self.best_epoch >= patience:
            self.ended = f"no better epoch in {patience}"
        elif self.epoch >= epochs:
            self.ended = "all epochs done"
        return better

    def _fall(self, loss: float, patience: int) -> None:
        if loss < self.plateau_loss - SMALLEST_GAIN:
            self.plateau_loss, self.plateau_epochs = loss, 0
            return
        self.plateau_epochs += 1
        if self.plateau_epochs >= patience:
            self.plateau_epochs = 0
            if self.rate > SMALLEST_RATE:
                self.rate = max(SMALLEST_RATE, self.rate * FALL)
