"""The gallery of the session: processed pictures beside their overlays, to look at, to take along, to clear.

It lives in the session's state and nowhere else: nothing is written to a disk, and it ends with the session.
"""

import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.data.images import decode_image, encode_jpeg, encode_png
from core.evaluation.decision import decided_classes
from core.evaluation.referral import is_referred
from core.evaluation.sums import sum_answers
from core.figures import sentences
from core.figures.doubts import TOO_CLOSE, unlike_sentence
from core.figures.explaining import place_sentence
from core.figures.names import model_title
from core.figures.overlay import attention_words, blend, heat_on_picture, shrink
from core.figures.report import plain_sentence
from core.figures.sheet import captioned_overlay
from core.figures.text import NOT_A_DIAGNOSIS, percent
from core.language import t, tn
from core.types import Heatmap, ModelCard
from pages.ui import state
from pages.ui.blocks import plain
from pages.ui.languages import spoken_later
from pages.ui.reports import report_buttons

if TYPE_CHECKING:
    from core.nn.serving import PredictionResult

KEPT = 24  # pictures; with their overlays about 6 MB a session
SHOWN_PX = 512  # pictures are kept at a size for a screen: longest side under twice this
PER_ROW = 2
CARD_PX = 320  # narrower cards would make the pictures in them thumbnails of thumbnails


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryItem:
    """One processed picture: JPEG bytes of picture and overlay at screen size, and all words that belong to them.

    `sentence` is Markdown; `taken` is local time with its zone; `digest` names the picture's own pixels. `details` are
    plain sentences on how far the answer can be trusted; `limits` say what the model is not for; `file_sha256` is that
    of the file the picture came in, "" where there was none.
    """

    name: str
    taken: datetime
    model: str
    model_title: str
    run_id: str
    sentence: str
    class_name: str
    map_words: str
    place_words: str
    note: str
    strength: float
    digest: str
    picture: bytes
    overlay: bytes
    details: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    model_sha256: str = ""
    file_sha256: str = ""


def gallery_item(
    card: ModelCard,
    pixels: np.ndarray,
    result: "PredictionResult",
    *,
    name: str,
    class_name: str | None,
    strength: float,
    taken: datetime,
    note: str = "",
    file_sha256: str = "",
) -> GalleryItem:
    """A picture with what the network gave for it.

    Args:
        pixels: (H, W, 3) uint8, the picture as it came.
        result: probabilities (C,) and one heat map per class.
        class_name: the class of the map; None takes the one that a page shows first.
        strength: opacity of full heat, in [0, 1].
        note: what else must be said of this picture ("" for nothing).
        file_sha256: of the file that it came in ("" for none).
    """
    probabilities = [float(p) for p in result.probabilities]
    chosen = class_name or sentences.shown_class(card, probabilities)
    heatmap = result.heatmaps[card.class_names.index(chosen)]
    shown = shrink(pixels, SHOWN_PX)
    heat = heat_on_picture(heatmap.values, card.preprocess, *shown.shape[:2])
    return GalleryItem(
        name=name,
        taken=taken,
        model=card.name,
        model_title=card.title,
        run_id=card.run_id,
        sentence=_sentence(card, result),
        class_name=chosen,
        map_words=sentences.map_sentence(heatmap),
        place_words=attention_words(heat, heatmap.is_empty),
        note=" ".join(
            part for part in (note, t(TOO_CLOSE).strip("*") if is_referred(probabilities, card) else "") if part
        ),
        strength=strength,
        digest=hashlib.blake2b(pixels, digest_size=8).hexdigest(),
        picture=encode_jpeg(shown),
        overlay=encode_jpeg(shown if heatmap.is_empty else blend(shown, heat, strength)),
        details=_details(card, probabilities, heatmap),
        limits=card.limits,
        model_sha256=card.sha256,
        file_sha256=file_sha256,
    )


def _sentence(card: ModelCard, result: "PredictionResult") -> str:
    """The verdict; behind the gate's sentence where the picture is unlike the training images."""
    probabilities = [float(p) for p in result.probabilities]
    verdict = sentences.verdict_sentence(card, probabilities, decided_classes(result.probabilities, card))
    if result.ood is None or not result.ood.flagged:
        return verdict
    answered = t("What it answers all the same: {verdict}", verdict=plain_sentence(verdict))
    return f"**{unlike_sentence(card)}** {answered}"


def _details(card: ModelCard, probabilities: Sequence[float], heatmap: Heatmap) -> tuple[str, ...]:
    """Every probability, the sums, the cut, how good the model is, and that it answers for any picture."""
    given = "; ".join(f"{t(name)} {percent(p)}" for name, p in zip(card.class_names, probabilities, strict=True))
    answers = zip(sum_answers(probabilities, card), card.sums, strict=True)
    measured = ". ".join(sentences.card_estimates(card))
    return (
        t("Probabilities: {given}.", given=given),
        *(plain_sentence(sentences.sum_sentence(answer, one.classes)) for answer, one in answers),
        sentences.decision_words(card),
        *([t("On its test images: {measured}.", measured=measured)] if measured else []),
        place_sentence(card, heatmap),
        sentences.domain_sentence(card),
    )


