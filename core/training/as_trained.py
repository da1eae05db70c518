"""A network that is trained already, asked otherwise: from more views, or at other shares of the classes."""

from typing import TYPE_CHECKING

import numpy as np

from core.errors import SpecInvalid
from core.language import said
from core.store.runs import load_record
from core.training.whole import images_of, scored
from core.types import RunRecord

if TYPE_CHECKING:
    from core.training.runner import Job, Trained


def answer_as_trained(job: "Job") -> "Trained":
    """The scores of the network of `job.spec.weights`; nothing is learnt.

    Its probabilities are stated at the class shares of this run's training part, or at equal ones.
    Raises: SpecInvalid when the network answers another question or takes other pictures; WeightsUnavailable.
    """
    from core.nn.backbones import network_file
    from core.nn.heads import set_priors
    from core.nn.saving import model_from_bytes
    from core.training.runner import Trained

    base = base_of(job)
    model = model_from_bytes(network_file(job.spec.weights).read_bytes())
    set_priors(model, job.prior_factors(learnt_with(base), weighted=base.spec.stated_shares == "equal"))
    images, _ = images_of(job)
    y_prob, artifacts = scored(job, model, images)
    return Trained(
        y_prob=y_prob, exportable=True, artifacts=artifacts, params_total=int(model.count_params()), params_trained=0,
        model_bytes=sum(map(len, artifacts.values())),  # the whole network is among them
    )  # fmt: skip


def base_of(job: "Job") -> RunRecord:
    """The record of the run whose network answers. Raises SpecInvalid unless it fits this run's question."""
    spec = job.spec
    kind, _, name = spec.weights.partition(":")
    if kind != "run" or not name:
        raise SpecInvalid(
            said(
                "strategy = 'as_trained' takes the network of a stored run: weights = 'run:<run_id>', not {weights}.",
                weights=repr(spec.weights),
            )
        )
    base = load_record(name, job.results_folder)
    for field, ours, theirs in (
        ("classes", job.class_names, base.class_names),
        ("architecture", spec.architecture, base.spec.architecture),
        ("head", spec.head, base.spec.head),
        ("preprocess", spec.preprocess, base.spec.preprocess),
    ):
        if ours != theirs:
            raise SpecInvalid(
                said(
                    "strategy = 'as_trained': {field} is {ours}, and the network of {name} has {theirs}. Give both "
                    "the same: nothing is trained anew.",
                    field=field, ours=repr(ours), name=name, theirs=repr(theirs),
                )
            )  # fmt: skip
    return base


def learnt_with(base: RunRecord) -> np.ndarray:
    """The classes (n,) of a run's training part, as its record counts them."""
    counts = next(count for count in base.counts if count.split == "train")
    return np.repeat(np.arange(len(base.class_names)), [counts.images_per_class[name] for name in base.class_names])
