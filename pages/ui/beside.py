"""The same picture put to the network and to the heads of scikit-learn that stand beside it.

Probabilities cost one pass. Maps cost about 150, so they are drawn when somebody asks for them.
"""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.errors import MedLensError
from core.figures.beside import agreement_words, beside_figure, beside_rows, head_names, population_words
from core.figures.overlay import attention_words, blend, colour_bar, heat_on_picture
from core.figures.text import percent
from core.language import t
from core.types import ModelCard
from pages.ui.blocks import chart, error_box, plain
from pages.ui.pictures import Picture

if TYPE_CHECKING:
    from core.serve.beside import BesideAnswer, BesideMaps

KEPT = "beside"  # of the session: answers and maps of a few pictures
MAX_KEPT = 6
MOST_CLASSES = 7  # rows of bars; of more classes the most probable ones
STRENGTH = 0.6
PANEL_PX = 148  # two stand beside each other on a phone, four on a wide screen
FLAT = 0.01  # below one percentage point nothing hangs on any one place


def show_beside(card: ModelCard, picture: Picture) -> None:
    """An expander with bars and maps; nothing at all where no head stands beside the model."""
    from core.serve.beside import has_siblings

    try:
        if not has_siblings(card):
            return
    except MedLensError as error:
        error_box(str(error))
        return
    _expander(card, picture)


@st.fragment
def _expander(card: ModelCard, picture: Picture) -> None:
    key = f"beside-{card.name}-{picture.digest}"
    box = st.expander(
        t("The same picture by other heads: forest, boosting, regression"), icon=":material/compare_arrows:",
        on_change="rerun", key=key,
    )  # fmt: skip
    if not box.open:
        return
    with box:
        answer = _answer(card, picture)
        if answer is None:
            return
        _show_answer(answer, key)
        if st.toggle(t("Show where each of them looked"), key=f"{key}-maps"):
            _show_maps(answer, picture, key)


def _kept(kind: str, card: ModelCard, picture: Picture):  # type: ignore[no-untyped-def]
    """From this session's memory, or made now; None after an error box."""
    from core.serve.beside import beside_answer, beside_maps

    memory = st.session_state.setdefault(KEPT, {})
    key = (kind, card.name, card.sha256, picture.digest)
    if key not in memory:
        try:
            with st.spinner(t("Covering the picture part by part…") if kind == "maps" else t("Asking each of them…")):
                memory[key] = (beside_maps if kind == "maps" else beside_answer)(card.name, picture.load())
        except MedLensError as error:
            error_box(str(error))
            return None
        while len(memory) > MAX_KEPT:
            memory.pop(next(iter(memory)))
    return memory[key]


def _answer(card: ModelCard, picture: Picture) -> "BesideAnswer | None":
    return _kept("answer", card, picture)


def _show_answer(answer: "BesideAnswer", key: str) -> None:
    card, probabilities = answer.card, answer.probabilities
    if answer.unlike:
        st.warning(
            t("This picture is unlike the images that trained the network: nothing stands behind these answers."),
            icon=":material/visibility_off:",
        )
    st.markdown(plain(agreement_words(probabilities, card)))
    spoken = "; ".join(
        f"{name}: " + ", ".join(f"{c} {percent(float(p))}" for c, p in zip(card.class_names, row, strict=True))
        for name, row in zip(head_names(answer.found), probabilities, strict=True)
    )
    figure = beside_figure(probabilities, card, answer.found, _shown_classes(card, probabilities))
    chart(figure, alt=t("Probabilities side by side. {spoken}", spoken=spoken), key=f"{key}-bars")
    st.dataframe(
        beside_rows(card, answer.found), hide_index=True, width="stretch",
        alt=t("AUC on the test part of the network and of each head"),
    )  # fmt: skip
    st.caption(plain(population_words(card, answer.found)))
    st.caption(
        t(
            "All of them read the same numbers, the features that the network pools from the picture. What a picture "
            "does not show the network, no head can see."
        )
    )


def _shown_classes(card: ModelCard, probabilities: np.ndarray) -> list[str]:
    if card.task == "binary" and card.positive_class is not None:
        return [card.positive_class]
    if len(card.class_names) <= MOST_CLASSES:
        return list(card.class_names)
    order = np.argsort(-probabilities.max(axis=0), kind="stable")[:MOST_CLASSES]
    return [card.class_names[int(index)] for index in order]


def _show_maps(answer: "BesideAnswer", picture: Picture, key: str) -> None:
    card = answer.card
    maps: BesideMaps | None = _kept("maps", card, picture)
    if maps is None:
        return
    shown = _shown_classes(card, answer.probabilities)
    first = shown[0] if len(shown) == 1 else card.class_names[int(answer.probabilities[0].argmax())]
    chosen = first
    if len(shown) > 1:
        chosen = st.segmented_control(
            t("Class"), shown, default=first if first in shown else shown[0], required=True, wrap=True,
            key=f"{key}-class",
        ) or first  # fmt: skip
    index = card.class_names.index(chosen)
    drops = maps.drops[:, index]
    top = float(drops.max())
    with st.container(horizontal=True, gap="small"):
        gradcam = maps.gradcam[index]
        _panel(card, picture, t("The network: Grad-CAM"), np.asarray(gradcam.values), gradcam.is_empty)
        for name, map_ in zip(head_names(answer.found), drops, strict=True):
            heat = np.clip(map_ / top, 0.0, 1.0) if top > 0 else np.zeros_like(map_)
            _panel(card, picture, t("{name}: occlusion", name=name), heat, float(map_.max()) < FLAT)
    _scale(top, maps.patch_px / drops.shape[1])


def _panel(card: ModelCard, picture: Picture, name: str, heat: np.ndarray, is_empty: bool) -> None:
    placed = heat_on_picture(heat, card.preprocess, *picture.shown.shape[:2])
    words = t("nowhere in particular") if is_empty else attention_words(placed, False)
    shown = picture.shown if is_empty else blend(picture.shown, placed, STRENGTH)
    caption = f"{name} ({t('nowhere in particular')})" if is_empty else name
    st.image(shown, caption=plain(caption), width=PANEL_PX, alt=f"{name}: {words}")


def _scale(top: float, share: float) -> None:
    """The one colour scale of the occlusion maps, and how to read the maps."""
    if top >= FLAT:
        st.image(colour_bar(STRENGTH), width="stretch", alt=t("Colour bar of the maps"))
        with st.container(horizontal=True, horizontal_alignment="distribute", wrap=False):
            st.caption(t("no change"), width="content")
            st.caption(t("{share} points less", share=f"{100 * top:.0f}"), width="content")
    st.caption(
        t(
            "Occlusion covers the picture, a square of {share} of its side at a time, with the picture's mean colour "
            "and asks again: warm is where the probability falls. One scale for all occlusion maps. A forest has no "
            "gradient, so Grad-CAM is the network's alone; its colours end at its own maximum. A covered picture is "
            "unlike any radiograph, so a map is a hint and no proof.",
            share=percent(share),
        )
    )
