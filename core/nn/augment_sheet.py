"""What a preset of random changes does to one picture, as a strip: the picture itself, then as training may see it."""

from io import BytesIO

import numpy as np
from PIL import Image

from core.data.phantom import draw_phantom
from core.nn.augment import with_augmentation
from core.nn.backend import keras
from core.types import AugmentationSpec

DRAWS = 5
SIDE_PX = 224
GAP_PX = 4
QUALITY = 88
PHANTOM = {"seed": 7, "patient": 3, "image": 0}  # a drawn radiograph: no one's picture


def preset_draws(spec: AugmentationSpec, picture: np.ndarray, *, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """uint8 (draws, S, S, 3): `picture` (S, S, 3) as `draws` epochs of a training with `spec` would see it."""
    pixels = keras.Input(picture.shape, dtype="float32")
    same = keras.Model(pixels, keras.layers.Activation("linear")(pixels))
    batch = np.repeat(picture[None], draws, axis=0)
    changed = with_augmentation(same, spec, seed)(batch.astype("float32"), training=True)
    return np.clip(np.rint(keras.ops.convert_to_numpy(changed)), 0, 255).astype(np.uint8)


def preset_sheet(spec: AugmentationSpec) -> bytes:
    """JPEG of a phantom and of `DRAWS` changes of it side by side, each SIDE_PX wide."""
    drawn = draw_phantom(PHANTOM["seed"], PHANTOM["patient"], PHANTOM["image"], SIDE_PX).pixels
    row = [drawn, *preset_draws(spec, drawn)]
    gap = np.full((SIDE_PX, GAP_PX, 3), 255, np.uint8)
    strip = np.concatenate([part for picture in row for part in (picture, gap)][:-1], axis=1)
    target = BytesIO()
    Image.fromarray(strip).save(target, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    return target.getvalue()
