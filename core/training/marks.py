"""Which images of a data set a shipped model's heat maps can be held against, of which class, and their marks.

The class is what the truth says. Where a data set's labels are not the model's classes, its marks are taken as the
finding that the model knows; which class counts as the absence of one is never guessed, see `ABSENT`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from core.data.labelling import apply_scheme
from core.errors import DatasetInvalid, SpecInvalid
from core.training.shipped import chosen_rows, matching_scheme
from core.types import DatasetTable, LabelScheme, ModelCard

ABSENT = frozenset({"normal", "negative", "none", "no finding", "no nodule"})  # classes without anything to point at
Box = tuple[float, float, float, float]
Truth = Literal["boxes", "masks", "none"]


@dataclass(frozen=True, slots=True)
class MarkedImage:
    """One image and the mark that belongs to `classes`: indices of the model's classes, of which the likelier counts.

    `boxes` are (x, y, width, height) in fractions; both marks are empty where the data set has none.
    """

    path: str
    group: str
    content_hash: str
    classes: tuple[int, ...]
    boxes: tuple[Box, ...]
    mask_path: str


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to be measured: images with what they are held against, the rule in words, and what was left out."""

    images: tuple[MarkedImage, ...]
    truth: Truth
    class_rule: str
    n_unmarked: int


def marked_images(
    card: ModelCard, table: DatasetTable, split: str, *, classes: Sequence[str] = (), label_map: Sequence[str] = ()
) -> Selection:
    """The images of `split` whose truth is a finding that the model knows, with its mark.

    Args:
        classes: names of the model's classes whose maps are taken on every image with a mark; () leaves it to the
            labels, or, where these are not the model's classes, to all its classes that are a finding.
    Returns: without any mark in the data set, truth "none" and every image of the findings.
    Raises: DatasetInvalid when no image is left; SpecInvalid when it is not clear which class to look at.
    """
    scheme = matching_scheme(card, table.spec, label_map)
    truth = _truth_of(table)
    if scheme is not None:
        labelled = apply_scheme(table, scheme, min_per_class=1)
        rows = chosen_rows(card, labelled, split)
        frame, y_true = labelled.rows.iloc[rows], labelled.y_true[rows]
    else:
        frame, y_true = _unlabelled_rows(card, table, split), None
    if classes or scheme is None or y_true is None:
        indices = _named(card, classes) if classes else _findings(card, forced=True)
        images, n_unmarked = _of_every_row(frame, indices, truth), 0
        rule = f"{_spoken([card.class_names[i] for i in indices])}, on every image" + (
            " with a mark" if truth != "none" else ""
        )
    else:
        images, n_unmarked = _by_label(card, frame, y_true, scheme, truth)
        rule = (
            f"{card.positive_class}, on images that show it"
            if card.task == "binary"
            else "the class that the image has, where that is a finding"
        )
    if not images:
        raise DatasetInvalid(
            f"{table.spec.title} ({split}) has no image of a finding with a mark: nothing can be measured. "
            "Look at `python -m core data check`, or take --split all."
        )
    return Selection(tuple(images), truth, rule, n_unmarked)


def _truth_of(table: DatasetTable) -> Truth:
    rows = table.rows
    if "mask_path" in rows.columns and (rows["mask_path"].astype(str) != "").any():
        return "masks"
    return "boxes" if "boxes" in rows.columns and (rows["boxes"].map(len) > 0).any() else "none"


def _unlabelled_rows(card: ModelCard, table: DatasetTable, split: str) -> pd.DataFrame:
    if split == "all":
        return table.rows
    official = table.rows[table.rows["split"] == "test"]
    if official.empty:
        raise SpecInvalid(
            f"{table.spec.title} has no test part here, and {card.name} was not trained on it: use --split all."
        )
    return official


def _named(card: ModelCard, classes: Sequence[str]) -> tuple[int, ...]:
    unknown = [name for name in classes if name not in card.class_names]
    if unknown:
        raise SpecInvalid(f"{card.name} has no class {unknown[0]!r}; expected {', '.join(card.class_names)}.")
    return tuple(card.class_names.index(name) for name in dict.fromkeys(classes))


def _findings(card: ModelCard, *, forced: bool) -> tuple[int, ...]:
    """Classes that something can be pointed at for; `forced`: there must be one that is none, or the choice is open."""
    if card.task == "binary":
        return (card.class_names.index(str(card.positive_class)),)
    found = tuple(i for i, name in enumerate(card.class_names) if name.casefold() not in ABSENT)
    if forced and len(found) == len(card.class_names):
        raise SpecInvalid(
            f"The data set's labels are not the classes of {card.name} ({', '.join(card.class_names)}), so it is not "
            "known whose heat map to take. Say it with --class NAME (repeatable), or with --map 'RAW=CLASS'."
        )
    return found


def _spoken(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"the likelier of {', '.join(names[:-1])} and {names[-1]}"


def _of_every_row(frame: pd.DataFrame, indices: tuple[int, ...], truth: Truth) -> list[MarkedImage]:
    images = [_image(row, indices, tuple(row.get("boxes", ()))) for row in frame.to_dict("records")]
    return [image for image in images if _is_marked(image, truth)]


def _by_label(
    card: ModelCard, frame: pd.DataFrame, y_true: np.ndarray, scheme: LabelScheme, truth: Truth
) -> tuple[list[MarkedImage], int]:
    """Each image once for every finding that it shows, with the marks of that finding; and how many have none."""
    findings = _findings(card, forced=False)
    kinds = {kind for kinds in frame["box_labels"] for kind in kinds} if "box_labels" in frame.columns else set()
    images = []
    for row, truth_of_row in zip(frame.to_dict("records"), y_true, strict=True):
        shown = np.flatnonzero(truth_of_row) if card.task == "multilabel" else (truth_of_row,)
        for index in (int(i) for i in shown if i in findings):
            images.append(_image(row, (index,), _boxes_of(row, card.class_names[index], scheme, kinds)))
    marked = [image for image in images if _is_marked(image, truth)]
    return marked, len(images) - len(marked)


def _boxes_of(row: dict, class_name: str, scheme: LabelScheme, kinds: set[str]) -> tuple[Box, ...]:
    """The boxes of one class. Where boxes have labels of their own, those that the scheme makes this class; where no
    box of the data set has such a label, those that the scheme gives to no class either."""
    boxes = tuple(row.get("boxes", ()))
    if "box_labels" not in row:
        return boxes
    direct = any(scheme.mapping.get(kind) == class_name for kind in kinds)
    return tuple(
        box
        for box, kind in zip(boxes, row["box_labels"], strict=True)
        if (scheme.mapping.get(kind) == class_name if direct else kind not in scheme.mapping)
    )


def _image(row: dict, classes: tuple[int, ...], boxes: tuple[Box, ...]) -> MarkedImage:
    return MarkedImage(
        path=str(row["path"]), group=str(row["group"]), content_hash=str(row["content_hash"]), classes=classes,
        boxes=boxes, mask_path=str(row.get("mask_path", "")),
    )  # fmt: skip


def _is_marked(image: MarkedImage, truth: Truth) -> bool:
    return truth == "none" or bool(image.mask_path if truth == "masks" else image.boxes)
