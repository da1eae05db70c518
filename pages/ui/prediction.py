"""One model's card and one picture's answer, as the Predict page shows them.

The network runs once per picture and model; sliders and switches only draw again.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import MedLensError
from core.evaluation.decision import decided_classes
from core.evaluation.referral import is_referred
from core.evaluation.sums import sum_answers
from core.figures import sentences
from core.figures.doubts import TOO_CLOSE, gate_lines, referral_lines, unlike_sentence, unlike_words
from core.figures.explaining import hiding_words, place_sentence
from core.figures.localisation import UNMEASURED, localisation_lines
from core.figures.overlay import attention_words, blend, colour_bar, heat_on_picture
from core.figures.probabilities import probability_figure
from core.figures.sheet import captioned_overlay
from core.figures.text import NOT_A_DIAGNOSIS, percent
from core.language import retold, t
from core.registry.explanations import GRADCAM
from core.types import Heatmap, ModelCard
from pages.ui import door, state
from pages.ui.blocks import chart, disclaimer, error_box, facts, plain
from pages.ui.explaining import choose_method, waiting_words
from pages.ui.gallery import gallery_item
from pages.ui.languages import spoken_later
from pages.ui.pictures import Picture
from pages.ui.reports import report_buttons
from pages.ui.trust import measured_hiding, trust_strip

if TYPE_CHECKING:
    from core.nn.serving import PredictionResult

MANY_CLASSES = 5  # more do not fit beside each other as buttons
THUMBNAIL_PX = 160
KEPT_RESULTS = 24  # a page of pictures; a result of 14 classes holds 6 MB of maps


def show_card(card: ModelCard) -> None:
    """The model in plain words: what it tells apart, on what it was trained, how good it is, what it is not for."""
    with st.container(border=True):
        st.markdown(sentences.card_headline(card))
        if card.synthetic:
            st.badge(t("trained on drawn phantoms"), color="violet", icon=":material/draw:")
        st.markdown("\n".join(f"- {plain(line)}" for line in sentences.card_estimates(card)))
        with st.expander(t("What it is not for, and what it is made of")):
            st.markdown("\n".join(f"- {plain(retold(limit))}" for limit in card.limits))
            facts(
                {
                    t("Intended use"): retold(card.intended_use),
                    t("Training data"): sentences.data_words(card),
                    t("Network"): sentences.built_sentence(card),
                    t("Runs on"): sentences.engine_sentence(card),
                    t("Cut"): sentences.rule_words(card.threshold),
                    t("Pictures unlike its own"): " ".join(gate_lines(card)),
                    t("Scores for a person"): " ".join(referral_lines(card)),
                    t("Where it looks"): " ".join(localisation_lines(card)) or t(UNMEASURED),
                    t("Run"): card.run_id or t("none: brought along"),
                    t("Licence"): sentences.licence_words(card),
                },
                alt=t("Details of the model {name}", name=card.name),
            )


def result_of(
    card: ModelCard, picture: Picture, *, method: str = GRADCAM, layer: str = "", numbers: tuple[float, ...] = ()
) -> "PredictionResult | None":
    """The answer for one picture, from this session's memory where it is there; None after an error box."""
    kept: dict[object, PredictionResult] = st.session_state.setdefault(state.PREDICTED, {})
    key = (card.name, card.sha256, picture.digest, method, layer, numbers)
    if key not in kept:
        beside = {"table": numbers} if numbers else {}
        asked = {} if (method, layer) == (GRADCAM, "") else {"method": method, "layer": layer}
        try:
            with st.spinner(waiting_words(card, method, layer), show_time=bool(asked)):
                kept[key] = door.predict(card.name, picture.load(), picture.name, **asked, **beside)
        except MedLensError as error:
            error_box(str(error))
            return None
        while len(kept) > KEPT_RESULTS:
            kept.pop(next(iter(kept)))
    return kept[key]


