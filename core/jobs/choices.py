"""What a visitor of a page may start: whether at all, and a plan made of choices from the catalogues.

Nothing that a visitor types reaches a command line: a plan is one that ships, or one that is written here.
"""

from collections.abc import Sequence
from typing import Literal

from core.errors import SpecInvalid
from core.language import said
from core.registry.architectures import ARCHITECTURES, architecture_spec
from core.registry.datasets import dataset_spec
from core.registry.heads import HEADS, head_spec
from core.store.reproduce import plan_text
from core.types import HeadSpec, PreprocessSpec, RunSpec

TRAINING_VARIABLE = "MEDLENS_TRAINING"
ON, OFF = ("on", "1", "true", "yes"), ("off", "0", "false", "no")
Refusal = Literal["", "switched off", "open to all"]
Strategy = Literal["frozen", "fine_tune", "scratch"]

NETWORK_FACTORIES = ("mlp", "linear")  # heads of dense layers on pooled features: every strategy can train them
FLAT_FACTORY = "castro_perez_dense"  # takes whole feature maps, so only a network trained from scratch has it
LEARNING_RATES = {"frozen": (1e-3,), "scratch": (1e-3,), "fine_tune": (1e-3, 1e-5)}
PHANTOM_PATIENTS = 600  # drawn within seconds, and enough to learn a nodule from


def training_refused(*, loopback: bool, token: bool, switch: str) -> Refusal:
    """Why visitors of this server may not start trainings or add results; "" when they may.

    Args:
        loopback: the server answers this machine only. token: it asks every visitor for one.
        switch: `MEDLENS_TRAINING`: "off" forbids it everywhere, "on" allows it whoever can come; else only on a server
            of the first two kinds.
    """
    word = switch.strip().lower()
    if word in OFF:
        return "switched off"
    return "" if word in ON or loopback or token else "open to all"


def strategies_of(architecture: str) -> tuple[Strategy, ...]:
    """The ways to train a network from nothing but the catalogue: frozen and fine-tuned need pretrained weights."""
    return ("frozen", "fine_tune") if ARCHITECTURES[architecture].weights == "imagenet" else ("scratch",)


def heads_of(strategy: Strategy) -> tuple[str, ...]:
    """The heads that a strategy can train on single images."""
    return tuple(key for key, head in HEADS.items() if _fits(head, strategy))


def _fits(head: HeadSpec, strategy: Strategy) -> bool:
    if head.factory in NETWORK_FACTORIES:
        return True
    if head.factory == FLAT_FACTORY:
        return strategy == "scratch"
    return strategy == "frozen" and head.factory != "gru"  # that one takes several images of a patient


def own_runs(
    dataset: str,
    scheme: str,
    architecture: str,
    heads: Sequence[str],
    strategy: Strategy,
    *,
    epochs: int,
    seed: int,
    split: Literal["auto", "group", "random"] = "auto",
) -> tuple[RunSpec, ...]:
    """One run for each head, with the settings that the shipped plans share.

    Raises: SpecInvalid without a head, or for a strategy that network or head cannot follow; UnknownKey.
    """
    if not heads:
        raise SpecInvalid(said("Choose at least one head."))
    network = architecture_spec(architecture)
    wrong = [key for key in heads if not _fits(head_spec(key), strategy)]
    if wrong or strategy not in strategies_of(architecture):
        raise SpecInvalid(
            said(
                "{listed} cannot be trained with strategy = {strategy}.",
                listed=", ".join(wrong) or network.title,
                strategy=repr(strategy),
            )
        )
    return tuple(
        RunSpec(
            dataset=dataset, label_scheme=scheme, architecture=architecture, head=head, strategy=strategy,
            weights="none" if strategy == "scratch" else "imagenet",
            preprocess=PreprocessSpec(size_px=network.input_px), balance="class_weights", epochs=epochs,
            learning_rates=LEARNING_RATES[strategy], seed=seed, split_seed=seed, split=split,
            dataset_options={"patients": PHANTOM_PATIENTS} if dataset_spec(dataset).synthetic else {},
        )
        for head in heads
    )  # fmt: skip


def plan_of(specs: Sequence[RunSpec], title: str) -> str:
    """A plan file with these runs, which `python -m core benchmark` reads."""
    texts = [plan_text(spec, title).split("\n\n", 1) for spec in specs]
    return "\n\n".join([texts[0][0], *(run for _, run in texts)])
