"""One picture changed on purpose, beside itself untouched: how the probability and the map move.

A change is made on the pixels as they came and goes through everything that an uploaded file goes through.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from core.data.edits import CORNERS, FILLS, Box, Edit, edited
from core.errors import MedLensError
from core.evaluation.decision import decided_classes
from core.figures import sentences
from core.figures.doubts import unlike_sentence
from core.figures.overlay import attention_words, blend, heat_on_picture, shrink
from core.figures.playing import answer_sentence, change_sentence, changed_sentence, edit_words, picture_figure
from core.figures.text import percent
from core.figures.theme import CHART_CONFIG
from core.language import t
from core.types import ModelCard
from pages.ui import door, state
from pages.ui.blocks import disclaimer, error_box, plain
from pages.ui.pictures import SHOWN_PX, Picture
from pages.ui.prediction import result_of

if TYPE_CHECKING:
    from core.nn.serving import PredictionResult

STRENGTH = 0.45  # of the maps: the changed picture must be seen through them


@st.fragment
def playground(card: ModelCard, picture: Picture, numbers: tuple[float, ...]) -> None:
    """Controls, the untouched picture and the changed one, with the change in words above them.

    Args:
        numbers: what goes in beside the picture, for a network that takes it.
    """
    before = result_of(card, picture, numbers=numbers)
    if before is None:
        return
    given = [float(p) for p in before.probabilities]
    first = sentences.shown_class(card, given)
    key = f"{card.name}-{picture.digest}-{st.session_state.get(state.PLAYED_ROUND, 0)}"
    said, warned = st.columns([3, 2], vertical_alignment="center")
    with warned:
        disclaimer()
    pictures, controls = st.columns([3, 1], gap="medium")
    with controls:
        names = list(card.class_names)
        chosen = str(st.selectbox(t("Class"), names, index=names.index(first), format_func=t, key=f"play-class-{key}"))
        with_maps = st.toggle(t("Show the heat maps"), value=True, key=f"play-maps-{key}")
        asked = _changes(key)
        st.button(t("Start again"), icon=":material/restart_alt:", on_click=_start_again, key=f"play-again-{key}")
    index = card.class_names.index(chosen)
    with pictures:
        untouched, changed = st.columns(2, gap="medium")
    with untouched:
        st.markdown(t("**Untouched**: {name} {percent}", name=plain(t(chosen)), percent=percent(given[index])))
        boxes = _drawn(card, picture, before, index, with_maps, key)
    edit = Edit(**{**asked, "patches": (*asked["patches"], *boxes)})
    after, pixels = _answer(card, picture, edit, before, numbers)
    if after is None:
        return
    probability = float(after.probabilities[index])
    sentence = change_sentence(edit, chosen, given[index], probability)
    with said:
        st.markdown(f"### {sentence}")
        if edit_words(edit):
            calls = [decided_classes(result.probabilities, card) for result in (before, after)]
            st.markdown(f"{changed_sentence(edit)} {answer_sentence(*calls)}")
        if after.ood is not None and after.ood.flagged:
            st.caption(plain(unlike_sentence(card)))
    words = f"{sentence} {changed_sentence(edit)}".replace("**", "").strip()
    with changed:
        st.markdown(t("**Changed**: {name} {percent}", name=plain(t(chosen)), percent=percent(probability)))
        _shown(card, shrink(pixels, SHOWN_PX), after, index, with_maps, words, f"after-{key}")
    if with_maps:
        with pictures:
            for made in dict.fromkeys(sentences.map_sentence(r.heatmaps[index]) for r in (before, after)):
                st.caption(plain(made))


def boxes_of(selection: Mapping[str, object]) -> tuple[Box, ...]:
    """What was drawn on a figure of `picture_figure`, as (x, y, width, height) in fractions; unusable ones left out."""
    found: list[Box] = []
    drawn = selection.get("box")
    for box in drawn if isinstance(drawn, list) else []:
        try:
            (left, right), (top, bottom) = (sorted(min(1.0, max(0.0, float(v))) for v in box[axis]) for axis in "xy")
        except (KeyError, TypeError, ValueError):  # it comes from the browser
            continue
        if right > left and bottom > top:
            found.append((left, top, right - left, bottom - top))
    return tuple(found)


def _changes(key: str) -> dict[str, object]:
    """What the controls ask for, as fields of an Edit."""
    brightness = st.slider(t("Brightness"), -50, 50, 0, step=5, format="%+d %%", key=f"play-bright-{key}")
    contrast = st.slider(t("Contrast"), 0.2, 3.0, 1.0, step=0.1, format="x %.1f", key=f"play-contrast-{key}")
    rotation = st.slider(t("Turn"), -45, 45, 0, step=5, format="%+d°", key=f"play-turn-{key}")
    crop = st.slider(t("Cut from each side"), 0, 40, 0, step=5, format="%d %%", key=f"play-crop-{key}")
    marker = st.segmented_control(t("Letter in a corner"), ["L", "R"], key=f"play-letter-{key}")
    corner = CORNERS[1]
    if marker:
        corner = str(st.selectbox(t("Corner"), CORNERS, index=1, format_func=t, key=f"play-corner-{key}"))
    with st.expander(t("Hide a part by numbers"), icon=":material/select_all:", key=f"play-hide-{key}"):
        size = st.slider(t("Size"), 0, 60, 0, step=5, format="%d %%", key=f"play-size-{key}")
        left = st.slider(t("From the left"), 0, 95, 40, step=5, format="%d %%", key=f"play-left-{key}")
        top = st.slider(t("From the top"), 0, 95, 40, step=5, format="%d %%", key=f"play-top-{key}")
        fill = st.selectbox(t("Hidden by"), FILLS, format_func=_fill_words, key=f"play-fill-{key}")
    patches = ((left / 100, top / 100, size / 100, size / 100),) if size else ()
    return {
        "patches": patches, "fill": fill, "brightness": brightness / 100, "contrast": contrast,
        "rotation_degrees": float(rotation), "crop": crop / 100, "marker": marker or "", "corner": corner,
    }  # fmt: skip


def _fill_words(fill: str) -> str:
    words = {"blur": t("a strong blur"), "mean": t("the picture's mean colour"), "black": t("black")}
    return words[fill]


def _drawn(
    card: ModelCard, picture: Picture, before: "PredictionResult", index: int, with_maps: bool, key: str
) -> tuple[Box, ...]:
    """The untouched picture, on which boxes are drawn. It never changes with them: a selection would be lost."""
    name = f"draw-{key}"
    alt = t("{name}, untouched", name=picture.name)
    event = _shown(card, picture.shown, before, index, with_maps, alt, name, selectable=True)
    st.caption(t("Draw a box on this picture to hide that part; hold Shift for another one, double-click to undo."))
    return boxes_of(event)


def _shown(
    card: ModelCard, shown, result: "PredictionResult", index: int, with_maps: bool, words: str, key: str, *,
    selectable: bool = False,
) -> Mapping[str, object]:  # type: ignore[no-untyped-def]  # fmt: skip
    """A picture (h, w, 3), with its map or without, and what the map is; what was selected on it."""
    from core.data.images import encode_png

    heatmap = result.heatmaps[index]
    heat = heat_on_picture(heatmap.values, card.preprocess, *shown.shape[:2])
    overlay = blend(shown, heat, STRENGTH) if with_maps and not heatmap.is_empty else shown
    figure = picture_figure(encode_png(overlay), *shown.shape[:2], selectable=selectable)
    alt = f"{words} {t('Heat: {place}.', place=attention_words(heat, heatmap.is_empty))}" if with_maps else words
    config = {**CHART_CONFIG, "displayModeBar": False}
    if selectable:
        event = st.plotly_chart(
            figure, width="stretch", config=config, alt=alt, key=key, on_select="rerun", selection_mode="box"
        )
    else:
        st.plotly_chart(figure, width="stretch", config=config, alt=alt, key=key)
        event = {}
    selection = event.get("selection") if isinstance(event, Mapping) else None
    return selection if isinstance(selection, Mapping) else {}


def _answer(
    card: ModelCard, picture: Picture, edit: Edit, before: "PredictionResult", numbers: tuple[float, ...]
) -> tuple["PredictionResult | None", object]:
    """What the network says of the changed picture, and its pixels; (None, ...) after an error box."""
    pixels = picture.load()
    if not edit_words(edit):
        return before, pixels
    try:
        pixels = edited(pixels, edit)
        beside = {"table": numbers} if numbers else {}
        return door.predict(card.name, pixels, picture.name, **beside), pixels
    except MedLensError as error:
        error_box(str(error))
        return None, pixels


def _start_again() -> None:
    st.session_state[state.PLAYED_ROUND] = st.session_state.get(state.PLAYED_ROUND, 0) + 1
