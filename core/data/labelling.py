"""From raw labels to the classes of a task, by a `LabelScheme` and nothing else.

A row that the scheme leaves out is counted by its reason in `dropped`; none vanishes.
"""

from collections import Counter

import numpy as np

from core.errors import DatasetInvalid
from core.language import said
from core.registry.labels import AS_IS
from core.types import DatasetTable, LabelledSet, LabelScheme

_LEFT_OUT = -1  # "no class left" in a row of class indices


def apply_scheme(table: DatasetTable, scheme: LabelScheme, *, min_per_class: int = 2) -> LabelledSet:
    """The rows of `table` that `scheme` keeps, with their classes.

    Args:
        min_per_class: a class that is present needs this many images; one alone can be learnt from or
            tested on, never both. Scoring a finished model on few images may pass 1.
    Returns: a `LabelledSet` whose rows are renumbered from 0, in table order; `splits` is "" everywhere.
    Raises: DatasetInvalid when a label is unknown to the scheme, several labels meet "as_is", a class has too
        few images, or no row is left; all such problems at once.
    """
    raw = table.rows["label"].astype(str)
    problems = _label_problems(table, scheme, sorted(raw.unique()))
    if problems:
        raise DatasetInvalid(
            said(
                "{title}: the label scheme {key} does not fit these labels.",
                title=said(table.spec.title),
                key=repr(scheme.key),
            ),
            problems,
        )
    classes = {label: _classes_of(label, scheme) for label in raw.unique()}
    if scheme.task == "multilabel":
        keep, y_true = _multilabel(raw.tolist(), classes, len(scheme.class_names))
    else:
        keep, y_true = _single_label(raw.tolist(), classes)
    dropped = Counter(
        said("label {label} has no class in {key}", label=repr(label), key=repr(scheme.key))
        for label, kept in zip(raw, keep, strict=True)
        if not kept
    )
    labelled = LabelledSet(
        table=table,
        scheme=scheme,
        rows=table.rows[keep].reset_index(drop=True),
        y_true=y_true,
        splits=np.full(int(keep.sum()), "", dtype=object),
        dropped=dict(sorted(dropped.items())),
    )
    _check_counts(labelled, min_per_class)
    return labelled


def images_per_class(labelled: LabelledSet) -> dict[str, int]:
    """Images of each class of the scheme, in class order; multilabel images count for each of their classes."""
    names = labelled.scheme.class_names
    if labelled.scheme.task == "multilabel":
        counts = labelled.y_true.sum(axis=0)
    else:
        counts = np.bincount(labelled.y_true, minlength=len(names))
    return {name: int(count) for name, count in zip(names, counts, strict=True)}


def _label_problems(table: DatasetTable, scheme: LabelScheme, labels: list[str]) -> list[str]:
    problems = []
    for label in labels:
        tokens = label.split("|")
        unknown = [t for t in tokens if t not in scheme.mapping]
        problems += [
            said("unknown label {token}; the scheme knows {listed}", token=repr(t), listed=", ".join(scheme.mapping))
            for t in unknown
        ]
        if scheme.key == AS_IS and len(tokens) > 1:
            problems.append(
                said(
                    "{label} holds several labels; {as_is} needs one per image: name a scheme of their own",
                    label=repr(label),
                    as_is=repr(AS_IS),
                )
            )
    fitting = [key for key in table.spec.label_schemes if key != scheme.key]
    if problems and fitting:
        problems.append(said("schemes made for this data set: {listed}", listed=", ".join(fitting)))
    return problems


def _classes_of(label: str, scheme: LabelScheme) -> frozenset[int] | None:
    """Class indices of a raw label; None when every token is passed over."""
    targets = [scheme.mapping[token] for token in label.split("|")]
    if all(target is None for target in targets):
        return None
    return frozenset(scheme.class_names.index(target) for target in targets if target)


def _multilabel(
    labels: list[str], classes: dict[str, frozenset[int] | None], width: int
) -> tuple[np.ndarray, np.ndarray]:
    keep = np.array([classes[label] is not None for label in labels], dtype=bool)
    y_true = np.zeros((int(keep.sum()), width), dtype=np.int64)
    for position, found in enumerate(f for label in labels if (f := classes[label]) is not None):
        y_true[position, list(found)] = 1
    return keep, y_true


def _single_label(labels: list[str], classes: dict[str, frozenset[int] | None]) -> tuple[np.ndarray, np.ndarray]:
    # the last class in order wins: a finding outweighs its absence
    index = {label: max(found, default=_LEFT_OUT) if found else _LEFT_OUT for label, found in classes.items()}
    y_all = np.array([index[label] for label in labels], dtype=np.int64)
    keep = y_all != _LEFT_OUT
    return keep, y_all[keep]


def _check_counts(labelled: LabelledSet, min_per_class: int) -> None:
    title, key = labelled.table.spec.title, labelled.scheme.key
    if len(labelled) == 0:
        raise DatasetInvalid(
            said("{title}: no image is left under the label scheme {key}.", title=said(title), key=repr(key)),
            labelled.dropped,
        )
    problems = []
    for name, count in images_per_class(labelled).items():
        if 0 < count < min_per_class:
            ids = labelled.rows["image_id"][_rows_of(labelled, name)].tolist()
            problems.append(
                said(
                    "class {name} has {count} image ({listed}), needed are {min_per_class}",
                    name=repr(name),
                    count=count,
                    listed=", ".join(ids),
                    min_per_class=min_per_class,
                )
            )
    if problems:
        raise DatasetInvalid(
            said(
                "{title}: classes of the label scheme {key} have too few images to train and test on; "
                "add images or choose a scheme that joins classes.",
                title=said(title),
                key=repr(key),
            ),
            problems,
        )


def _rows_of(labelled: LabelledSet, name: str) -> np.ndarray:
    column = labelled.scheme.class_names.index(name)
    if labelled.scheme.task == "multilabel":
        return np.flatnonzero(labelled.y_true[:, column])
    return np.flatnonzero(labelled.y_true == column)