def with_item(
    items: Sequence[GalleryItem], item: GalleryItem, kept: int
) -> tuple[tuple[GalleryItem, ...], GalleryItem | None]:
    """(`items` with `item` as the newest, first; the oldest one if it had to make room)."""
    longer = (item, *items)
    return longer[:kept], longer[kept] if len(longer) > kept else None


def file_name(item: GalleryItem) -> str:
    """The name under which one sheet is saved: model, time, and eight digits of the picture."""
    return f"medlens-{item.model}-{item.taken:%Y%m%d-%H%M%S}-{item.digest[:8]}.png"


def sheet_png(item: GalleryItem) -> bytes:
    """The overlay with its colour bar and the words that it must not be seen without, as PNG."""
    lines = [
        f"{item.name}, {item.taken:%Y-%m-%d %H:%M:%S %Z}: {item.sentence.replace('**', '')}",
        t("Model {model}, run {run}.", model=item.model, run=item.run_id or t("none")) + f" {item.map_words}",
        *([item.note] if item.note else []),
        t(NOT_A_DIAGNOSIS),
    ]
    return encode_png(captioned_overlay(decode_image(item.overlay, item.name), lines, item.strength))


def gallery_zip(items: Sequence[GalleryItem]) -> bytes:
    """Every sheet, oldest first and numbered, as one ZIP; PNG is packed already, so it is stored as it is."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for position, item in enumerate(reversed(items), start=1):
            entry = zipfile.ZipInfo(f"{position:02d}-{file_name(item)}", item.taken.timetuple()[:6])
            archive.writestr(entry, sheet_png(item))
    return packed.getvalue()


def add_to_gallery(item: GalleryItem) -> None:
    """Put a picture into this session's gallery; the oldest makes room, and the page says so."""
    items, dropped = with_item(in_gallery(), item, KEPT)
    st.session_state[state.GALLERY] = items
    if dropped is not None:
        st.session_state[state.GALLERY_DROPPED] = st.session_state.get(state.GALLERY_DROPPED, 0) + 1


def in_gallery() -> tuple[GalleryItem, ...]:
    """This session's pictures, the newest first."""
    return tuple(st.session_state.get(state.GALLERY, ()))


def show_gallery(empty: str) -> None:
    """The gallery as cards, with its downloads; `empty` says how something gets into it."""
    items = in_gallery()
    st.subheader(t("Gallery of this session"), anchor=False)
    if not items:
        st.caption(empty)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            t("Download all {count} (ZIP)", count=len(items)) if len(items) > 1 else t("Download as ZIP"),
            data=spoken_later(lambda: gallery_zip(items)),
            file_name=f"medlens-gallery-{items[0].taken:%Y%m%d-%H%M%S}.zip",
            mime="application/zip",
            icon=":material/folder_zip:",
            on_click="ignore",
            key="gallery-zip",
        )
        report_buttons(lambda: items, f"medlens-gallery-{items[0].taken:%Y%m%d-%H%M%S}", "gallery")
        st.button(t("Clear the gallery"), icon=":material/delete:", on_click=clear_gallery, key="gallery-clear")
    dropped = st.session_state.get(state.GALLERY_DROPPED, 0)
    parts = [t("Kept in the memory of this session only, and gone when it ends.")]
    if dropped:
        parts.append(
            tn(
                "{n} older picture made room: {kept} are kept.", "{n} older pictures made room: {kept} are kept.",
                dropped, kept=KEPT,
            )
        )  # fmt: skip
    st.caption(" ".join([*parts, t(NOT_A_DIAGNOSIS)]))
    with st.grid(PER_ROW, min_column_width=CARD_PX):
        for item in items:
            _show_item(item)


def clear_gallery() -> None:
    """Forget every picture of the gallery."""
    for key in (state.GALLERY, state.GALLERY_DROPPED):
        st.session_state.pop(key, None)


def _show_item(item: GalleryItem) -> None:
    key = f"{item.model}-{item.digest}-{item.taken:%H%M%S%f}"
    with st.container(border=True, key=f"gallery-{key}"):
        st.caption(f"{plain(item.name)}  ·  {item.taken:%H:%M:%S}  ·  {plain(model_title(item.model_title))}")
        with st.grid(2, min_column_width=120, gap="small"):
            st.image(item.picture, caption=t("As it came"), width="stretch", alt=t("{name}, untouched", name=item.name))
            st.image(
                item.overlay,
                caption=t("Where it looked for {class_name}", class_name=t(item.class_name)), width="stretch",
                alt=t("Heat map for {class_name}: {place}", class_name=t(item.class_name), place=item.place_words),
            )  # fmt: skip
        st.markdown(item.sentence)
        if item.note:
            st.caption(item.note)
        st.download_button(
            t("Download (PNG)"),
            data=spoken_later(lambda: sheet_png(item)),
            file_name=file_name(item),
            mime="image/png",
            icon=":material/download:",
            on_click="ignore",
            key=f"gallery-png-{key}",
        )
