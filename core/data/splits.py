"""Train, validation and test: by patient (lesion, study), by the source's own parts, or at random.

No group and no identical image may stand in two parts; "random" breaks this on purpose, to teach what
leakage does, and is marked as such wherever it goes.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from core.data.labelling import images_per_class
from core.data.stratify import allocate, units_of
from core.errors import DatasetInvalid, SpecInvalid
from core.language import english, said
from core.tables import SPLITS
from core.types import ClassCounts, DatasetTable, LabelledSet, OverlapAudit, SplitKind

KINDS: tuple[SplitKind, ...] = ("group", "official", "random")
FOLDS = 5
MIN_OFFICIAL_VALIDATION = 50  # Kermany's own validation folder has 16 images: too few to choose anything on
MIN_GROUPS_PER_CLASS = len(SPLITS)  # with fewer, a class cannot stand in every part
PRIORITY = (0, 2, 1)  # a class with one or two groups is learnt first, then tested
SHOWN_EXAMPLES = 10


def default_kind(table: DatasetTable) -> SplitKind:
    """ "official" where the source has its own test part, else "group"."""
    return "official" if bool((table.rows["split"] == "test").any()) else "group"


def assign_splits(
    labelled: LabelledSet,
    kind: SplitKind,
    seed: int,
    *,
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
    fold: int | None = None,
) -> LabelledSet:
    """Give every row a part, stratified by class.

    Args:
        kind: "group": whole groups, together with all images identical to one of theirs; "official": the
            source's test part, and its validation part where that has 50 images, else a share
            `fractions[1] / (fractions[0] + fractions[1])` of the training groups; "random": single images.
        seed: the same table and seed give the same parts, whatever the order of the rows.
        fractions: of images in train, validation and test.
        fold: k of 0 to 4: the test part is the k-th fifth of the groups, validation the next one.
    Returns: a new set, `splits` filled. "official" leaves out training images that are identical to a test
        or validation image, and counts them in `dropped`.
    Raises: SpecInvalid for settings that contradict themselves; DatasetInvalid when there is only one class,
        no official test part, or a class with three or more groups cannot stand in every part.
    """
    _check_settings(kind, fractions, fold)
    if sum(count > 0 for count in images_per_class(labelled).values()) < _classes_needed(labelled):
        raise DatasetInvalid(
            said(
                "{title}: under {key} all {n} images are of one class; there is nothing to tell apart.",
                title=said(labelled.table.spec.title),
                key=repr(labelled.scheme.key),
                n=len(labelled),
            )
        )
    rng = np.random.default_rng(seed)
    if kind == "official":
        done = _official(labelled, fractions, rng)
    else:
        own = labelled.rows["image_id"] if kind == "random" else labelled.rows["group"]
        keys = [own.astype(str).tolist()]
        if kind == "group":
            keys.append(labelled.rows["content_hash"].astype(str).tolist())
        splits = _drawn(labelled, units_of(*keys), fractions, fold, rng)
        done = replace(labelled, splits=splits, split_kind=kind)
    _check_presence(done)
    return done


def parts_of(labelled: LabelledSet, other: LabelledSet) -> LabelledSet:
    """`labelled` in the parts of `other`, the same table under another scheme with its parts drawn.

    Rows that `other` has no part for are left out and counted in `dropped`.
    Raises: DatasetInvalid when a class of `labelled` with enough groups is missing from a part.
    """
    part = dict(zip(other.rows["image_id"], other.splits, strict=True))
    own = labelled.rows["image_id"].map(part)
    kept = _only(replace(labelled, splits=own.fillna("").to_numpy(dtype=object)), np.flatnonzero(own.notna()))
    dropped = dict(labelled.dropped)
    if len(kept) < len(labelled):
        dropped[english(said("no part is drawn for it under {scheme}", scheme=repr(other.scheme.key)))] = len(
            labelled
        ) - len(kept)
    done = replace(kept, split_kind=other.split_kind, dropped=dropped)
    _check_presence(done)
    return done


def class_counts(labelled: LabelledSet) -> tuple[ClassCounts, ...]:
    """Images and groups per part, in the order train, validation, test; one entry "all" before any split."""
    present = [name for name in SPLITS if (labelled.splits == name).any()]
    return tuple(_counts_of(labelled, name, labelled.indices(name)) for name in present) or (
        _counts_of(labelled, "all", np.arange(len(labelled))),
    )


def audit_overlap(labelled: LabelledSet) -> OverlapAudit:
    """Count what stands in several parts: groups, and images with identical content.

    Raises: SpecInvalid when no split was assigned.
    """
    kind = next((k for k in KINDS if k == labelled.split_kind), None)
    if kind is None:
        raise SpecInvalid(said("The overlap audit needs assigned splits; call assign_splits first."))
    groups = _in_several(labelled.rows["group"], labelled.splits)
    images = _in_several(labelled.rows["content_hash"], labelled.splits)
    first_id = labelled.rows.drop_duplicates("content_hash").set_index("content_hash")["image_id"]
    field = labelled.table.spec.group_field
    examples = [f"{field} {g}" for g in groups] + [
        english(said("image {name} and its copies", name=first_id[h])) for h in images
    ]
    return OverlapAudit(
        split_kind=kind,
        group_field=field,
        groups_in_several_splits=len(groups),
        images_in_several_splits=len(images),
        examples=tuple(examples[:SHOWN_EXAMPLES]),
    )


def _check_settings(kind: str, fractions: Sequence[float], fold: int | None) -> None:
    if kind not in KINDS:
        raise SpecInvalid(said("Unknown split {kind}; expected group, official or random.", kind=repr(kind)))
    if len(fractions) != len(SPLITS) or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise SpecInvalid(
            said("Split fractions {fractions} must be three numbers above 0 that sum to 1.", fractions=tuple(fractions))
        )
    if fold is not None and (kind == "official" or not 0 <= fold < FOLDS):
        raise SpecInvalid(
            said(
                "Fold {fold} with split {kind}: folds are 0 to {folds}, of a group or random split.",
                fold=fold,
                kind=repr(kind),
                folds=FOLDS - 1,
            )
        )


def _classes_needed(labelled: LabelledSet) -> int:
    return 1 if labelled.scheme.task == "multilabel" else 2


def _strata(labelled: LabelledSet) -> tuple[np.ndarray, np.ndarray]:
    """One-hot stratum (n, S) and classes (n, C) per row; several labels: the rarest one is the stratum."""
    width = len(labelled.scheme.class_names)
    if labelled.scheme.task != "multilabel":
        one_hot = np.eye(width, dtype=np.int64)[labelled.y_true]
        return one_hot, one_hot
    rarity = np.where(labelled.y_true > 0, labelled.y_true.sum(axis=0), np.iinfo(np.int64).max)
    rarest = np.where(labelled.y_true.any(axis=1), rarity.argmin(axis=1), width)
    return np.eye(width + 1, dtype=np.int64)[rarest], labelled.y_true


def _per_unit(rows: np.ndarray, units: np.ndarray) -> np.ndarray:
    summed = np.zeros((int(units.max()) + 1, rows.shape[1]), dtype=np.int64)
    np.add.at(summed, units, rows)
    return summed


def _drawn(
    labelled: LabelledSet, units: np.ndarray, fractions: Sequence[float], fold: int | None, rng: np.random.Generator
) -> np.ndarray:
    strata, classes = (_per_unit(rows, units) for rows in _strata(labelled))
    if fold is None:
        part = allocate(strata, classes, fractions, rng, PRIORITY)
        names = np.array(SPLITS, dtype=object)
    else:
        part = allocate(strata, classes, [1 / FOLDS] * FOLDS, rng)
        names = np.full(FOLDS, "train", dtype=object)
        names[[fold, (fold + 1) % FOLDS]] = "test", "validation"
    return np.asarray(names[part[units]])


def _official(labelled: LabelledSet, fractions: Sequence[float], rng: np.random.Generator) -> LabelledSet:
    own = labelled.rows["split"].astype(str).to_numpy(dtype=object)
    title = labelled.table.spec.title
    if not (own == "test").any():
        raise DatasetInvalid(said("{title} has no official test part here; use the split 'group'.", title=said(title)))
    if (own == "").any():
        raise DatasetInvalid(
            said(
                "{title}: {n} images belong to none of the source's parts; use 'group'.",
                title=said(title),
                n=(own == "").sum(),
            )
        )
    if (own == "validation").sum() < MIN_OFFICIAL_VALIDATION:
        own = np.where(own == "validation", "train", own)
    hashes = labelled.rows["content_hash"].astype(str).to_numpy(dtype=object)
    # the later part keeps a repeated image: what is tested stays whole, what is learnt gives way
    copy = (own != "test") & np.isin(hashes, hashes[own == "test"])
    copy |= (own == "train") & np.isin(hashes, hashes[own == "validation"])
    kept = _only(labelled, np.flatnonzero(~copy))
    own = own[~copy]
    if not (own == "validation").any():
        pool = np.flatnonzero(own == "train")
        if len(pool) == 0:
            raise DatasetInvalid(
                said("{title}: the source's parts leave no training image; use the split 'group'.", title=said(title))
            )
        part = _only(kept, pool)
        units = units_of(part.rows["group"].astype(str).tolist(), part.rows["content_hash"].astype(str).tolist())
        strata, classes = (_per_unit(rows, units) for rows in _strata(part))
        share = fractions[1] / (fractions[0] + fractions[1])
        drawn = allocate(strata, classes, [1 - share, share], rng)
        own[pool] = np.array(["train", "validation"], dtype=object)[drawn[units]]
    dropped = dict(kept.dropped)
    if copy.any():
        dropped["training image identical to one of the source's test or validation images"] = int(copy.sum())
    return replace(kept, splits=own, split_kind="official", dropped=dropped)


def _only(labelled: LabelledSet, positions: np.ndarray) -> LabelledSet:
    rows = labelled.rows.iloc[positions].reset_index(drop=True)
    return replace(labelled, rows=rows, y_true=labelled.y_true[positions], splits=labelled.splits[positions])


def _check_presence(labelled: LabelledSet) -> None:
    _, classes = _strata(labelled)
    groups = labelled.rows["group"].astype(str).to_numpy(dtype=object)
    problems = []
    for column, name in enumerate(labelled.scheme.class_names):
        has = classes[:, column] > 0
        n_groups = len(set(groups[has]))
        missing = [split for split in SPLITS if not (labelled.splits[has] == split).any()]
        if missing and n_groups >= MIN_GROUPS_PER_CLASS:
            problems.append(
                said(
                    "class {name} ({n} images, {n_groups} groups) is not in: {listed}",
                    name=repr(name),
                    n=has.sum(),
                    n_groups=n_groups,
                    listed=", ".join(missing),
                )
            )
    if problems:
        raise DatasetInvalid(
            said(
                "{title}: the split {split_kind} cannot give every part every class. Groups that share "
                "an identical image stay together. Add images, join classes by another label scheme, or "
                "use another split.",
                title=said(labelled.table.spec.title),
                split_kind=repr(labelled.split_kind),
            ),
            problems,
        )


def _counts_of(labelled: LabelledSet, split: str, positions: np.ndarray) -> ClassCounts:
    return ClassCounts(
        split=split,
        n_images=len(positions),
        n_groups=int(labelled.rows["group"].iloc[positions].nunique()),
        images_per_class=images_per_class(_only(labelled, positions)),
    )


def _in_several(values: pd.Series, splits: np.ndarray) -> list[str]:
    crossing = pd.Series(splits, dtype=object).groupby(values.astype(str).to_numpy(dtype=object)).nunique()
    return sorted(str(v) for v in crossing[crossing > 1].index)
