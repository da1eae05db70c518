"""Scores from outside, as a CSV: read, checked row by row, and made `Predictions`; all faults are told at once.

Three forms:

    image_id,y_true,p_<class>,…     a header; `group` and `split` may stand beside them, `y_true` is a class or its
                                    index; several labels per image: `y_<class>` columns in its place
    id,true_0,…,score_0,…           what MedMNIST's package wrote before version 2
    0,0.125,0.875                   what its `Evaluator` writes: no header, the image's index, one score per label

A row counts by its line in the file. Nothing is guessed: a file that leaves open what it means is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.language import t, tn
from core.registry.medmnist import MedMnistSet
from core.store.imported_forms import COMPLEMENT, Columns, Faults, Form, columns_of, form_of, lines_of, number_in
from core.tables import SUM_TOLERANCE
from core.types import LabelScheme, Predictions

ROUNDED_SUM = 0.005  # scores written with three decimals: their sum is off by half a thousandth per class
SPLITS = ("validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownImages:
    """The images that the scores must be of: ids, groups and truth (n,) or (n, C), and who says so."""

    source: str
    image_ids: np.ndarray
    groups: np.ndarray
    y_true: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImportedScores:
    """The checked predictions by split, and how many rows were scaled to a sum of exactly 1."""

    parts: Mapping[str, Predictions]
    n_rescaled: int


@dataclass(slots=True)
class _Rows:
    """What the rows hold, split by split."""

    ids: dict[str, list[str]] = field(default_factory=lambda: {s: [] for s in SPLITS})
    groups: dict[str, list[str]] = field(default_factory=lambda: {s: [] for s in SPLITS})
    truth: dict[str, list[list[int]]] = field(default_factory=lambda: {s: [] for s in SPLITS})
    scores: dict[str, list[list[float]]] = field(default_factory=lambda: {s: [] for s in SPLITS})
    seen: dict[str, int] = field(default_factory=dict)
    rescaled: int = 0


def read_scores(
    data: bytes,
    scheme: LabelScheme,
    file_name: str,
    *,
    split: str = "test",
    medmnist: MedMnistSet | None = None,
    known: Mapping[str, KnownImages] | None = None,
) -> ImportedScores:
    """The predictions in a file, once nothing is wrong with it.

    Args:
        scheme: the classes, and their order in what comes back. split: of rows that do not say theirs.
        medmnist: the set that a file of MedMNIST's forms is of; its labels give the order of the scores.
        known: images of a split as a stored run or the data have them: every one needs a row, no other may have one,
            and truth must agree. A split without an entry is taken as it is, and needs its truth in the file.
    Raises: ScoresRefused with the first ten faults and their rows.
    """  # fmt: skip
    known = known or {}
    faults = Faults()
    lines = list(lines_of(data, faults))
    faults.raise_if_any(file_name)
    first = lines[0][1] if lines else []
    form = form_of(first)
    columns = columns_of(first, scheme, medmnist, faults, truth_known=split in known)
    faults.raise_if_any(file_name)
    rows, labels = _Rows(), medmnist if form != "named" else None
    for number, cells in lines if form == "medmnist" else lines[1:]:
        _take(rows, number, cells, columns, scheme, split, form, faults, labels)
    for name in SPLITS:
        if name in known and (rows.ids[name] or name == split):
            _check_against(rows, name, known[name], scheme, bool(columns.truth), faults)
    if not rows.ids[split] and not faults.count:
        faults.add(t("no row is of the {split} part", split=t(split)))
    faults.raise_if_any(file_name)
    parts = {name: _predictions(rows, name, scheme, known.get(name)) for name in SPLITS if rows.ids[name]}
    return ImportedScores(parts=parts, n_rescaled=rows.rescaled)


def ids_in(data: bytes) -> list[str]:
    """The image ids of a file with a header, in order; [] for other forms, or what is no CSV."""
    lines = list(lines_of(data, Faults()))
    header = lines[0][1] if lines else []
    if "image_id" not in header:
        return []
    at = header.index("image_id")
    return [cells[at] for _, cells in lines[1:] if len(cells) > at]


def first_line(data: bytes) -> list[str]:
    """The cells of the first line, [] where there is none."""
    return next(lines_of(data, Faults()), (0, []))[1]


def _take(
    rows: _Rows, number: int, cells: list[str], columns: Columns, scheme: LabelScheme, default_split: str,
    form: Form | None, faults: Faults, of: MedMnistSet | None,
) -> None:  # fmt: skip
    """One row into `rows`, or its fault into `faults`."""
    needed = max([columns.image_id, *columns.truth, *columns.scores])
    if len(cells) <= needed:
        faults.add(t("row {row}: {n} cells, expected {expected}", row=number, n=len(cells), expected=needed + 1))
        return
    split = cells[columns.split] if columns.split is not None and len(cells) > columns.split else default_split
    if split not in SPLITS:
        if split != "train":  # our own predictions.csv may hold training images; they are not judged
            faults.add(t("row {row}: the split {split} is none of validation and test", row=number, split=repr(split)))
        return
    image_id = _image_id(cells[columns.image_id], form, split)
    if image_id is None:
        faults.add(t("row {row}: {cell} is no image id", row=number, cell=repr(cells[columns.image_id])))
        return
    if image_id in rows.seen:
        faults.add(t("row {row}: {image} stands in row {other} already", row=number, image=image_id,
                     other=rows.seen[image_id]))  # fmt: skip
        return
    rows.seen[image_id] = number
    scores = _scores(rows, number, cells, columns, scheme, faults)
    truth = _truth(number, cells, columns, scheme, faults, of)
    if scores is None or truth is None:
        return
    rows.ids[split].append(image_id)
    group = cells[columns.group] if columns.group is not None and len(cells) > columns.group else ""
    rows.groups[split].append(group or image_id)
    rows.truth[split].append(truth)
    rows.scores[split].append(scores)


def _image_id(cell: str, form: Form | None, split: str) -> str | None:
    if form == "named":
        return cell or None
    index = number_in(cell)
    if index is None or index < 0 or not index.is_integer():
        return None
    return f"{'val' if split == 'validation' else split}-{int(index)}"  # as core/data/readers/medmnist.py names them


def _scores(
    rows: _Rows, number: int, cells: list[str], columns: Columns, scheme: LabelScheme, faults: Faults
) -> list[float] | None:
    found: list[float] = []
    complement = None
    for position, column in enumerate(columns.scores):
        if column == COMPLEMENT:
            complement = position
            found.append(0.0)
            continue
        value = number_in(cells[column])
        if value is None or not -SUM_TOLERANCE <= value <= 1 + SUM_TOLERANCE:
            faults.add(t("row {row}: {cell} is no probability of {name}; expected a number from 0 to 1", row=number,
                         cell=repr(cells[column]), name=scheme.class_names[position]))  # fmt: skip
            return None
        found.append(min(1.0, max(0.0, value)))
    if complement is not None:
        found[complement] = 1.0 - sum(found)
    if scheme.task == "multilabel":
        return found
    total = sum(found)
    if abs(total - 1) > ROUNDED_SUM * max(1, len(found) / 10):
        faults.add(t("row {row}: the probabilities sum to {total}, expected 1", row=number, total=f"{total:.4f}"))
        return None
    if abs(total - 1) > SUM_TOLERANCE / 10:
        rows.rescaled += 1
        found = [value / total for value in found]
    return found


def _truth(
    number: int, cells: list[str], columns: Columns, scheme: LabelScheme, faults: Faults, of: MedMnistSet | None
) -> list[int] | None:
    """The truth of one row, [] where the known images say it, None after a fault."""
    found = []
    for position, column in enumerate(columns.truth):
        cell = cells[column]
        value = number_in(cell)
        if scheme.task == "multilabel":
            if value not in (0.0, 1.0):
                faults.add(t("row {row}: {cell} says neither 0 nor 1 for {name}", row=number, cell=repr(cell),
                             name=scheme.class_names[position]))  # fmt: skip
                return None
            found.append(int(value))
            continue
        index = _class_index(cell, value, scheme, of)
        if index is None:
            faults.add(t("row {row}: {cell} is no class; expected 0 to {last}, or one of {classes}", row=number,
                         cell=repr(cell), last=len(scheme.class_names) - 1,
                         classes=", ".join(scheme.class_names)))  # fmt: skip
            return None
        found.append(index)
    return found


def _class_index(cell: str, value: float | None, scheme: LabelScheme, of: MedMnistSet | None) -> int | None:
    """The class that a cell names; in MedMNIST's own files a number is one of its labels, whose order may differ."""
    if cell in scheme.class_names:
        return scheme.class_names.index(cell)
    if value is None or not value.is_integer() or not 0 <= value < len(scheme.class_names):
        return None
    if of is not None:
        return scheme.class_names.index(str(scheme.mapping[of.labels[int(value)]]))
    return int(value)


