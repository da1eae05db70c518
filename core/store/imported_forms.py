"""Which form a CSV of scores has, and where its columns stand; see `core/store/imported.py` for the forms."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from core import limits
from core.errors import ScoresRefused
from core.language import t, tn
from core.registry.medmnist import MedMnistSet
from core.types import LabelScheme

Form = Literal["named", "medmnist_old", "medmnist"]
Line = tuple[int, list[str]]  # its number in the file, its cells
SHOWN_FAULTS = 10
COMPLEMENT = -1  # in place of a column: one minus the only score of a binary set


@dataclass(slots=True)
class Faults:
    """Faults as they are found: all are counted, the first ones kept."""

    first: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, text: str) -> None:
        self.count += 1
        if len(self.first) < SHOWN_FAULTS:
            self.first.append(text)

    def raise_if_any(self, file_name: str) -> None:
        if self.count:
            summary = tn("{file} is not taken: {n} fault.", "{file} is not taken: {n} faults.", self.count,
                         file=file_name)  # fmt: skip
            raise ScoresRefused(summary, self.first, self.count)


@dataclass(frozen=True, slots=True)
class Columns:
    """Positions of id, truth (none: the known images say it), scores in class order, and of group and split."""

    image_id: int
    truth: tuple[int, ...]
    scores: tuple[int, ...]
    group: int | None = None
    split: int | None = None


def lines_of(data: bytes, faults: Faults) -> Iterator[Line]:
    """(line in the file, cells) of every line that is not empty; what is no CSV at all is one fault."""
    if len(data) > limits.MAX_IMPORT_BYTES:
        faults.add(t("the file has {size} MB; accepted are up to {limit} MB", size=len(data) // 1024**2,
                     limit=limits.MAX_IMPORT_BYTES // 1024**2))  # fmt: skip
        return
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        for number, cells in enumerate((row for row in reader if row), start=1):
            if number > limits.MAX_IMPORT_ROWS:
                faults.add(t("more than {limit} rows", limit=f"{limits.MAX_IMPORT_ROWS:,}"))
                return
            yield reader.line_num, [cell.strip() for cell in cells]
    except UnicodeDecodeError:
        faults.add(t("the file is no text in UTF-8"))
    except csv.Error as error:
        faults.add(t("the file is no CSV ({reason})", reason=error))


def form_of(first: Sequence[str]) -> Form | None:
    """Which form a file has by the cells of its first line, or None when it is none of them."""
    if "image_id" in first:
        return "named"
    if list(first[:2]) == ["id", "true_0"]:
        return "medmnist_old"
    if len(first) >= 2 and all(number_in(cell) is not None for cell in first):
        return "medmnist"
    return None


def columns_of(
    first: Sequence[str], scheme: LabelScheme, of: MedMnistSet | None, faults: Faults, *, truth_known: bool
) -> Columns:
    """Where what stands, by the first line; what is wrong with it goes into `faults`.

    Args:
        of: the MedMNIST set whose labels the scores are of, for files of that form.
        truth_known: the truth is known without the file, so that it need not hold it.
    """
    form = form_of(first)
    if form is None:
        faults.add(_header_wanted(scheme))
        return Columns(0, (), ())
    if form == "named":
        return _named_columns(list(first), scheme, faults, truth_known=truth_known)
    if form == "medmnist_old":
        return _old_columns(list(first), scheme, of, faults)
    return _evaluator_columns(first, scheme, of, faults, truth_known=truth_known)


def _header_wanted(scheme: LabelScheme) -> str:
    truth = [f"y_{name}" for name in scheme.class_names] if scheme.task == "multilabel" else ["y_true"]
    wanted = ",".join(["image_id", *truth, *(f"p_{name}" for name in scheme.class_names)])
    return t("the first line is neither a header nor numbers; expected {header}, or a file of MedMNIST's evaluator",
             header=wanted)  # fmt: skip


def _named_columns(header: list[str], scheme: LabelScheme, faults: Faults, *, truth_known: bool) -> Columns:
    twice = sorted({name for name in header if header.count(name) > 1})
    for name in twice:
        faults.add(t("row 1: the column {name} stands twice", name=name))
    multilabel = scheme.task == "multilabel"
    truths = [f"y_{name}" for name in scheme.class_names] if multilabel else ["y_true"]
    scores = [f"p_{name}" for name in scheme.class_names]
    has_truth = any(name in header for name in truths)
    wanted = [*scores, *(truths if has_truth or not truth_known else ())]
    for name in wanted:
        if name not in header:
            faults.add(t("row 1: the column {name} is missing", name=name))
    for name in header:
        if name.startswith("p_") and name not in scores:
            faults.add(t("row 1: {name} is no class of this task; its classes are {classes}", name=name,
                         classes=", ".join(scheme.class_names)))  # fmt: skip
    if faults.count:
        return Columns(0, (), ())
    return Columns(
        header.index("image_id"), tuple(header.index(name) for name in truths) if has_truth else (),
        tuple(header.index(name) for name in scores), header.index("group") if "group" in header else None,
        header.index("split") if "split" in header else None,
    )  # fmt: skip


def _old_columns(header: list[str], scheme: LabelScheme, of: MedMnistSet | None, faults: Faults) -> Columns:
    truths = [i for i, name in enumerate(header) if name.startswith("true_")]
    scores = [i for i, name in enumerate(header) if name.startswith("score_")]
    order = _label_order(scheme, of, len(scores), faults)
    expected = len(scheme.class_names) if scheme.task == "multilabel" else 1
    if len(truths) != expected:
        faults.add(t("row 1: {n} columns true_0 and so on, expected {expected}", n=len(truths), expected=expected))
    if faults.count:
        return Columns(0, (), ())
    ordered = [truths[i] for i in order] if scheme.task == "multilabel" else truths
    return Columns(0, tuple(ordered), tuple(i if i == COMPLEMENT else scores[i] for i in order))


def _evaluator_columns(
    first: Sequence[str], scheme: LabelScheme, of: MedMnistSet | None, faults: Faults, *, truth_known: bool
) -> Columns:
    if not truth_known:
        faults.add(t("the file holds scores without truth, and neither a stored run nor the data set says it"))
        return Columns(0, (), ())
    order = _label_order(scheme, of, len(first) - 1, faults)
    return Columns(0, (), tuple(i if i == COMPLEMENT else 1 + i for i in order))


def _label_order(scheme: LabelScheme, of: MedMnistSet | None, width: int, faults: Faults) -> list[int]:
    """For each class of the scheme the score column of its label; one column of a binary set is its label 1."""
    if of is None:
        faults.add(t("the file has MedMNIST's form; name the data set medmnist, and which one of its sets"))
        return []
    names = [scheme.mapping.get(label) for label in of.labels]
    if sorted(map(str, names)) != sorted(scheme.class_names):
        faults.add(t("the classes of the task ({classes}) are not the labels of {dataset} ({labels})",
                     classes=", ".join(scheme.class_names), dataset=of.title, labels=", ".join(of.labels)))  # fmt: skip
        return []
    order = [names.index(name) for name in scheme.class_names]
    if width == len(order):
        return order
    if scheme.task == "binary" and width == 1:
        return [COMPLEMENT if index == 0 else 0 for index in order]
    faults.add(t("{n} scores in a row, expected {expected}", n=width, expected=len(order)))
    return []


def number_in(cell: str) -> float | None:
    """The finite number in a cell, or None."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
