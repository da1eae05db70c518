"""The words for published figures: a source, a printed number, what it is compared with, and what came of it.

The facts stand in `published.py` and published.csv; `core/evaluation/published.py` fills the rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from core.types import Estimate, RunRecord

Verdict = Literal["ahead", "level", "behind", "no run yet", "not compared"]
VERDICTS: tuple[Verdict, ...] = ("ahead", "level", "behind", "no run yet", "not compared")
COMPARED: tuple[Verdict, ...] = ("ahead", "level", "behind")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSource:
    """A published work. `split` says how its test part came about, as far as it says so."""

    key: str
    title: str
    citation: str
    split: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Our runs that a figure is compared with: a data set, a task, and one class where the figure is of one.

    `class_names` must be those of the run (MedMNIST: one key, many sets); empty takes any.
    `differs` holds what is not alike in whatever run, `unless_official` what only a run on the official test part
    shares; the rest is found out from the run itself. `share` is (class of ours, its share of their images) where the
    source states it. `metric` is ours where it is not that of the figure: a class at its own cut.
    `split` is the part of ours that the figure is held against: "test", or "validation" where theirs is the validation
    of a union, which no test part of ours is like. `outside` is the other data set in a union of theirs.
    """

    dataset: str
    label_scheme: str
    class_name: str | None = None
    class_names: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    unless_official: tuple[str, ...] = ()
    share: tuple[str, float] | None = None
    split: str = "test"
    outside: str = ""
    metric: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFigure:
    """One printed number. `metric` is a key of ours, "" where there is none; `metric_words` is the source's own name.

    `n_images` counts the images it was measured on, `total_images` all of them, where the source says so.
    `input_px` is what their network took. `targets` come nearest first; without one, `reason` says why.
    `cut_of` holds, for a cut, the classes whose cuts of ours are told beside it.
    """

    key: str
    source: str
    dataset_words: str
    task_words: str
    model: str
    metric_words: str
    value: float
    evaluated_on: str
    n_images: int | None
    note: str
    metric: str = ""
    targets: tuple[Target, ...] = ()
    reason: str = ""
    total_images: int | None = None
    input_px: int | None = None
    cut_of: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRow:
    """One published figure and what we have beside it.

    `estimate` is of the target's `split` of `run`, nearly always the test part; both are None without a run. `differs`
    says what is not alike (empty: like for like, or no run). `turns` are the runs of one recipe whose mean `estimate`
    is, `run` the first of them; `candidates` counts the recipes that it was chosen from, by `chosen_by` on validation.
    """

    figure: PublishedFigure
    verdict: Verdict
    reason: str
    run: RunRecord | None = None
    estimate: Estimate | None = None
    split_kind: str = ""
    differs: tuple[str, ...] = ()
    candidates: int = 0
    chosen_by: str = ""
    turns: tuple[RunRecord, ...] = ()

    @property
    def like_for_like(self) -> bool:
        """Whether a run stands beside the figure and nothing is known to differ."""
        return self.run is not None and not self.differs


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSummary:
    """How many figures there are of each verdict, and how many of the compared ones are not like for like."""

    total: int
    by_verdict: Mapping[Verdict, int]
    unfair: int

    @property
    def compared(self) -> int:
        """Figures that a run of ours stands beside."""
        return sum(self.by_verdict[verdict] for verdict in COMPARED)
