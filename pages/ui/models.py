"""Bring your own network: drop a file, see what was found, answer what the file cannot say, add it.

The file is never opened in the app's own process (core/nn/foreign.py).
"""

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from core import limits
from core.errors import MedLensError
from core.figures.names import architecture_title, model_title
from core.language import retold, t
from core.registry.pixels import RANGES
from core.serve.adding import room, who_may_add
from core.serve.networks import add_upload, check_upload
from core.types import ModelCard, TabularInput
from pages.ui import state
from pages.ui.blocks import error_box, facts, plain
from pages.ui.model_choice import named

if TYPE_CHECKING:
    from core.nn.foreign import ForeignReport

OUTPUTS = {"softmax": "one of the classes (softmax)", "sigmoid": "each class for itself (sigmoid)"}
MAX_KEPT = 8  # reports of a session


def model_table(cards: tuple[ModelCard, ...]) -> None:
    """Every model that the pages use."""
    rows = [
        {
            t("Model"): named(card),
            t("Origin"): t("brought along, not measured") if card.source_file else t("trained here"),
            t("Classes"): ", ".join(map(t, card.class_names[:8])) + (" …" if len(card.class_names) > 8 else ""),
            t("Network"): architecture_title(card.architecture),
            t("Open"): f"predict?model={card.name}",
        }
        for card in cards
    ]
    st.dataframe(
        rows, hide_index=True, width="stretch", alt=t("{n} models with classes, network and origin", n=len(rows)),
        column_config={t("Open"): st.column_config.LinkColumn(display_text=t("predict"))},
    )  # fmt: skip


def bring_your_own() -> None:
    """The uploader, and below it what was found and the questions; where nobody may add one, why."""
    if not _may_add():
        return
    upload = st.file_uploader(
        t("Drop a Keras network: .keras, or a legacy .h5 of a whole model"),
        # the widget counts in thousands and rounds: from half of its next unit on it says "1GB per file"
        max_upload_size=min(limits.MAX_MODEL_BYTES, 499_000_000) // 1024**2,
        help=t(
            "It is read without running it, then tried in a process of its own with limited memory and time. "
            "Networks with code inside (Lambda, custom classes) are refused."
        ),
        key="network",
    )
    if upload is None:
        return
    report = _report_of(upload)
    if report is None:
        return
    take = _output_chosen(report)
    if take and take != report.found.output_name:
        report = _report_of(upload, take)
    if report is not None:
        _show_found(report)
        _ask(upload, report, take)


def _may_add() -> bool:
    """Say who may add networks here, and how many still; whether visitors may."""
    allowed = who_may_add(st.get_option("server.address") or "", st.get_option("server.allowedHosts") or [])
    if allowed != "everyone here":
        st.info(
            t("Adding networks is switched off on this server (MEDLENS_MODELS_ADD=off).")
            if allowed == "switched off"
            else t(
                "This server is reached by others and asks for no token, so nobody can add networks on this page. Set "
                "MEDLENS_TOKEN, or MEDLENS_MODELS_ADD=on if everybody who reaches it may."
            ),
            icon=":material/lock:",
        )
        return False
    found = room()
    st.caption(
        t(
            "{count} of at most {most} networks have been added here, {used} of {gigabytes} GB. Everybody who opens "
            "these pages sees and uses them; whoever runs the server removes one by deleting its folder.",
            count=found.models, most=limits.MAX_ADDED_MODELS, used=f"{found.used_bytes / 1e9:.1f}",
            gigabytes=f"{limits.MAX_ADDED_BYTES / 1e9:.0f}",
        )
    )  # fmt: skip
    return True


def _output_chosen(report: "ForeignReport") -> str:
    """The output that answers, of a network with several; "" where there is no choice."""
    names = [one.name for one in report.found.choices]
    if len(names) < 2:
        return ""
    sizes = {one.name: one for one in report.found.choices}
    return str(
        st.selectbox(
            t("The network has several outputs. Which one answers?"), names, key="network-output",
            format_func=lambda name: t(
                "{name}: {units} numbers, {kind}", name=name, units=sizes[name].units, kind=sizes[name].kind
            ),
            help=t("The layers that only the others need are left out."),
        )
    )  # fmt: skip


def _report_of(upload: Any, take: str = "") -> "ForeignReport | None":
    """What was found in the file, from this session's memory where it is there; None after an error box."""
    kept = st.session_state.setdefault(state.NETWORKS, {})
    key = hashlib.sha256(upload.getbuffer()).hexdigest() + take
    if key not in kept:
        try:
            with st.status(t("Reading the network…")) as status:
                kept[key] = check_upload(upload, _told(status), **({"take": take} if take else {}))
                status.update(label=t("Read and tried on four pictures."), state="complete")
        except MedLensError as error:
            error_box(str(error))
            return None
        while len(kept) > MAX_KEPT:
            kept.pop(next(iter(kept)))
    return kept[key]


