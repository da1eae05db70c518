"""A snapshot of the live camera becomes a picture of the gallery: checked, predicted anew, kept for the session."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import streamlit as st

from core.errors import MedLensError
from core.figures import sentences
from core.language import t
from core.types import ModelCard
from pages.ui import door
from pages.ui.blocks import error_box
from pages.ui.gallery import add_to_gallery, gallery_item
from pages.ui.live_camera import snapshot_pixels

FILMED = (
    "Filmed by a camera, so its score is not that of a file; computed anew from the whole snapshot, so it may differ "
    "a little from the live one."
)


def keep_snapshot(card: ModelCard, address: str, *, target: str | None, strength: float) -> bool:
    """Predict a snapshot and put it into the gallery; False after an error box.

    Args:
        address: the JPEG as a data address, as the browser sent it; it is not trusted.
        target: the class of the map, None for the one that a page shows first.
        strength: opacity of full heat, in [0, 1].
    """
    try:
        pixels = snapshot_pixels(address)
        result = door.predict(card.name, pixels, "snapshot")
        mismatch = sentences.mismatch_sentence(card, synthetic=False)
        item = gallery_item(
            card,
            pixels,
            result,
            name=t("Camera snapshot"),
            class_name=target,
            strength=strength,
            taken=datetime.now(_zone()),
            note=" ".join(part for part in (t(FILMED), mismatch) if part),
        )
    except MedLensError as error:
        error_box(str(error))
        return False
    add_to_gallery(item)
    return True


def _zone() -> tzinfo:
    """The browser's time zone, where it said one that this machine knows."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (KeyError, ValueError, OSError):  # a name that is none
        return UTC
