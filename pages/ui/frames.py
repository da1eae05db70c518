"""Choose a frame of a DICOM file or a slice of a NIfTI volume; say in words what such a file is about.

Files with one picture show nothing here. What is not touched stays at the middle one, and the picture's note says so.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import streamlit as st

from core.data.frames import AXES, DEFAULT_AXIS, FrameChoice
from core.language import t
from pages.ui.blocks import plain

if TYPE_CHECKING:
    from core.data.images import ImageHeader

MODALITIES: Mapping[str, str] = MappingProxyType({
    "CR": "computed radiography", "DX": "digital radiography", "MG": "mammography", "CT": "computed tomography",
    "MR": "magnetic resonance", "US": "ultrasound", "NM": "nuclear medicine", "PT": "positron emission tomography",
    "XA": "angiography", "RF": "fluoroscopy", "OP": "ophthalmic photography", "SM": "slide microscopy",
    "XC": "photograph", "ES": "endoscopy", "SC": "secondary capture", "OT": "of another kind",
})  # fmt: skip


def choose_frame(name: str, header: "ImageHeader", key: str) -> FrameChoice:
    """Controls for a file with several pictures; nothing, and no choice, for any other.

    Args:
        key: of the widgets; the file's own, so that another file begins in its middle.
    """
    if header.slices:
        return _choose_slice(name, header, key)
    if header.format != "DICOM" or header.frames < 2:
        return FrameChoice()
    return FrameChoice(_slider(t("Frame of {name}", name=plain(name)), header.frames, f"frame-{key}"))


def _choose_slice(name: str, header: "ImageHeader", key: str) -> FrameChoice:
    counts = dict(header.slices)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        axis = st.segmented_control(
            t("Slices of {name}", name=plain(name)), AXES[::-1], default=DEFAULT_AXIS, required=True, key=f"axis-{key}",
            format_func=lambda way: t(way.capitalize()),
            help=t("Seen as a radiologist does: the patient's right is on the left."),
        )  # fmt: skip
        axis = str(axis or DEFAULT_AXIS)
        volume = 1
        if header.volumes > 1:
            volume = int(
                st.number_input(
                    t("Volume (of {count})", count=header.volumes), 1, header.volumes, 1, key=f"volume-{key}", width=140
                )
            )
    title = f"{axis.capitalize()} slice"
    number = _slider(t(title), counts[axis], f"slice-{axis}-{key}") if counts[axis] > 1 else None
    return FrameChoice(number, axis, volume if volume > 1 else None)


def _slider(label: str, count: int, key: str) -> int | None:
    """A number from 1 to `count`; None as long as it stands in the middle."""
    middle = (count + 1) // 2
    number = st.slider(label, 1, count, middle, key=key)
    return None if number == middle else int(number)


def fact_words(facts: Mapping[str, str]) -> str:
    """What a medical file says of itself, in words: "Chest, computed radiography, view PA." """
    body, modality = facts.get("body_part", ""), facts.get("modality", "")
    view = facts.get("view", "")
    parts = [t(body.capitalize()), t(MODALITIES.get(modality, modality)), t("view {view}", view=view) if view else ""]
    words = ", ".join(part for part in parts if part)
    return f"{words[0].upper()}{words[1:]}." if words else ""