@st.fragment
def show_result(card: ModelCard, picture: Picture, numbers: tuple[float, ...] = (), *, measure: bool = True) -> None:
    """One picture: the sentence with the line that this is no diagnosis beside it, the bars, the map.

    Args:
        numbers: what goes in beside the picture, for a network that takes it (pages/ui/tabular.py).
        measure: whether its map is measured unasked (pages/ui/trust.py).
    """
    with st.container(border=True):
        st.caption(plain(picture.name) + (f"  ·  {plain(picture.note)}" if picture.note else ""))
        result = result_of(card, picture, numbers=numbers)
        if result is None:
            return
        unlike = result.ood is not None and result.ood.flagged
        if not unlike:
            _show_answer(card, picture, result, numbers, measure=measure)
            return
        said, warned = st.columns([3, 2], vertical_alignment="center")
        with said:
            st.markdown(f"### {plain(unlike_sentence(card))}")
            st.caption(plain(unlike_words(card, result.ood.percentile)))
            st.image(picture.shown, width=THUMBNAIL_PX, alt=t("{name}, untouched", name=picture.name))
        with warned:
            disclaimer()
        with st.expander(t("What the network answers all the same"), icon=":material/visibility_off:"):
            st.caption(t("It gives one of its answers for any picture. Nothing stands behind this one."))
            _show_answer(card, picture, result, numbers, unlike=True, measure=False)


def _show_answer(
    card: ModelCard, picture: Picture, result: "PredictionResult", numbers: tuple[float, ...], *, measure: bool,
    unlike: bool = False,
) -> None:  # fmt: skip
    """The sentence, the bars and the map; in grey, and without heading, for a picture that the gate flags."""
    probabilities = [float(p) for p in result.probabilities]
    called = decided_classes(result.probabilities, card)
    sentence = sentences.verdict_sentence(card, probabilities, called)
    said, warned = st.columns([3, 2], vertical_alignment="center")
    with said:
        st.markdown(f":gray[{sentence.replace('**', '')}]" if unlike else f"### {sentence}")
        st.caption(sentences.decision_words(card))
        if is_referred(probabilities, card) and not unlike:
            st.markdown(t(TOO_CLOSE))
        for answer, one in zip(sum_answers(probabilities, card), card.sums, strict=True):
            st.markdown(sentences.sum_sentence(answer, one.classes))
    with warned:
        if not unlike:
            disclaimer()
    mismatch = sentences.mismatch_sentence(card, synthetic=picture.synthetic)
    if mismatch:
        st.error(mismatch, icon=":material/link_off:")
    bars, controls = st.columns([3, 2], gap="large", vertical_alignment="center")
    with bars:
        _show_bars(card, picture, probabilities)
    with controls:
        first = sentences.shown_class(card, probabilities)
        chosen, strength, (method, layer, measured) = _controls(card, picture, first, measure)
    if (method, layer) != (GRADCAM, ""):
        result = result_of(card, picture, method=method, layer=layer, numbers=numbers) or result
    heatmap = result.heatmaps[card.class_names.index(chosen)]
    hiding = measured_hiding(card, picture, result, heatmap, numbers) if measured else None
    words = "" if hiding is None else hiding_words(hiding, heatmap.class_name)
    untouched, looked = st.columns(2, gap="medium")
    with untouched:
        st.image(
            picture.shown, caption=t("The picture as it came"), width="stretch",
            alt=t("{name}, untouched", name=picture.name),
        )  # fmt: skip
    with looked:
        _show_map(card, picture, heatmap, strength, sentence, words)
    if hiding is not None:
        trust_strip(
            card, picture, result, heatmap, hiding, method=method, layer=layer, numbers=numbers,
            other=lambda second: result_of(card, picture, method=second, numbers=numbers),
        )  # fmt: skip
    st.caption(sentences.domain_sentence(card))
    note = " ".join(part for part in (picture.note, mismatch, words) if part)
    with st.container(horizontal=True):
        report_buttons(
            lambda: [
                gallery_item(
                    card, picture.load(), result, name=picture.name, class_name=chosen, strength=strength,
                    taken=datetime.now(UTC), note=note, file_sha256=picture.sha256,
                )
            ],
            f"medlens-report-{card.name}-{picture.digest[:8]}", f"{card.name}-{picture.digest}",
        )  # fmt: skip
        if st.button(
            t("Change this picture and watch"), icon=":material/science:", key=f"play-{card.name}-{picture.digest}",
            on_click=lambda: st.session_state.update({state.PLAYED: picture}),
        ):  # fmt: skip
            st.switch_page("pages/playground.py")


