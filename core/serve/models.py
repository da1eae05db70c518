"""The models that the API answers with: those of the models folder, loaded once for the whole process."""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from core import paths
from core.errors import RequestRefused
from core.store.models import CARD, MODEL, list_models
from core.types import ModelCard

if TYPE_CHECKING:
    from core.nn.serving import Predictor

MANY = 20  # names that fit into one sentence


class Models(Protocol):
    """Where the API takes models from; tests put their own in its place."""

    def cards(self) -> tuple[ModelCard, ...]:
        """The cards of all usable models, by name."""
        ...

    def predictor(self, name: str) -> "Predictor":
        """The loaded model of that name, which is one of `cards`. Safe between threads. Raises ModelError."""
        ...


class ShippedModels:
    """The models folder; a model that is exported or replaced later is seen at the next request."""

    def __init__(self) -> None:
        self._known: tuple[object, tuple[ModelCard, ...]] | None = None

    def cards(self) -> tuple[ModelCard, ...]:
        """The cards of all usable models, read again when the folder has changed."""
        folder = paths.models_folder()
        state = _state(folder)
        known = self._known
        if known is None or known[0] != state:
            # a request holds pictures alone: a network that takes numbers beside them answers on the Predict page
            usable = tuple(card for card in list_models(folder).cards if not card.tabular_inputs)
            known = self._known = (state, usable)
        return known[1]

    def predictor(self, name: str) -> "Predictor":
        """The process-wide predictor, which the pages use too."""
        from core.nn.pool import shared_predictor

        return shared_predictor(name)


def chosen_card(models: Models, name: str | None) -> ModelCard:
    """The card of the model `name`; of the first by name when it is None or empty.

    Raises: RequestRefused (404) naming the known ones.
    """
    cards = models.cards()
    if not cards:
        raise RequestRefused(404, "This server has no model; python -m core export makes one from a run.")
    if not name:
        return cards[0]
    for card in cards:
        if card.name == name:
            return card
    known = ", ".join(card.name for card in cards[:MANY])
    raise RequestRefused(404, f"There is no model of that name. Known: {known}.")


def short_card(card: ModelCard) -> dict[str, object]:
    """What a client needs to choose a model and to read its answers."""
    return {
        "name": card.name,
        "title": card.title,
        "task": card.task,
        "classes": list(card.class_names),
        "positive_class": card.positive_class,
        "threshold": thresholds(card),
        "preprocessing": preprocessing(card),
        "synthetic": card.synthetic,
        "training_data": card.training_data,
        "intended_use": card.intended_use,
        "limits": list(card.limits),
        "licence": card.licence,
        "run_id": card.run_id,
        "sha256": card.sha256,
        "model_bytes": card.model_bytes,
    }


def thresholds(card: ModelCard) -> dict[str, object]:
    """The cuts by class, the rule that chose them and on which split."""
    rule = card.threshold
    return {"cuts": dict(rule.values), "rule": rule.rule, "chosen_on": rule.chosen_on}


def preprocessing(card: ModelCard) -> dict[str, object]:
    """How a picture becomes the square that the network takes."""
    spec = card.preprocess
    return {"size_px": spec.size_px, "resize_mode": spec.resize_mode, "contrast": spec.contrast}


def _state(folder: Path) -> tuple[object, ...]:
    """Names, sizes and times of change of all cards and networks: another one means reading again."""
    found: list[object] = [str(folder)]
    try:
        for entry in sorted(folder.iterdir()):
            for file in (entry / CARD, entry / MODEL):
                try:
                    status = file.stat()
                except OSError:  # no model, or not complete
                    continue
                found.append((entry.name, file.name, status.st_size, status.st_mtime_ns))
    except OSError:  # no models folder
        return tuple(found)
    return tuple(found)
