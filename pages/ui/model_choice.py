"""Which model a page asks: one box for all pages, one name in the link."""

from collections.abc import Iterable

from core.figures.doubts import seen_kind
from core.figures.names import model_title
from core.language import t
from core.registry.datasets import DATASETS
from core.types import ModelCard
from pages.ui import state
from pages.ui.linked import linked_select


def choose_model(cards: Iterable[ModelCard]) -> ModelCard:
    """A box with what the models of `cards` are for, at least one; the card of the one that is chosen.

    Models of real images stand first: a visitor should meet one that was trained on people, and know a phantom's when
    they see it.
    """
    known = {card.name: card for card in sorted(cards, key=lambda card: (card.synthetic, card.name))}
    shown = {name: named(card) for name, card in known.items()}
    return known[linked_select(t("Model"), list(known), state.MODEL, shown=shown.__getitem__)]


def named(card: ModelCard) -> str:
    """A model's name for readers: kind of picture, which nobody could guess from "Seven diagnoses", task, network."""
    title = model_title(card.title)
    if card.training_dataset not in DATASETS:
        return title
    kind = seen_kind(card)
    return f"{kind[:1].upper()}{kind[1:]} · {title}"
