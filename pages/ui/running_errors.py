"""The part of the Run page about its errors: the worst, the cells of the matrix, and the reader's notes on them."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.errors import StoreError
from core.evaluation.failures import ALARM, MISSED, cell_images, confused_pairs, worst_errors
from core.figures.confusion import confusion_figure
from core.language import t, tn
from core.store.notes import RunNotes, load_notes, write_note
from core.types import Evaluation, RunRecord
from pages.ui import cache
from pages.ui.at_hand import show_pictures
from pages.ui.blocks import error_box, plain
from pages.ui.charts import chart_with_numbers, csv_button
from pages.ui.comparing import choose_class
from pages.ui.comparing_cache import threshold_of
from pages.ui.error_maps import maps_under

WORST = 24
PAIRS_NAMED = 5
FAILED = "note-failed"  # session state: why the last note could not be kept


def tags() -> list[str]:
    """Tags that are offered; a reader may type others."""
    return [t("wrong label"), t("poor picture"), t("subtle finding"), t("artefact or device"), t("cannot explain")]


@st.fragment
def show_errors(record: RunRecord, evaluation: Evaluation) -> None:
    """Worst errors of a class, or the images of a clicked cell; each can be noted."""
    views = {"worst": t("The worst errors"), "cell": t("A cell of the matrix")}
    if record.task == "multilabel":
        views.pop("cell")
    view = st.segmented_control(
        t("Look at"), list(views), default="worst", format_func=lambda v: views[v], required=True,
        key=f"errors-view-{record.run_id}",
    )  # fmt: skip
    rows, looked_for = _cell(record, evaluation) if view == "cell" else _worst(record, evaluation)
    if rows.empty:
        st.success(t("No image lies here."), icon=":material/check:")
    else:
        told = _notes(record)
        marked = rows.assign(
            note=[note.text if (note := told.of(i)) is not None else "" for i in rows["image_id"]],
            tags=[", ".join(note.tags) if (note := told.of(i)) is not None else "" for i in rows["image_id"]],
        )
        st.dataframe(
            marked.assign(truth=marked["truth"].map(t), decision=marked["decision"].map(t)), hide_index=True,
            height=280 if len(rows) > 7 else "content",
            column_config={"score": st.column_config.NumberColumn(t("score"), format="%.3f"),
                           "image_id": t("image"), "group": t("group"), "truth": t("truth"),
                           "decision": t("decision"), "note": t("note"), "tags": t("tags")},
            alt=t("Images that the run gets wrong, the worst first, with the reader's notes"),
        )  # fmt: skip
        csv_button(marked.assign(run_id=record.run_id, split="test"), f"errors-{record.run_id}", "errors")
        captions = {
            row.image_id: t("{truth}, called {decision}, score {score}", truth=t(row.truth), decision=t(row.decision),
                            score=f"{row.score:.3f}")
            for row in rows.itertuples()
        }  # fmt: skip
        show_pictures(
            record, rows["image_id"].tolist(), captions, f"errors-{record.run_id}",
            under=lambda: maps_under(record, looked_for),
        )  # fmt: skip
        _write(record, rows["image_id"].tolist(), told)


def _worst(record: RunRecord, evaluation: Evaluation) -> tuple[pd.DataFrame, str]:
    """(the images, the class that they are wrong about)."""
    binary = evaluation.positive_class is not None
    name = str(evaluation.positive_class) if binary else choose_class(evaluation.class_names, f"wrong-{record.run_id}")
    kinds = {MISSED: t("missed"), ALARM: t("false alarms")}
    kind = st.segmented_control(
        t("Errors"), list(kinds), default=MISSED, format_func=lambda k: kinds[k], required=True,
        key=f"errors-kind-{record.run_id}",
    )  # fmt: skip
    rows = worst_errors(cache.predictions(record), threshold_of(record), name, str(kind), WORST)
    said = (
        t("Images with {name} that got the lowest scores for it, at the run's own decision.", name=plain(t(name)))
        if kind == MISSED
        else t(
            "Images without {name} that got the highest scores for it, at the run's own decision.", name=plain(t(name))
        )
    )
    st.caption(said)
    return rows, name


def _cell(record: RunRecord, evaluation: Evaluation) -> tuple[pd.DataFrame, str]:
    """(the images, the class that was decided for)."""
    names = list(evaluation.class_names)
    pairs = confused_pairs(evaluation.confusion, names)
    truth_key, call_key = f"cell-truth-{record.run_id}", f"cell-call-{record.run_id}"
    if pairs:
        st.session_state.setdefault(truth_key, pairs[0][0])
        st.session_state.setdefault(call_key, pairs[0][1])
    matrix, said = st.columns([3, 2], gap="medium")
    with matrix:
        frame = pd.DataFrame(evaluation.confusion, columns=names)
        frame.insert(0, t("truth"), names)
        clicked = chart_with_numbers(
            confusion_figure(evaluation.confusion, names, clickable=True),
            frame.assign(run_id=record.run_id, split="test"),
            alt=t("Confusion matrix on test, rows are the truth; a click on a cell lists its images"),
            name=f"confusion-{record.run_id}", key=f"clickable-{record.run_id}", select=True,
        )  # fmt: skip
    _take_click(clicked, names, truth_key, call_key, f"clicked-{record.run_id}")
    with said:
        if pairs:
            st.markdown(f"**{t('Most confused')}**")
            st.markdown(
                "\n".join(
                    "- "
                    + t("{truth} called {decision}: {n} of {all}", truth=plain(t(a)), decision=plain(t(b)), n=n, all=of)
                    for a, b, n, of in pairs[:PAIRS_NAMED]
                )
            )
        truth = st.selectbox(t("Truth"), names, key=truth_key, format_func=t)
        call = st.selectbox(t("Decision"), names, key=call_key, format_func=t)
    rows = cell_images(cache.predictions(record), threshold_of(record), str(truth), str(call))
    st.markdown(
        tn("{n} image of {truth} called {decision}", "{n} images of {truth} called {decision}", len(rows),
           truth=plain(t(str(truth))), decision=plain(t(str(call))))
    )  # fmt: skip
    return rows, str(call)


def _take_click(clicked: object, names: Sequence[str], truth_key: str, call_key: str, seen_key: str) -> None:
    """A newly clicked cell sets both select boxes; they are also there for those who do not click."""
    selection = getattr(clicked, "selection", None)
    points = selection.get("points", []) if selection else []
    if not points:
        return
    at = (int(points[0].get("y", 0)), int(points[0].get("x", 0)))
    if st.session_state.get(seen_key) != at and max(at) < len(names):
        st.session_state[seen_key] = at
        st.session_state[truth_key], st.session_state[call_key] = names[at[0]], names[at[1]]


def _notes(record: RunRecord) -> RunNotes:
    try:
        return load_notes(record.run_id)
    except StoreError as error:
        error_box(str(error))
        return RunNotes(run_id=record.run_id)


def _write(record: RunRecord, image_ids: Sequence[str], told: RunNotes) -> None:
    """A note on one of the images above; kept in a file of the reader's own."""
    with st.expander(t("Note and tag an error"), icon=":material/edit_note:"):
        image_id = str(st.selectbox(t("Image"), image_ids, key=f"note-image-{record.run_id}"))
        before = told.of(image_id)
        own = f"{record.run_id}-{image_id}"
        with st.form(f"note-{own}", border=False):
            st.text_area(t("Note"), before.text if before else "", max_chars=2000, key=f"note-text-{own}")
            st.multiselect(
                t("Tags"), list(dict.fromkeys([*tags(), *(before.tags if before else ())])),
                default=list(before.tags) if before else [], accept_new_options=True, max_selections=8,
                key=f"note-tags-{own}",
            )  # fmt: skip
            st.form_submit_button(t("Keep"), icon=":material/save:", on_click=_keep, args=(record.run_id, image_id))
        failed = st.session_state.pop(FAILED, None)
        if failed:
            error_box(failed)
        st.caption(
            t("Notes lie in a file of your own on the machine of this app, one per run; the run itself is never "
              "changed. Name no patient in them. {n} kept so far.", n=len(told.notes))
        )  # fmt: skip
        if told.notes:
            frame = pd.DataFrame(
                {"run_id": record.run_id, "image_id": n.image_id, "note": n.text, "tags": ", ".join(n.tags),
                 "updated_utc": n.updated_utc}
                for n in told.notes
            )  # fmt: skip
            csv_button(frame, f"notes-{record.run_id}", f"notes-{record.run_id}")


def _keep(run_id: str, image_id: str) -> None:
    """Write the note before the page is drawn again."""
    own = f"{run_id}-{image_id}"
    try:
        write_note(run_id, image_id, st.session_state[f"note-text-{own}"], st.session_state[f"note-tags-{own}"])
    except (StoreError, OSError) as error:
        st.session_state[FAILED] = str(error)
