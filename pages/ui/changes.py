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
from core.language import t
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
        t("Random changes in training"),
        keys,
        index=first,
        key="preset",
        format_func=lambda k: t(AUGMENTATIONS[k].title),
    )
    preset = augmentation_preset(key)
    words = changes_in_words(preset.changes)
    with st.grid(3, min_column_width=110):
        for number, picture in enumerate(_pictures(STRIPS / f"{key}.jpg")):
            name = t("Epoch {number}", number=number) if number else t("The picture")
            alt = t("A phantom radiograph, as it is")
            if number:
                alt = t("A phantom radiograph, changed by the preset {preset}", preset=t(preset.title))
            st.image(picture, caption=name, width="stretch", alt=alt)
    st.caption(
        plain(
            t(
                "What five epochs of a training would see: {changes}. Source: {source}. In a plan: {line}.",
                changes=words, source=t(preset.source), line=f'augmentation = "{key}"',
            )
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
    found = [_change(field.name, float(getattr(changes, field.name))) for field in fields(changes)]
    found = [words for words in found if words]
    return ", ".join(found) or t("nothing is changed")


def _change(kind: str, amount: float) -> str:
    """One change and how far it goes; "" where it does nothing."""
    if not amount:
        return ""
    share = f"{100 * amount:.0f}"
    return {
        "flip_horizontal": t("flipped left to right"),
        "flip_vertical": t("flipped upside down"),
        "rotation": t("turned by up to {degrees} degrees", degrees=f"{360 * amount:.0f}"),
        "zoom": t("zoomed by up to {share} %", share=share),
        "shift": t("shifted by up to {share} % of the side", share=share),
        "brightness": t("brightened or darkened by up to {share} % of full scale", share=share),
        "contrast": t("contrast changed by up to {share} %", share=share),
        "shear": t("slanted by up to {share} %", share=share),
        "darker": t("exposed by up to {share} % less", share=share),
        "brighter": t("exposed by up to {share} % more", share=share),
        "sharpness": t("sharpened by up to {share} %", share=share),
        "blur": t("blurred by up to {share} %", share=share),
    }[kind]


def show_contrasts() -> None:
    """The changes of contrast that a plan can ask for, the same in training and at upload."""
    phantom = draw_phantom(7, 3, 0, CONTRAST_PX).pixels
    with st.grid(len(CONTRASTS), min_column_width=120):
        for name in CONTRASTS:
            st.image(
                change_contrast(phantom, name), caption=t(CONTRAST_WORDS[name]), width="stretch",
                alt=t("A phantom radiograph, contrast: {name}", name=t(CONTRAST_WORDS[name])),
            )  # fmt: skip
    st.caption(
        t(
            "Contrast is no random change: where a plan names it (preprocess.contrast), every picture passes through "
            "it, in training and at upload alike."
        )
    )
