"""The errors that MedLens raises on purpose.

Every message says what was wrong, what was expected, and what to do. Code outside catches
`MedLensError` and shows its text; anything else is a fault of the program. A message that a page can show is
`said(...)` of `core.language`, so that `str(error)` speaks the language of whoever reads it.

    MedLensError
    ├── UnknownKey            a name that no catalogue has
    ├── SpecInvalid           a run, plan or setting that contradicts itself
    ├── DataError
    │   ├── DatasetInvalid    a data set folder that cannot be used; carries every problem found
    │   ├── ImageRefused      one image that cannot be read, or is over a limit
    │   └── DownloadFailed    a public file that could not be fetched whole; nothing was left behind
    ├── WeightsUnavailable    pretrained weights that are neither here nor to be downloaded
    ├── TrainingFailed        a loss that is no longer a number, or nothing to train on
    ├── PredictionsInvalid    scores that contradict themselves (lengths, NaN, rows that do not sum to 1)
    ├── ScoresRefused         scores from outside that are not taken; carries every fault with its row
    ├── UndefinedMetric       a number that these predictions cannot give (one class only, no positive)
    ├── RequestRefused        an HTTP request that is not answered; carries the status of the reply
    ├── StoreError
    │   ├── RunDamaged        a run folder that is not what it says
    │   └── RunFinished       an attempt to change a finished run
    └── ModelError
        ├── ModelDamaged      a model folder whose files contradict its card
        ├── ModelRefused      a network from outside that is not loaded, or not without being told more
        ├── ExplanationFailed a heat map that this network cannot give
        └── ExportImpossible  a network that ONNX Runtime cannot run; the compiled Keras graph can
"""

from collections.abc import Iterable, Mapping, Sequence

from core.language import said, said_together


class MedLensError(Exception):
    """Root of the tree: catch this to show a message instead of a traceback."""


class UnknownKey(MedLensError):
    """A name that no catalogue has; the message lists the known ones."""


class SpecInvalid(MedLensError):
    """A run, plan or setting that contradicts itself."""


class DataError(MedLensError):
    """Something is wrong with the data that came in."""


class DatasetInvalid(DataError):
    """A data set that cannot be used as it is.

    `problems` holds every problem that was found, one sentence each, so that they are mended in one go.
    """

    def __init__(self, summary: str, problems: Iterable[str] = ()) -> None:
        self.summary = summary
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__(self._text(self.problems[:20]))

    def _text(self, shown: Sequence[str]) -> str:
        rest = len(self.problems) - len(shown)
        more = [said("and {n} more (python -m core data check lists all of them)", n=rest)] if rest > 0 else []
        return said_together("\n  - ", [self.summary, *shown, *more])

    def full_text(self) -> str:
        """The message with every problem, for the command line's report."""
        return str(self._text(self.problems))


class ImageRefused(DataError):
    """One image that cannot be read, or is over a limit of `core.limits`."""


class DownloadFailed(DataError):
    """A public file that could not be fetched whole; the message holds the steps by hand."""


class WeightsUnavailable(MedLensError):
    """Pretrained weights that are neither on this machine nor to be downloaded."""


class TrainingFailed(MedLensError):
    """Training cannot go on: the loss is not finite, or there is nothing to learn from."""


class PredictionsInvalid(MedLensError):
    """Scores that contradict themselves: lengths, NaN, or rows that do not sum to 1."""


class ScoresRefused(MedLensError):
    """Scores from outside that are not taken.

    `problems` holds the first faults, one sentence each with its row; `n_problems` counts all of them.
    """

    def __init__(self, summary: str, problems: Sequence[str] = (), n_problems: int | None = None) -> None:
        self.summary = summary
        self.problems = tuple(problems)
        self.n_problems = len(self.problems) if n_problems is None else n_problems
        rest = self.n_problems - len(self.problems)
        more = [said("and {n:,} more", n=rest)] if rest else []
        super().__init__(said_together("\n  - ", [summary, *self.problems, *more]))


class UndefinedMetric(MedLensError):
    """A number that these predictions cannot give, such as an AUC with one class present."""


class RequestRefused(MedLensError):
    """An HTTP request that is not answered; `status` (4xx or 503) and `headers` go with the sentence."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.headers = dict(headers or {})
        super().__init__(message)


class StoreError(MedLensError):
    """Something is wrong with a stored run."""


class RunDamaged(StoreError):
    """A run folder that is not what it says; others are unaffected."""


class RunFinished(StoreError):
    """An attempt to change a finished run: a run is its spec."""


class ModelError(MedLensError):
    """Something is wrong with a model folder."""


class ModelDamaged(ModelError):
    """A model folder whose files contradict its card."""


class ModelRefused(ModelError):
    """A network from outside that is not loaded; the message names the layer or the entry that is in the way."""


class ExplanationFailed(ModelError):
    """A heat map that this network cannot give."""


class ExportImpossible(ModelError):
    """A network that ONNX Runtime cannot run; the compiled Keras graph can."""
