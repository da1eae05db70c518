"""Heat maps: where a network looked for a class.

The default map is Grad-CAM from the engine (`runtime.py`); the other methods are in `explain_methods.py`.
tf-keras-vis gives Grad-CAM the slow way and is the reference: `reference_gradcam` is what the parity test and the
doubting reader call. Only it needs TensorFlow.
"""

from typing import TYPE_CHECKING

import numpy as np

from core.data.images import resize_map
from core.errors import ExplanationFailed
from core.language import said
from core.registry.explanations import EXPLANATIONS
from core.types import Heatmap

if TYPE_CHECKING:
    from core.nn.backend import keras

GRADCAM = EXPLANATIONS["gradcam"]
EMPTY_BELOW = 1e-12  # raw maps of a confident network are around 1e-2; below this only rounding is left


def heatmap(
    raw: np.ndarray,
    *,
    image_id: str,
    class_name: str,
    layer: str,
    size_px: int,
    method: str = GRADCAM.title,
    grid: tuple[int, int] | None = None,
) -> Heatmap:
    """A raw map (h, w), not below 0, as a Heatmap of (size_px, size_px) in [0, 1].

    The map is scaled by its own maximum: it says where the network looked, never how sure it was. A map that
    is zero everywhere is marked empty and stays zero.

    Args:
        layer: whose cells were weighed; "" for a method that works on the picture itself.
        method: title of the method.
        grid: the cells that the map was made from, where it is no longer on them; its own by default.
    """
    if not np.isfinite(raw).all():
        raise ExplanationFailed(
            said(
                "The heat map for {class_name} is not finite: the network's gradients overflow.",
                class_name=repr(class_name),
            )
        )
    top = float(raw.max())
    is_empty = top < EMPTY_BELOW
    values = np.zeros((size_px, size_px), np.float32) if is_empty else resize_map(raw / top, size_px)
    return Heatmap(
        image_id=image_id,
        class_name=class_name,
        method=method,
        layer=layer,
        grid=grid or (int(raw.shape[0]), int(raw.shape[1])),
        values=values,
        is_empty=is_empty,
    )


def reference_gradcam(model: "keras.Model", pixels: np.ndarray, class_index: int, layer: str) -> np.ndarray:
    """Raw Grad-CAM (h, w) by tf-keras-vis of one uint8 image (S, S, 3), on the logit of one class.

    Source: Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74; tf-keras-vis.
    """
    from core.nn.vis import Gradcam, ReplaceToLinear, class_score

    # clone=True: without it the shared model itself would lose its softmax
    gradcam = Gradcam(model, model_modifier=ReplaceToLinear(), clone=True)
    maps = gradcam(
        class_score(class_index),
        pixels[None].astype("float32"),
        penultimate_layer=layer,
        seek_penultimate_conv_layer=False,  # the search would miss a final activation such as out_relu
        expand_cam=False,
        normalize_cam=False,
    )
    return np.asarray(maps[0])
