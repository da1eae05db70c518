"""A prediction, or the gallery, as a report to take along: one HTML file, or a PDF of the same words.

It is made when someone asks for it, in memory, from what the page shows.
"""

import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import streamlit as st

from core.figures.names import model_title
from core.figures.report import Report, ReportPicture, plain_sentence
from core.language import retold, t
from core.store.score_work import printable_name
from pages.ui.languages import spoken_later

if TYPE_CHECKING:
    from pages.ui.gallery import GalleryItem

# what reads, resizes, predicts and draws
PROGRAMS = {
    "NumPy": "numpy", "Pillow": "pillow", "OpenCV": "opencv-python-headless", "ONNX Runtime": "onnxruntime",
    "Keras": "keras",
}  # fmt: skip


def versions() -> dict[str, str]:
    """MedLens and the programs whose versions can change a result; those that are not installed are left out."""
    from core.serve.api import VERSION

    found = {"MedLens": VERSION, "Python": platform.python_version()}
    for name, package in PROGRAMS.items():
        try:
            found[name] = version(package)
        except PackageNotFoundError:
            continue
    return found


def report_of(items: "Sequence[GalleryItem]", created: datetime) -> Report:
    """The report of gallery items, oldest first. `created` has a zone."""
    title = t("MedLens report")
    if len(items) == 1:
        title = t("MedLens report on {name}", name=printable_name(items[0].name))
    return Report(
        title=title,
        pictures=tuple(_picture(item) for item in reversed(items)),
        limits={
            model_title(item.model_title): tuple(map(retold, item.limits)) for item in reversed(items) if item.limits
        },
        versions=versions(),
        created=created,
    )


def report_buttons(items: "Callable[[], Sequence[GalleryItem]]", stem: str, key: str) -> None:
    """Two downloads of the same report; nothing is written before one of them is pressed.

    Args:
        items: gives at least one, when a button is pressed.
        stem: the file's name without its ending.
        key: of the widgets.
    """
    for label, ending, mime in (
        (t("Report (HTML)"), "html", "text/html"),
        (t("Report (PDF)"), "pdf", "application/pdf"),
    ):
        st.download_button(
            label, data=spoken_later(lambda ending=ending: written(report_of(items(), datetime.now(UTC)), ending)),
            file_name=f"{stem}.{ending}", mime=mime, icon=":material/description:", on_click="ignore",
            key=f"report-{ending}-{key}",
        )  # fmt: skip


def written(report: Report, ending: str) -> bytes:
    """The report's file: "html" or "pdf"."""
    if ending == "pdf":
        from core.figures.report_pdf import report_pdf

        return report_pdf(report)
    from core.figures.report_html import report_html

    return report_html(report).encode()


def _picture(item: "GalleryItem") -> ReportPicture:
    name = printable_name(item.name)
    return ReportPicture(
        name=name,
        picture=item.picture,
        picture_alt=t("{name}, untouched", name=name),
        overlay=item.overlay,
        overlay_alt=t("Heat map for {class_name}: {place}", class_name=t(item.class_name), place=item.place_words),
        class_name=item.class_name,
        said=(
            plain_sentence(item.sentence), *([item.note] if item.note else []),
            f"{item.map_words} {t('Here: {place}.', place=item.place_words)}", *item.details,
        ),
        facts={
            t("Model"): f"{item.model} ({model_title(item.model_title)})",
            t("Model file"): f"sha256 {item.model_sha256}" if item.model_sha256 else t("not stated"),
            t("Run"): item.run_id or t("none: a network from outside"),
            t("File"): f"sha256 {item.file_sha256}" if item.file_sha256 else t("none: not uploaded as a file"),
            t("Pixels"): f"BLAKE2b-64 {item.digest}",
            t("Looked at"): f"{item.taken.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        },
    )  # fmt: skip
