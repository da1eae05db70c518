"""One picture put to a network and to the heads that stand beside it: their probabilities, and where each looked."""

from dataclasses import dataclass

import numpy as np

from core.data.images import fit_image
from core.types import Heatmap, ModelCard, SiblingSet


@dataclass(frozen=True, slots=True, eq=False)
class BesideAnswer:
    """What the network and its siblings give one picture.

    probabilities: (1 + heads, C), the network first, calibrated all of them. unlike: the gate finds the picture unlike
    the training images, so that nothing stands behind any of them.
    """

    card: ModelCard
    found: SiblingSet
    probabilities: np.ndarray
    unlike: bool


@dataclass(frozen=True, slots=True, eq=False)
class BesideMaps:
    """Where each of them looked.

    gradcam: the network's own map of each class. drops: (1 + heads, C, S, S), what covering a part takes from a
    probability there, on the square that the network sees; the network first. patch_px: side of what covers.
    """

    gradcam: tuple[Heatmap, ...]
    drops: np.ndarray
    patch_px: int


def has_siblings(card: ModelCard) -> bool:
    """Do heads stand beside this model? Raises ModelDamaged when they cannot be used."""
    from core.store.siblings import load_siblings

    return not card.tabular_inputs and load_siblings(card) is not None


def beside_answer(name: str, rgb: np.ndarray) -> BesideAnswer | None:
    """The probabilities for one decoded image (H, W, 3) uint8; None where no head stands beside the model.

    Raises: ModelError.
    """
    from core.nn.pool import shared_predictor
    from core.nn.siblings import Siblings, shared_siblings

    predictor = shared_predictor(name)
    heads: Siblings | None = shared_siblings(predictor)
    if heads is None:
        return None
    picture = fit_image(rgb, predictor.card.preprocess)
    batch = picture[None]
    judged = predictor.ood(batch, predictor.run(batch)) or []
    probabilities = heads.beside(predictor, batch)[0]
    return BesideAnswer(predictor.card, heads.found, probabilities, any(answer.flagged for answer in judged))


def beside_maps(name: str, rgb: np.ndarray) -> BesideMaps | None:
    """The maps for one decoded image, some hundred passes of the network; None where no head stands beside it.

    Raises: ModelError.
    """
    from core.nn.occlusion import occlusion_maps
    from core.nn.pool import shared_predictor
    from core.nn.siblings import shared_siblings

    predictor = shared_predictor(name)
    heads = shared_siblings(predictor)
    if heads is None:
        return None
    card, count = predictor.card, len(predictor.card.class_names)
    picture = fit_image(rgb, card.preprocess)
    covered = occlusion_maps(picture, lambda batch: heads.beside(predictor, batch).reshape(len(batch), -1))
    drops = covered.cells(len(picture))
    gradcam = predictor.predict(rgb).heatmaps
    return BesideMaps(gradcam, drops.reshape(-1, count, *drops.shape[1:]), covered.patch_px)