def _show_found(report: "ForeignReport") -> None:
    found, probe = report.found, report.probe
    side = found.size_px
    takes = t("colour pictures of {side} x {side} pixels", side=side)
    if found.channels == 1:
        takes = t("grey pictures of {side} x {side} pixels", side=side)
    if found.table_columns:
        takes = t("{pictures}, and {n} numbers beside each", pictures=takes, n=found.table_columns)
    span = t("{low} to {high}", low=f"{probe.lowest:.3g}", high=f"{probe.highest:.3g}")
    if probe.same_for_all:
        span = t("{span}, the same for each: it may not look at the picture", span=span)
    grid = t("{layer}, {grid} cells", layer=probe.cam_layer, grid=" x ".join(map(str, probe.cam_grid)))
    if probe.empty_maps:
        grid = t("{cells}; empty for all four pictures", cells=grid)
    reason = retold(found.pixel_reason)
    kinds = ", ".join(f"{count} {kind}" for kind, count in list(found.layer_kinds.items())[:5])
    facts(
        {
            t("Saved by"): f"Keras {found.keras_version}" if found.keras_version else "",
            t("Takes"): takes,
            t("Gives"): t("{n} numbers; last activation: {kind}", n=found.outputs, kind=found.output_kind),
            t("On four pictures"): span,
            t("Layers"): t(
                "{layers} ({kinds}); {parameters} parameters",
                layers=f"{found.layers:,}", kinds=kinds, parameters=f"{found.parameters:,}",
            ),
            t("Heat maps from"): grid,
            t("Pixel range"): t("stated in the file: {reason}", reason=reason)
            if found.pixel_sure
            else t("guessed: {reason}", reason=reason),
        },
        alt=t("What was found in the network"),
    )  # fmt: skip


def _ask(upload: Any, report: "ForeignReport", take: str) -> None:
    """The questions that the file cannot answer, and the button that adds the network."""
    found = report.found
    with st.form("bring-your-own"):
        first, second = st.columns(2, gap="large")
        with first:
            name = st.text_input(
                t("Name of the folder"), placeholder="my-network", help=t("Lowercase letters, digits, -")
            )
            title = st.text_input(t("Title"), placeholder=t("What a reader sees"))
            classes = st.text_area(
                t("{n} class names, one a line, in the order of the outputs", n=found.class_count), height=120,
                placeholder="\n".join(found.class_names[:6]),
                help=t("Of one sigmoid: the class of 0 first. Nothing in the file can confirm their order."),
            )  # fmt: skip
        with second:
            pixels = st.selectbox(
                t("Pixel range that it was trained on"), list(RANGES), index=list(RANGES).index(found.pixel_scaling),
                format_func=lambda key: t(RANGES[key]), help=retold(found.pixel_reason),
            )  # fmt: skip
            output = _output_asked(report)
            positive = ""
            if found.class_count == 2:
                positive = st.text_input(
                    t("Class that is looked for"), help=t("One of both; of one sigmoid, the second.")
                )
            table = ""
            if found.table_columns:
                table = st.text_area(
                    t("{n} numbers beside the picture, one a line: name, lowest, highest", n=found.table_columns),
                    placeholder=t("age, 0, 110\nsex, 0, 1"), height=90,
                )  # fmt: skip
        sent = st.form_submit_button(t("Add this network"), type="primary", icon=":material/add:")
    if not sent:
        return
    try:
        stated = {
            "name": name.strip(), "title": title.strip(), "class_names": _lines(classes), "pixel_scaling": pixels,
            "output": output, "positive_class": positive.strip() or None, "table": _table(table),
        }  # fmt: skip
        if take:
            stated["take"] = take
        with st.status(t("Adding the network…")) as status:
            card = add_upload(upload, stated, _told(status))
            status.update(label=t("Added."), state="complete")
    except MedLensError as error:
        error_box(str(error))
        return
    st.success(
        t(
            "{title} is on every page now. It runs on {engine}.",
            title=plain(model_title(card.title)),
            engine=card.engine,
        ),
        icon=":material/check:",
    )
    st.page_link("pages/predict.py", label=t("Try it on Predict"), query_params={"model": card.name})
    st.markdown("\n".join(f"- {plain(retold(limit))}" for limit in card.limits))


def _output_asked(report: "ForeignReport") -> str:
    if report.found.output_kind != "linear":
        return ""
    return str(
        st.selectbox(
            t("It ends in logits. They stand for"), list(OUTPUTS), format_func=lambda key: t(OUTPUTS[key]),
            index=1 if report.found.outputs == 1 else 0, help=t("A regression has no classes and cannot be shown."),
        )
    )  # fmt: skip


def _told(status: Any) -> Callable[[str], None]:
    """What is told of the work goes into the box that waits for it."""
    return lambda stage: status.update(label=f"{t(stage).capitalize()}…")


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _table(text: str) -> tuple[TabularInput, ...]:
    """Lines of "age, 0, 110" as named numbers; a range that is not two numbers is left out."""
    found = []
    for line in _lines(text):
        name, *bounds = (part.strip() for part in line.split(","))
        try:
            low, high = (float(bound) for bound in bounds)
        except ValueError:
            low = high = None
        found.append(TabularInput(name=name, low=low, high=high))
    return tuple(found)
