"""Learning curves: train on a share of the training groups, and tune and test on the same images as ever.

A larger share holds all that a smaller one holds, so that a curve over shares adds patients and exchanges none.
"""

import hashlib
import math
from dataclasses import replace

import numpy as np

from core.errors import DatasetInvalid, SpecInvalid
from core.language import english, said
from core.types import LabelledSet


def fewer_training_groups(labelled: LabelledSet, share: float, seed: int) -> LabelledSet:
    """`labelled` without the training images of all but a `share` of the training groups; the rest as it was.

    Args:
        labelled: with splits assigned.
        share: above 0 and up to 1, of the groups; rounded up to whole groups.
        seed: another draw of the groups.
    Returns: a new set; what was left out is counted in `dropped`.
    Raises: SpecInvalid for another share; DatasetInvalid when a class is left without a training image.
    """
    if not 0 < share <= 1:
        raise SpecInvalid(said("train_share = {share}; expected a number above 0 and up to 1.", share=repr(share)))
    if share == 1:
        return labelled
    groups = labelled.rows["group"].astype(str).to_numpy(dtype=object)
    training = labelled.splits == "train"
    drawn = sorted(set(groups[training]), key=lambda group: (_draw(group, seed), group))
    kept = set(drawn[: math.ceil(share * len(drawn))])
    stays = ~training | np.array([group in kept for group in groups])
    positions = np.flatnonzero(stays)
    fewer = replace(
        labelled,
        rows=labelled.rows.iloc[positions].reset_index(drop=True),
        y_true=labelled.y_true[positions],
        splits=labelled.splits[positions],
        dropped={
            **labelled.dropped,
            english(said("training on {share} of the groups", share=f"{share:g}")): int((~stays).sum()),
        },
    )
    _refuse_lost_classes(labelled, fewer, share)
    return fewer


def _refuse_lost_classes(whole: LabelledSet, fewer: LabelledSet, share: float) -> None:
    before, after = (_shown(labelled) for labelled in (whole, fewer))
    lost = [name for name, had, has in zip(whole.scheme.class_names, before, after, strict=True) if had and not has]
    if lost:
        raise DatasetInvalid(
            said(
                "{title}: with {share:g} of the training groups no training image shows {listed}. Use a "
                "larger train_share.",
                title=said(whole.table.spec.title),
                share=share,
                listed=", ".join(map(repr, lost)),
            )
        )


def _shown(labelled: LabelledSet) -> list[bool]:
    """For each class: does a training image show it?"""
    truth = labelled.y_true[labelled.splits == "train"]
    if truth.ndim == 2:
        return [bool(truth[:, column].any()) for column in range(truth.shape[1])]
    return [bool((truth == index).any()) for index in range(len(labelled.scheme.class_names))]


def _draw(group: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}\x1f{group}".encode(), digest_size=8).digest()