def _check_against(
    rows: _Rows, split: str, known: KnownImages, scheme: LabelScheme, has_truth: bool, faults: Faults
) -> None:
    """Unknown ids, ids without a row, and truth that differs, against what is known of a split."""
    truth = {str(image): row for image, row in zip(known.image_ids, known.y_true, strict=True)}
    for position, image in enumerate(rows.ids[split]):
        number = rows.seen[image]
        if image not in truth:
            faults.add(t("row {row}: {image} is not among the {n} {split} images of {source}", row=number, image=image,
                         n=f"{len(truth):,}", split=t(split), source=known.source))  # fmt: skip
        elif has_truth and rows.truth[split][position] != np.atleast_1d(truth[image]).tolist():
            faults.add(t("row {row}: the truth of {image} is {stated} here and {known} in {source}", row=number,
                         image=image, stated=_named(rows.truth[split][position], scheme),
                         known=_named(np.atleast_1d(truth[image]).tolist(), scheme), source=known.source))  # fmt: skip
    missing = [image for image in truth if image not in rows.seen]
    if missing:
        some = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        faults.add(tn("{n} {split} image of {source} has no row: {images}",
                      "{n} {split} images of {source} have no row: {images}", len(missing), split=t(split),
                      source=known.source, images=some))  # fmt: skip


def _named(truth: Sequence[int], scheme: LabelScheme) -> str:
    if scheme.task == "multilabel":
        return " + ".join(n for n, v in zip(scheme.class_names, truth, strict=True) if v) or "–"
    return scheme.class_names[truth[0]]


def _predictions(rows: _Rows, split: str, scheme: LabelScheme, known: KnownImages | None) -> Predictions:
    ids = rows.ids[split]
    if known is not None:
        order = {str(image): position for position, image in enumerate(known.image_ids)}
        at = [order[image] for image in ids]
        groups, truth = known.groups[at].astype(str), np.asarray(known.y_true)[at].astype(np.int64)
    else:
        groups = np.array(rows.groups[split], dtype=object)
        truth = np.array(rows.truth[split], dtype=np.int64)
        truth = truth if scheme.task == "multilabel" else truth[:, 0]
    return Predictions(
        run_id="imported", split=split, task=scheme.task, class_names=scheme.class_names,
        positive_class=scheme.positive_class if scheme.task == "binary" else None,
        image_ids=np.array(ids, dtype=object), groups=groups, y_true=truth,
        y_prob=np.array(rows.scores[split], dtype=np.float64),
    )  # fmt: skip