def _show_bars(card: ModelCard, picture: Picture, probabilities: list[float]) -> None:
    first = sentences.shown_class(card, probabilities)
    cuts = {} if card.task == "multiclass" else dict(card.threshold.values)
    said = ", ".join(f"{t(n)} {percent(p)}" for n, p in zip(card.class_names, probabilities, strict=True))
    chart(
        probability_figure(probabilities, card.class_names, highlighted=first, cuts=cuts),
        alt=t("Probabilities: {values}", values=said),
        key=f"bars-{card.name}-{picture.digest}",
    )


def _controls(card: ModelCard, picture: Picture, first: str, measure: bool) -> tuple[str, float, tuple[str, str, bool]]:
    """What steers the map: (class, strength in [0, 1], what `choose_method` gives)."""
    names, key = list(card.class_names), f"{card.name}-{picture.digest}"
    label = t("Where it looked for")
    if len(names) <= MANY_CLASSES:
        chosen = st.segmented_control(
            label, names, default=first, required=True, wrap=True, key=f"class-{key}", format_func=t
        )
    else:
        chosen = st.selectbox(label, names, index=names.index(first), key=f"class-{key}", format_func=t)
    strength = st.slider(t("Strength of the map"), 0, 100, 55, format="%d %%", key=f"strength-{key}")
    return str(chosen or first), strength / 100, choose_method(card, key, measure=measure)


def _show_map(card: ModelCard, picture: Picture, heatmap: Heatmap, strength: float, sentence: str, trust: str) -> None:
    """The overlay with its colour bar and words; `trust` is what was measured of it, "" for nothing."""
    shown = picture.shown
    heat = heat_on_picture(heatmap.values, card.preprocess, *shown.shape[:2])
    words = attention_words(heat, heatmap.is_empty)
    overlay = shown if heatmap.is_empty else blend(shown, heat, strength)
    name = t(heatmap.class_name)
    st.image(
        overlay, caption=t("Where it looked for {name}", name=name), width="stretch",
        alt=t("Heat map for {name}: {words}. {trust}", name=name, words=words, trust=trust).strip(),
    )  # fmt: skip
    if heatmap.is_empty:
        st.info(sentences.map_sentence(heatmap), icon=":material/blur_off:")
        return
    st.image(colour_bar(strength), width="stretch", alt=t("Colour bar, from low to high attention"))
    with st.container(horizontal=True, horizontal_alignment="distribute", wrap=False):
        st.caption(t("low attention"), width="content")
        st.caption(t("high attention"), width="content")
    st.caption(f"{sentences.map_sentence(heatmap)} {t('Here: {words}.', words=words)}")
    st.caption(plain(place_sentence(card, heatmap)))
    lines = [
        f"{picture.name}: {sentence.replace('**', '')}",
        f"{t('Model {name}, run {run}.', name=card.name, run=card.run_id or t('none'))} "
        f"{sentences.map_sentence(heatmap)}",
        t(NOT_A_DIAGNOSIS),
    ]
    st.download_button(
        t("Download the overlay (PNG)"),
        data=spoken_later(lambda: _png(overlay, lines, strength)),
        file_name=f"medlens-{card.name}-{picture.digest[:8]}.png",
        mime="image/png",
        icon=":material/download:",
        on_click="ignore",
        key=f"download-{card.name}-{picture.digest}",
    )


def _png(overlay, lines: list[str], strength: float) -> bytes:  # type: ignore[no-untyped-def]
    from core.data.images import encode_png

    return encode_png(captioned_overlay(overlay, lines, strength))
