"""Under a heat map: can it be trusted? What hiding its hot part does, and on request what two more checks say.

The first check takes about twenty predictions and no TensorFlow; it is made once per picture, model, class and map.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.errors import MedLensError
from core.figures.explaining import (
    agreement_sentence,
    hiding_figure,
    hiding_verdict,
    hiding_words,
    method_title,
    random_sentence,
)
from core.figures.overlay import attention_words, blend, heat_on_picture
from core.language import t
from core.registry.explanations import EXPLANATIONS, GRADCAM, OCCLUSION
from core.types import Heatmap, ModelCard
from pages.ui import door, state
from pages.ui.blocks import chart, error_box, plain
from pages.ui.explaining import sentence_plain
from pages.ui.pictures import Picture

if TYPE_CHECKING:
    from core.nn.explain_trust import Hiding
    from core.nn.serving import PredictionResult

KEPT = 200  # measurements of a session; each is a few numbers
ICONS = {"green": ":material/check:", "orange": ":material/help:", "red": ":material/close:", "gray": ":material/info:"}
MAP_PX = 220  # of the small maps beside each other

Other = Callable[[str], "PredictionResult | None"]


def measured_hiding(
    card: ModelCard, picture: Picture, result: "PredictionResult", heatmap: Heatmap, numbers: tuple[float, ...]
) -> "Hiding | None":
    """What hiding the hot part does, from this session's memory where it is there; None for an empty map."""
    if heatmap.is_empty:
        return None
    kept: dict[object, Hiding] = st.session_state.setdefault(state.TRUST, {})
    key = (card.sha256, picture.digest, heatmap.method, heatmap.layer, heatmap.class_name, numbers)
    if key not in kept:
        index = card.class_names.index(heatmap.class_name)
        try:
            with st.spinner(t("Hiding parts of the picture…")):
                kept[key] = door.hiding(card.name, result.prepared, heatmap.values, index, numbers)
        except MedLensError as error:
            error_box(str(error))
            return None
        while len(kept) > KEPT:
            kept.pop(next(iter(kept)))
    return kept[key]


def trust_strip(
    card: ModelCard, picture: Picture, result: "PredictionResult", heatmap: Heatmap, hiding: "Hiding", *,
    method: str, layer: str, numbers: tuple[float, ...], other: Other,
) -> None:  # fmt: skip
    """The strip under a map that is not empty.

    Args:
        method, layer: that the map was made with, as `choose_method` gives them.
        other: the result by another method of the registry; None after an error box.
    """
    key = f"{card.name}-{picture.digest}"
    verdict, color, _ = hiding_verdict(hiding)
    words = hiding_words(hiding, heatmap.class_name)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{t('Can this map be trusted?')}**", width="content")
            st.badge(verdict, color=color, icon=ICONS[color])  # type: ignore[arg-type]
        drawn, said = st.columns(2, gap="medium", vertical_alignment="center")
        with drawn:
            chart(hiding_figure(hiding, heatmap.class_name), alt=words, key=f"hiding-{key}")
        with said:
            st.markdown(sentence_plain(words))
        more = st.expander(t("Two more checks"), icon=":material/fact_check:", key=f"checks-{key}", on_change="rerun")
        if more.open:
            with more:
                _second_method(card, picture, heatmap, method, other)
                _random_weights(card, picture, result, heatmap, method, layer, numbers)


def _second_method(card: ModelCard, picture: Picture, heatmap: Heatmap, method: str, other: Other) -> None:
    second = GRADCAM if method == OCCLUSION else OCCLUSION
    answer = other(second)
    if answer is None:
        return
    found = answer.heatmaps[card.class_names.index(heatmap.class_name)]
    if found.is_empty:
        st.markdown(plain(t("{method} gives an empty map; there is nothing to compare.", method=method_title(second))))
        return
    words = agreement_sentence(door.compared(heatmap, found), EXPLANATIONS[second].title)
    _side_by_side(card, picture, [found], [method_title(second)], words)


def _random_weights(
    card: ModelCard, picture: Picture, result: "PredictionResult", heatmap: Heatmap, method: str, layer: str,
    numbers: tuple[float, ...],
) -> None:  # fmt: skip
    key = (card.sha256, picture.digest, heatmap.method, heatmap.layer, numbers)
    kept: dict[object, tuple[tuple[Heatmap, ...], ...]] = st.session_state.setdefault(state.RANDOM_MAPS, {})
    if key not in kept:
        st.button(
            t("Compare with random weights"), icon=":material/shuffle:", key=f"random-{card.name}-{picture.digest}",
            on_click=_ask_random, args=(key,),
            help=t(
                "The same map by networks of the same shape that know nothing. It brings TensorFlow: some twenty "
                "seconds the first time."
            ),
        )  # fmt: skip
        if st.session_state.get(state.RANDOM_ASKED) != key:
            return
        try:
            with st.spinner(t("Shuffling the weights of the network…"), show_time=True):
                drawn = door.random_maps(card.name, result.prepared, method=method, layer=layer, table=numbers)
        except MedLensError as error:
            error_box(str(error))
            return
        kept.clear()  # a network of 14 classes takes some megabytes
        kept[key] = drawn
    index = card.class_names.index(heatmap.class_name)
    maps = [classes[index] for classes in kept[key]]
    words = random_sentence([door.compared(heatmap, one) for one in maps if not one.is_empty])
    titles = [t("random network {n}", n=number) for number in range(1, len(maps) + 1)]
    _side_by_side(card, picture, maps, titles, words)


def _side_by_side(card: ModelCard, picture: Picture, maps: list[Heatmap], titles: list[str], words: str) -> None:
    """A sentence, and the small maps that it speaks of."""
    st.markdown(sentence_plain(words))
    with st.container(horizontal=True):
        for heatmap, title in zip(maps, titles, strict=True):
            heat = heat_on_picture(heatmap.values, card.preprocess, *picture.shown.shape[:2])
            overlay: np.ndarray = picture.shown if heatmap.is_empty else blend(picture.shown, heat, 0.55)
            place = attention_words(heat, heatmap.is_empty)
            st.image(overlay, caption=title, width=MAP_PX, alt=f"{title}: {place}. {words}")


def _ask_random(key: object) -> None:
    st.session_state[state.RANDOM_ASKED] = key
