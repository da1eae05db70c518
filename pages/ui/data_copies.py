"""The Data page's search for copies: pairs side by side, what they do to the splits, and labels that contradict."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from core.data.copies import conflicting_labels
from core.errors import ImageRefused, MedLensError
from core.figures.names import label_title
from core.figures.overlay import shrink
from core.figures.text import group_word
from core.language import t, tn
from core.registry.labels import AS_IS
from core.types import DatasetSpec, DatasetTable
from pages.ui import data_cache
from pages.ui.blocks import error_box, plain

if TYPE_CHECKING:
    from core.data.copies import CopyReport

SHOWN = 6  # pairs at once
SHOWN_PX = 300


def show_copies(spec: DatasetSpec, table: DatasetTable) -> None:
    """What the table alone says at once; the rest after a click, as every picture has to be decoded."""
    conflicts = conflicting_labels(table)
    if conflicts:
        some = "; ".join(", ".join(ids) for ids in conflicts[:3])
        st.warning(
            tn("{n} set of files that are equal to the byte has different labels: {ids}.",
               "{n} sets of files that are equal to the byte have different labels: {ids}.", len(conflicts),
               ids=plain(some)),
            icon=":material/warning:",
        )  # fmt: skip
    if spec.synthetic:
        st.caption(t("Phantoms are drawn one by one; there are no copies to look for."))
        return
    asked = f"copies-{spec.key}"
    if not st.session_state.get(asked):
        st.markdown(
            t("A split by patient cannot see a copy that was saved anew, or that stands under another patient. To find "
              "those, every picture is decoded once and compared with all others."),
            width=820,
        )  # fmt: skip
        st.button(
            tn("Look for copies among {n} image", "Look for copies among {n} images", len(table)),
            key=f"look-{spec.key}", icon=":material/content_copy:", on_click=_ask, args=(asked,),
            help=t("Some seconds for a thousand images. In a terminal: {command}",
                   command=f"`python -m core data duplicates {spec.key}`"),
        )  # fmt: skip
        return
    try:
        with st.spinner(t("Looking at every picture; the first time this takes a while…")):
            found = data_cache.copies(table, (*spec.label_schemes, AS_IS)[0])
    except MedLensError as error:
        error_box(str(error))
        return
    _summary(spec, found)
    if len(found.pairs):
        _pairs(spec, table, found)


def _ask(asked: str) -> None:
    st.session_state[asked] = True


def _summary(spec: DatasetSpec, found: "CopyReport") -> None:
    pairs, word = len(found.pairs), group_word(spec.group_field)
    if not pairs:
        st.success(t("No two of {n} images look alike.", n=f"{found.n_images:,}"), icon=":material/check:")
        return
    kinds = {"group": t("the split by {word}", word=t(word)), "official": t("the source's own split")}
    lines = [
        tn("{n} pair of {images} images looks alike, {identical} of them to the last pixel.",
           "{n} pairs of {images} images look alike, {identical} of them to the last pixel.", pairs,
           images=f"{found.n_images:,}", identical=f"{found.count('identical'):,}"),
        tn("{n} pair stands under two different identities ({word}).",
           "{n} pairs stand under two different identities ({word}).", found.between_groups, word=t(word)),
        tn("{n} pair has different labels.", "{n} pairs have different labels.", found.count("labels_differ")),
        tn("{n} pair lies across two parts of {split}; a random split would tear {random} apart.",
           "{n} pairs lie across two parts of {split}; a random split would tear {random} apart.",
           found.count("across"), split=kinds.get(found.split_kind, found.split_kind),
           random=f"{found.count('across_random'):,}"),
    ]  # fmt: skip
    st.markdown("\n".join(f"- {plain(line)}" for line in lines))
    sizes = [f"{width} x {height} px ({count:,})" for (width, height), count in found.sizes_px[:4]]
    if len(found.sizes_px) > len(sizes):
        sizes.append(tn("{n} more size", "{n} more sizes", len(found.sizes_px) - len(sizes)))
    st.caption(plain(t("Sizes of the images: {sizes}.", sizes=", ".join(sizes))))


def _pairs(spec: DatasetSpec, table: DatasetTable, found: "CopyReport") -> None:
    pairs = found.pairs
    word = group_word(spec.group_field)
    masks = {
        "across": (t("across two parts of the split"), pairs["across"]),
        "groups": (t("two different identities ({word})", word=t(word)), ~pairs["same_group"]),
        "labels": (t("different labels"), pairs["labels_differ"]),
        "all": (t("all pairs"), pairs["distance"] >= 0),
    }
    counts = {key: int(mask.sum()) for key, (_, mask) in masks.items()}
    kept = [key for key in masks if counts[key]]
    chosen = st.selectbox(
        t("Pairs to look at"), kept, format_func=lambda key: f"{masks[key][0]} ({counts[key]:,})",
        key=f"pairs-{spec.key}", width=400,
    )  # fmt: skip
    with st.grid(3, min_column_width=330, gap="medium"):
        for row in pairs[masks[chosen][1]].head(SHOWN).to_dict("records"):
            with st.container(border=True):
                _pair(row, table)
    if counts[chosen] > SHOWN:
        st.caption(
            t("The first {shown} of {n}; `{command}` lists all.", shown=SHOWN, n=f"{counts[chosen]:,}",
              command=f"python -m core data duplicates {spec.key} --json")
        )  # fmt: skip


def _pair(row: dict[str, Any], table: DatasetTable) -> None:
    from core.data.sources import read_image

    with st.grid(2, min_column_width=120, gap="small"):
        for side in ("first", "second"):
            words = label_title(data_cache.label_words(str(row[f"{side}_label"]), table.spec))
            split = t(row[f"{side}_split"]) if row[f"{side}_split"] else t("in no part")
            try:
                picture = shrink(read_image(str(row[f"{side}_path"])), SHOWN_PX)
            except ImageRefused as error:
                error_box(str(error))
                continue
            st.image(
                picture, width="stretch", alt=f"{row[side]}, {words}",
                caption=f"{plain(row[side])}  \n{plain(words)}, {split}",
            )  # fmt: skip
    alike = (
        t("equal to the last pixel")
        if row["identical"]
        else t("{bits} of 64 bits differ, likeness {likeness}", bits=row["distance"], likeness=f"{row['likeness']:.3f}")
    )
    same = t("one identity") if row["same_group"] else t("two identities")
    st.caption(f"{same}; {alike}")
