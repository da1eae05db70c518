"""Which model a page asks: one box for all pages, one name in the link."""

from collections.abc import Iterable

from core.figures.names import model_title
from core.language import t
from core.types import ModelCard
from pages.ui import state
from pages.ui.linked import linked_select


def choose_model(cards: Iterable[ModelCard]) -> ModelCard:
    """A box with the titles of `cards`, of which there is at least one; the card of the one that is chosen.

    Models of real images stand first: a visitor should meet one that was trained on people, and know a phantom's when
    they see it.
    """
    known = {card.name: card for card in sorted(cards, key=lambda card: (card.synthetic, card.name))}
    return known[linked_select(t("Model"), list(known), state.MODEL, shown=lambda name: model_title(known[name].title))]
