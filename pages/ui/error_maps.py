"""Where the network of a run looked on one of its errors: a map under the picture, made when it is asked for."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from core.data.sources import read_image
from core.errors import MedLensError
from core.figures.names import model_title
from core.figures.overlay import attention_words, blend, heat_on_picture
from core.language import t
from core.types import ModelCard, RunRecord
from pages.ui import cache, door, state
from pages.ui.blocks import error_box, plain

STRENGTH = 0.55
KEPT = 24  # maps of a session, at most 0.5 MB each: two pages of errors

Key = tuple[str, str, str, str]  # model, its sha256, image, class


def maps_under(record: RunRecord, class_name: str) -> Callable[[str, str, np.ndarray], None] | None:
    """What draws a button or a map for `class_name` under a picture; None after a line that says why there is none.

    The network of a run is the shipped model whose card names it; what is drawn takes (image id, path, picture).
    """
    cards = cache.model_listing().cards
    card = next((c for c in cards if c.run_id == record.run_id and class_name in c.class_names), None)
    if card is None:
        st.caption(t("No heat maps here: none of the models on this machine was made from this run."))
        return None
    st.caption(
        t(
            "The maps are Grad-CAM for {name} by the model \"{model}\", which was made from this run. They show what "
            "moved its score, not where a finding lies.",
            name=plain(t(class_name)), model=plain(model_title(card.title)),
        )
    )  # fmt: skip
    return lambda image_id, path, picture: _under(card, class_name, image_id, path, picture)


def _under(card: ModelCard, class_name: str, image_id: str, path: str, picture: np.ndarray) -> None:
    key: Key = (card.name, card.sha256, image_id, class_name)
    kept: dict[Key, tuple[np.ndarray, bool]] = st.session_state.setdefault(state.ERROR_MAPS, {})
    if key not in kept and not _made(kept, key, card, path, picture):
        st.button(
            t("Where it looked"), key=f"error-map-{card.name}-{class_name}-{image_id}", width="stretch",
            on_click=_ask, args=(key,),
        )  # fmt: skip
        return
    heat, is_empty = kept[key]
    words, name = attention_words(heat, is_empty), t(class_name)
    st.image(
        picture if is_empty else blend(picture, heat, STRENGTH), width="stretch",
        alt=t("Heat map for {name} on image {image}: {words}", name=name, image=image_id, words=words),
    )  # fmt: skip
    st.caption(t("Looked for {name}: {words}", name=plain(name), words=words))


def _ask(key: Key) -> None:
    """Note the wish before the page is drawn again, so that no button stands where the map will be."""
    st.session_state.setdefault(state.ERROR_MAPS_ASKED, set()).add(key)


def _made(kept: dict[Key, tuple[np.ndarray, bool]], key: Key, card: ModelCard, path: str, picture: np.ndarray) -> bool:
    """Make the map if it was asked for; False where it was not, or after an error box, so that one may ask again."""
    asked: set[Key] = st.session_state.setdefault(state.ERROR_MAPS_ASKED, set())
    if key not in asked:
        return False
    asked.discard(key)
    try:
        with st.spinner(t("Looking at the picture…")):
            kept[key] = _map(card, key[3], key[2], path, picture)
    except MedLensError as error:
        error_box(str(error))
        return False
    while len(kept) > KEPT:
        kept.pop(next(iter(kept)))
    return True


def _map(card: ModelCard, class_name: str, image_id: str, path: str, picture: np.ndarray) -> tuple[np.ndarray, bool]:
    """(heat (h, w) in [0, 1] over the small picture, is the map empty?). Raises ModelError and ImageRefused."""
    found = door.predict(card.name, read_image(path), image_id)
    heatmap = found.heatmaps[card.class_names.index(class_name)]
    heat = heat_on_picture(heatmap.values, card.preprocess, *picture.shape[:2])
    return heat.astype(np.float16), heatmap.is_empty
