"""Several stored runs answer together: the mean of their logits on the same images. Nothing is learnt or chosen.

Source: Lakshminarayanan et al. 2017, arXiv:1612.01474, which takes the mean of probabilities; the mean of logits lets a
member that is sure say more, and is what a mean over views does too.
"""

from typing import TYPE_CHECKING

import numpy as np

from core.errors import SpecInvalid
from core.language import said
from core.store.runs import load_predictions, load_record
from core.types import RunRecord

if TYPE_CHECKING:
    from core.training.runner import Job, Trained

LEAST = 1e-7  # a probability that a head rounds to 0 has no logarithm; float32 knows none smaller beside 1


def answer_together(job: "Job") -> "Trained":
    """The scores of the members of `job.spec`, joined image by image.

    Raises: SpecInvalid for fewer than two members, or one that answers another question or other images; StoreError
        for one that is not stored.
    """
    from core.training.runner import Trained

    members = members_of(job)
    with job.watch.stage("scoring"):
        y_prob = {split: mean_of_members(job, members, split) for split in job.stored_splits}
    return Trained(
        y_prob=y_prob,
        artifacts={},
        params_total=sum(member.params_total for member in members),
        params_trained=sum(member.params_trained for member in members),
        model_bytes=sum(member.model_bytes for member in members),
    )


def members_of(job: "Job") -> list[RunRecord]:
    """The records of the runs that answer together."""
    names = job.spec.members
    if len(set(names)) < 2 or len(set(names)) != len(names):
        raise SpecInvalid(
            said(
                "strategy = 'ensemble' needs two or more different runs as members; here are {found}.",
                found=", ".join(names) or said("none"),
            )
        )
    members = [load_record(name, job.results_folder) for name in names]
    for member in members:
        if member.status != "done":
            raise SpecInvalid(
                said("The member {name} is {status}; train it first.", name=member.run_id, status=member.status)
            )
        if (member.class_names, member.spec.stated_shares) != (job.class_names, job.spec.stated_shares):
            raise SpecInvalid(
                said(
                    "The member {name} has the classes {theirs} at {their_shares} shares; this run has {ours} at "
                    "{our_shares} shares. Members answer one question.",
                    name=member.run_id, theirs=", ".join(member.class_names), ours=", ".join(job.class_names),
                    their_shares=member.spec.stated_shares, our_shares=job.spec.stated_shares,
                )
            )  # fmt: skip
    return members


def mean_of_members(job: "Job", members: list[RunRecord], split: str) -> np.ndarray:
    """Probabilities (n, C) in the order of `job.stored_rows`, each member's taken from the same part of its own run."""
    wanted = job.data.labelled.rows["image_id"].iloc[job.stored_rows(split)].astype(str).tolist()
    found = []
    for member in members:
        scored = load_predictions(member.run_id, split, job.results_folder)
        rows = {image: row for row, image in enumerate(scored.image_ids)}
        missing = [image for image in wanted if image not in rows]
        if missing:
            raise SpecInvalid(
                said(
                    "The member {name} has not scored {n} of the {total} {split} images, among them {image}. Give both "
                    "the same data set, split, split_seed, fold and split_scheme, so that their parts are the same.",
                    name=member.run_id, n=len(missing), total=len(wanted), split=split, image=missing[0],
                )
            )  # fmt: skip
        found.append(scored.y_prob[[rows[image] for image in wanted]])
    return joined(np.stack(found), job.task)


def joined(y_prob: np.ndarray, task: str) -> np.ndarray:
    """Probabilities (n, C) of the mean logits of members (m, n, C)."""
    sure = np.clip(y_prob, LEAST, 1 - LEAST)
    if task == "multilabel":
        odds = np.log(sure / (1 - sure)).mean(axis=0)
        return np.asarray(1 / (1 + np.exp(-odds)))
    raised = np.exp(np.log(sure).mean(axis=0))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
