"""What training and preparation do to a picture: the presets of random changes, and the changes of contrast.

The strips of the presets are drawn by the layers that training uses (`python -m core data presets pages/ui/presets`),
because those need Keras and a page does not.
"""

from dataclasses import fields
from pathlib import Path

import numpy as np
import streamlit as st

from core.data.contrast import CONTRASTS, change_contrast
from core.data.phantom import draw_phantom
from core.data.sources import read_image
from core.registry.augmentations import AUGMENTATIONS, augmentation_preset
from core.types import AugmentationSpec
from pages.ui.blocks import plain

STRIPS = Path(__file__).with_name("presets")
CONTRAST_PX = 224
CONTRAST_WORDS = {
    "none": "As it is", "equalize": "Histogram equalisation", "clahe": "CLAHE", "gamma": "Gamma 0.67",
    "log": "Logarithm",
}  # fmt: skip


def show_presets() -> None:
    """One preset at a time: a phantom, and the same phantom as five epochs would see it."""
    keys = list(AUGMENTATIONS)
    first = keys.index("radiograph")
    key = st.selectbox(
        "Random changes in training", keys, index=first, key="preset", format_func=lambda k: AUGMENTATIONS[k].title
    )
    preset = augmentation_preset(key)
    words = changes_in_words(preset.changes)
    with st.grid(3, min_column_width=110):
        for number, picture in enumerate(_pictures(STRIPS / f"{key}.jpg")):
            name = f"Epoch {number}" if number else "The picture"
            seen = f"changed by the preset {preset.title}" if number else "as it is"
            st.image(picture, caption=name, width="stretch", alt=f"A phantom radiograph, {seen}")
    st.caption(
        plain(
            f"What five epochs of a training would see: {words}. "
            f"Source: {preset.source}. In a plan: augmentation = \"{key}\"."
        )
    )  # fmt: skip


def _pictures(strip: Path) -> list[np.ndarray]:
    """The squares of a strip, left to right: each as wide as the strip is high, with a gap that cuts leave out."""
    pixels = read_image(str(strip))
    side, width = pixels.shape[:2]
    count = width // side
    pitch = (width - side) // (count - 1)
    return [pixels[:, n * pitch : n * pitch + side] for n in range(count)]


def changes_in_words(changes: AugmentationSpec) -> str:
    """ "flipped left to right, zoomed by up to 10 %", or that nothing changes."""
    words = {
        "flip_horizontal": "flipped left to right", "flip_vertical": "flipped upside down",
        "rotation": "turned by up to {degrees:.0f} degrees", "zoom": "zoomed by up to {percent:.0f} %",
        "shift": "shifted by up to {percent:.0f} % of the side", "brightness": "brightened or darkened by up to "
        "{percent:.0f} % of full scale", "contrast": "contrast changed by up to {percent:.0f} %",
        "shear": "slanted by up to {percent:.0f} %", "darker": "exposed by up to {percent:.0f} % less",
        "brighter": "exposed by up to {percent:.0f} % more", "sharpness": "sharpened by up to {percent:.0f} %",
        "blur": "blurred by up to {percent:.0f} %",
    }  # fmt: skip
    found = []
    for field in fields(changes):
        amount = float(getattr(changes, field.name))
        if amount:
            found.append(words[field.name].format(percent=100 * amount, degrees=360 * amount))
    return ", ".join(found) or "nothing is changed"


def show_contrasts() -> None:
    """The changes of contrast that a plan can ask for, the same in training and at upload."""
    phantom = draw_phantom(7, 3, 0, CONTRAST_PX).pixels
    with st.grid(len(CONTRASTS), min_column_width=120):
        for name in CONTRASTS:
            st.image(
                change_contrast(phantom, name), caption=CONTRAST_WORDS[name], width="stretch",
                alt=f"A phantom radiograph, contrast: {CONTRAST_WORDS[name]}",
            )  # fmt: skip
    st.caption(
        "Contrast is no random change: where a plan names it (preprocess.contrast), every picture passes through it, "
        "in training and at upload alike."
    )
