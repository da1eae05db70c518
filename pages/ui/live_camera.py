"""The live camera as a component: what the browser is given, and what a snapshot sends back.

The camera, the frames and the drawing live in the browser (pages/ui/live/); frames go to `POST /api/live` of this
same server. Nothing that comes back is trusted: a snapshot is decoded like any upload.
"""

import base64
import binascii
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import numpy as np
import streamlit as st

from core.data.images import decode_image
from core.errors import ImageRefused
from core.figures.doubts import TOO_CLOSE, unlike_sentence
from core.figures.overlay import GREY, heat_ramp
from core.figures.theme import MUTED, PALETTE
from core.language import t
from core.types import ModelCard
from pages.ui.live_words import live_words

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

FOLDER = Path(__file__).parent / "live"
SCRIPTS = ("words.js", "camera.js", "drawing.js", "posting.js", "main.js")  # joined in this order, main.js exports
SNAPSHOT_PX = 1280  # longest side: above every network's input, and a few hundred kB as JPEG
MAX_SNAPSHOT_BYTES = 4 * 1024**2  # a 1280 px JPEG at quality 92 stays under 2 MB, noise included
_PREFIX = "data:image/jpeg;base64,"


def live_camera(card: ModelCard, *, target: str | None, strength: float, mirror: bool) -> str | None:
    """Mount the camera; returns the snapshot just taken as a data address, or None.

    Args:
        target: the class of the map; None takes the positive or the most probable one.
        strength: opacity of full heat, in [0, 1].
        mirror: whether the view (not what the network gets) is mirrored.
    """
    settings = frontend_settings(card, target=target, strength=strength, mirror=mirror)
    result = _component()(key="live-camera", data=settings, on_snapshot_change=_noted)
    return result.snapshot if isinstance(result.snapshot, str) else None


def frontend_settings(card: ModelCard, *, target: str | None, strength: float, mirror: bool) -> dict[str, object]:
    """What the browser needs to know of the model and the page; plain JSON."""
    asked = {"model": card.name} | ({"target": target} if target else {})
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return {
        "address": f"{'/' + base if base else ''}/api/live?{urlencode(asked)}",
        "model": card.name,
        "task": card.task,
        "cuts": {} if card.task == "multiclass" else dict(card.threshold.values),
        "size_px": card.preprocess.size_px,
        "resize_mode": card.preprocess.resize_mode,
        "strength": strength,
        "mirror": mirror,
        "ramp": heat_ramp().round().astype(int).ravel().tolist(),
        "grey": GREY,
        "colors": {"accent": PALETTE[0], "muted": MUTED, "cut": PALETTE[1]},
        "snapshot_px": SNAPSHOT_PX,
        "words": live_words(),
        "unlike": unlike_sentence(card),
        "referred": t(TOO_CLOSE).strip("*"),
        "class_names": {name: t(name) for name in card.class_names},
    }


def snapshot_pixels(address: str) -> np.ndarray:
    """The pixels of a snapshot, uint8 (H, W, 3).

    Raises: ImageRefused when it is no JPEG data address, is too large, or cannot be decoded.
    """
    if not address.startswith(_PREFIX):
        raise ImageRefused(t("The snapshot did not arrive as a JPEG; expected was one from the camera of this page."))
    if len(address) > len(_PREFIX) + 4 * (MAX_SNAPSHOT_BYTES // 3 + 1):
        raise ImageRefused(
            t("The snapshot is larger than {most} MB; take it again.", most=MAX_SNAPSHOT_BYTES // 1024**2)
        )
    try:
        data = base64.b64decode(address[len(_PREFIX) :], validate=True)
    except binascii.Error as error:
        raise ImageRefused(t("The snapshot arrived damaged; take it again.")) from error
    return decode_image(data, "the snapshot")


@cache
def _component() -> "ComponentRenderer":
    script = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return st.components.v2.component(
        "medlens_live_camera",
        html=(FOLDER / "view.html").read_text(encoding="utf-8"),
        css=(FOLDER / "style.css").read_text(encoding="utf-8"),
        js=script,
    )


def _noted() -> None:
    """A trigger needs a callback to be declared; the page reads its value where it mounts the camera."""
