"""What runs, data sets and tasks are called on screen: catalogue titles, made unique where they would be equal."""

from collections.abc import Mapping, Sequence

from core.language import listing, retold, t, tn
from core.registry.architectures import ARCHITECTURES
from core.registry.datasets import DATASETS
from core.registry.heads import HEADS
from core.registry.labels import AS_IS, LABEL_SCHEMES
from core.registry.views import ONE, views_of
from core.types import Evaluation, RunRecord, RunSpec

STRATEGIES = {
    "frozen": "frozen features", "fine_tune": "fine-tuned", "scratch": "trained from scratch",
    "as_trained": "network as it was trained", "ensemble": "several runs together",
    "imported": "imported scores",
}  # fmt: skip


UNTRAINED = ("as_trained", "ensemble")  # what was trained before is asked again


def architecture_title(key: str) -> str:
    """The network's title, or the key of one that this version does not know."""
    return t(ARCHITECTURES[key].title) if key in ARCHITECTURES else key


def head_title(key: str) -> str:
    """The head's title, or the key of one that this version does not know."""
    return t(HEADS[key].title) if key in HEADS else key


def dataset_title(key: str) -> str:
    """The data set's title, or the key of one that this version does not know."""
    return t(DATASETS[key].title) if key in DATASETS else key


def task_title(dataset: str, scheme: str) -> str:
    """What is told apart: the label scheme's title."""
    if scheme == AS_IS and dataset in DATASETS:
        return t("Labels of {title} as they stand", title=dataset_title(dataset))
    return t(LABEL_SCHEMES[scheme].title) if scheme in LABEL_SCHEMES else scheme


def strategy_title(key: str) -> str:
    """How a network's weights came about."""
    return t(STRATEGIES[key])


def label_title(words: str) -> str:
    """The words of a label, "Mass, Nodule", in the reader's language."""
    return ", ".join(t(word) for word in words.split(", "))


def model_title(title: str) -> str:
    """A card's title, "task: network", its parts in the reader's language where they are ours."""
    return ": ".join(retold(part) for part in title.split(": "))


def group_field_of(record: RunRecord) -> str:
    """What a group of this run is ("patient", "lesion"), from its audit, else from the catalogue."""
    if record.audit is not None:
        return record.audit.group_field
    try:
        return DATASETS[record.spec.dataset].group_field
    except KeyError:
        return "group"


def split_kind_of(record: RunRecord) -> str:
    """How the run's images were split in fact ("auto" in a spec is decided by the data)."""
    return record.audit.split_kind if record.audit is not None else record.spec.split


def is_synthetic(dataset: str) -> bool:
    """Whether the data set's images are drawn, not photographed."""
    return dataset in DATASETS and DATASETS[dataset].synthetic


def training_words(spec: RunSpec) -> str:
    """How long and how fast it was trained, or why it was not."""
    if spec.strategy == "as_trained":
        return t("none: the network answers as it was trained")
    if spec.strategy == "ensemble":
        return t("none: stored runs answer together, by the mean of their logits")
    return t(
        "at most {epochs} epochs, batches of {batch}, learning rate {rates}",
        epochs=spec.epochs, batch=spec.batch_size, rates=listing([str(rate) for rate in spec.learning_rates]),
    )  # fmt: skip


def asked_facts(spec: RunSpec) -> dict[str, str]:
    """How it was asked, field by field, where that is not the usual way."""
    return {
        **({t("Sides of a picture"): str(len(views_of(spec.views)))} if spec.views != ONE else {}),
        **({t("Shares of the classes"): t("equal")} if spec.stated_shares == "equal" else {}),
        **({t("Runs that answer together"): ", ".join(spec.members)} if spec.members else {}),
    }


def run_title(spec: RunSpec) -> str:
    """ "CNN+MLP on MobileNetV2"; the majority class has no use for a network and does not name one.

    Imported scores go by the name that their reader gave them.
    """
    if spec.strategy == "imported":
        return t("{name} (imported)", name=spec.architecture)
    if spec.strategy == "ensemble":
        first = t("{head} on {network}", head=head_title(spec.head), network=architecture_title(spec.architecture))
        return tn("{first}, together with {n} other run", "{first}, together with {n} other runs",
                  len(spec.members) - 1, first=first)  # fmt: skip
    if spec.head == "dummy":
        return f"{head_title(spec.head)} ({architecture_title(spec.architecture)})"
    return t("{head} on {network}", head=head_title(spec.head), network=architecture_title(spec.architecture))


def run_titles(records: Sequence[RunRecord]) -> Mapping[str, str]:
    """Run id to a title that no other of `records` has: what differs is added until it does.

    Tried in turn: random split, kind of split, strategy, fold, seeds; at last the eight digits of the run id.
    """
    titles = {r.run_id: run_title(r.spec) for r in records}
    additions = (
        lambda s: t("random split") if s.split == "random" else "",
        lambda s: "" if s.split in ("auto", "random") else t("split by {kind}", kind=t(s.split)),
        lambda s: t("at equal shares") if s.stated_shares == "equal" else "",
        lambda s: "" if s.views == ONE else t("seen from {views} sides", views=len(views_of(s.views))),
        lambda s: strategy_title(s.strategy),
        lambda s: "" if s.train_share == 1 else t("{share} % of the training part", share=f"{100 * s.train_share:g}"),
        lambda s: "" if s.fold is None else t("fold {number}", number=s.fold),
        lambda s: t("seed {number}", number=s.seed),
        lambda s: t("split seed {number}", number=s.split_seed),
    )
    for addition in additions:
        for group in _equal(titles, records):
            words = {r.run_id: addition(r.spec) for r in group}
            if len(set(words.values())) > 1:
                titles.update({i: f"{titles[i]}, {word}" if word else titles[i] for i, word in words.items()})
    for group in _equal(titles, records):
        titles.update({r.run_id: f"{titles[r.run_id]}, {r.run_id[-8:]}" for r in group})
    return titles


def _equal(titles: Mapping[str, str], records: Sequence[RunRecord]) -> list[list[RunRecord]]:
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        groups.setdefault(titles[record.run_id], []).append(record)
    return [group for group in groups.values() if len(group) > 1]


def evaluation_of(record: RunRecord, split: str = "test") -> Evaluation | None:
    """The stored evaluation of one split, or None (an interrupted run has none)."""
    return next((e for e in record.evaluations if e.split == split), None)
