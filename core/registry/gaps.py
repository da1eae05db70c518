"""The words for the check of representativeness: a reference, the score of a part, and the gap between two.

`core/evaluation/representativeness.py` fills them, `core/figures/representativeness.py` shows them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from core.types import Estimate

METRICS = ("auc", "accuracy")
GapKind = Literal["bias", "variance", "data mismatch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A stated figure that training images are held against, in words and by metric; taken as it stands.

    `run_id` is the run that reached it, "" where it is no run of ours.
    """

    words: str
    stated: Mapping[str, float]
    run_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartScore:
    """One part of the data, or the rows of one `source` in it ("": all), with an estimate per metric."""

    split: str
    source: str
    n_images: int
    n_groups: int
    estimates: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """`first` minus `second` of one metric, of independent images; None where one of the two is not defined."""

    kind: GapKind
    metric: str
    value: float | None
    low: float | None
    high: float | None
    n_first: int
    n_second: int
    method: str

    @property
    def told(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Representativeness:
    """The scores of training, validation (all, then by source) and hidden test, and the gaps between them."""

    target: str
    parts: tuple[PartScore, ...]
    gaps: tuple[Gap, ...]
    reference: Reference | None = None

    def part(self, split: str, source: str = "") -> PartScore | None:
        """One of `parts`, None where it is not there."""
        return next((p for p in self.parts if (p.split, p.source) == (split, source)), None)

    def gaps_of(self, metric: str) -> tuple[Gap, ...]:
        """The gaps of one metric that have a value, in the order of the steps."""
        return tuple(gap for gap in self.gaps if gap.metric == metric and gap.value is not None)

    def largest(self, metric: str) -> Gap | None:
        """The step at which most is lost (a gain is below 0); None where no gap of the metric is defined."""
        return max(self.gaps_of(metric), key=lambda gap: gap.value or 0.0, default=None)
