"""A batch of pictures in the order they came: files, entries of ZIPs, phantoms; each is decoded and scored once.

A file that is refused keeps its sentence and the others go on. What is kept of a picture is its scores and a
thumbnail, in the session's memory and nowhere else.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import streamlit as st

from core import limits
from core.errors import DataError, ImageRefused, MedLensError
from core.language import said, t
from core.store.score_work import printable_name
from core.types import ModelCard
from pages.ui import door, state

PHANTOMS = 100
PHANTOM_SEED = 2026  # of none of the golden images, and of no committed run
PHANTOM_PX = 256
AT_ONCE = 8  # pictures that a thread decodes and the network then takes together
AHEAD = 2
THUMB_PX = 80  # pictures in the list are between this and twice this
ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")


class Upload(Protocol):
    """What the uploader gives."""

    name: str
    file_id: str
    size: int

    def getvalue(self) -> bytes: ...


@dataclass(frozen=True, slots=True, eq=False)
class BatchFile:
    """One picture that waits to be decoded: `key` is its own in this session, `load` gives (H, W, 3) uint8."""

    key: str
    name: str
    load: Callable[[], np.ndarray]
    synthetic: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """What is kept of a picture: calibrated probabilities (C,) and a small JPEG as data address, or the refusal.

    `unlike` is what the model's gate says; None without a gate.
    """

    probabilities: tuple[float, ...] = ()
    thumb: str = ""
    reason: str = ""
    unlike: bool | None = None


def gather(uploads: Sequence[Upload], *, phantoms: bool) -> tuple[list[BatchFile], list[str]]:
    """Every picture of the batch in order of arrival, and a sentence for each thing that could not be taken in."""
    files = _phantoms() if phantoms else []
    problems: list[str] = []
    taken = 0
    for upload in uploads:
        taken += upload.size
        if taken > limits.MAX_LIST_BYTES:
            problems.append(
                t(
                    "More than {most} MB at once: {name} and what came after it are left out.",
                    most=limits.MAX_LIST_BYTES // 1024**2,
                    name=upload.name,
                )
            )
            break
        data = upload.getvalue()
        if not data.startswith(ZIP_STARTS):
            files.append(_file(upload, data))
            continue
        try:
            files.extend(_entries(upload, data))
        except DataError as error:
            problems.append(str(error))
    if len(files) > limits.MAX_LIST_FILES:
        problems.append(
            t(
                "{count} pictures at once; the first {most} are on the list.",
                count=len(files),
                most=limits.MAX_LIST_FILES,
            )
        )
    return files[: limits.MAX_LIST_FILES], problems


def score_batch(card: ModelCard, files: Sequence[BatchFile]) -> list[Scored]:
    """Scores of every picture, in order; those scored before come from the session, the rest under a progress bar.

    Raises: MedLensError when the network itself fails.
    """
    kept: dict[tuple[str, str], Scored] = st.session_state.get(state.TRIAGE, {})
    kept = {(card.sha256, f.key): kept[card.sha256, f.key] for f in files if (card.sha256, f.key) in kept}
    fresh = [f for f in files if (card.sha256, f.key) not in kept]
    if fresh:
        from core.data.ahead import in_order
        from core.serve.scoring import workers

        progress = st.progress(0.0, text=t("Looking at {count} pictures…", count=len(fresh)))
        groups = [fresh[at : at + AT_ONCE] for at in range(0, len(fresh), AT_ONCE)]
        for group, scored in zip(
            groups, in_order(lambda g: _score(card, g), groups, workers=workers(), ahead=AHEAD), strict=True
        ):
            kept.update({(card.sha256, f.key): one for f, one in zip(group, scored, strict=True)})
            progress.progress(
                len(kept) / len(files), text=t("{done} of {count} pictures…", done=len(kept), count=len(files))
            )
        progress.empty()
    st.session_state[state.TRIAGE] = kept  # a file that was taken away is forgotten
    return [kept[card.sha256, f.key] for f in files]


def _score(card: ModelCard, files: Sequence[BatchFile]) -> list[Scored]:
    """In a thread of its own: nothing of Streamlit is touched here but the cache of models, which is safe."""
    from core.data.images import encode_jpeg, fit_image, shrink_image

    prepared, thumbs, reasons = [], {}, {}
    for file in files:
        try:
            pixels = file.load()
        except MedLensError as error:
            reasons[file.key] = str(error)
            continue
        prepared.append(fit_image(pixels, card.preprocess))
        small = encode_jpeg(shrink_image(pixels, THUMB_PX), quality=80)
        thumbs[file.key] = f"data:image/jpeg;base64,{base64.b64encode(small).decode()}"
    found: dict[str, Scored] = {key: Scored(reason=reason) for key, reason in reasons.items()}
    if prepared:
        rows, flagged = door.scores(card.name, np.stack(prepared))
        for (key, thumb), row, unlike in zip(
            thumbs.items(), rows.tolist(), flagged or [None] * len(prepared), strict=True
        ):
            found[key] = Scored(tuple(row), thumb, unlike=unlike)
    return [found[file.key] for file in files]


def _file(upload: Upload, data: bytes) -> BatchFile:
    from core.data.images import decode_image

    name = printable_name(upload.name)
    return BatchFile(upload.file_id, name, lambda: decode_image(data, name))


def _entries(upload: Upload, data: bytes) -> list[BatchFile]:
    from core.data.zips import ZipImages

    archive = ZipImages(data, name=printable_name(upload.name))

    def loader(entry: str) -> Callable[[], np.ndarray]:
        return lambda: archive.read(entry)

    entries = archive.names()[: limits.MAX_LIST_FILES + 1]  # one more shows that there are too many
    if not entries:
        raise ImageRefused(said("{name}: the ZIP holds no files.", name=printable_name(upload.name)))
    return [
        BatchFile(f"{upload.file_id}/{entry}", f"{printable_name(upload.name)}/{printable_name(entry)}", loader(entry))
        for entry in entries
    ]


def _phantoms() -> list[BatchFile]:
    from core.data.phantom import draw_phantom

    def loader(patient: int) -> Callable[[], np.ndarray]:
        return lambda: draw_phantom(PHANTOM_SEED, patient, 0, PHANTOM_PX).pixels

    return [
        BatchFile(
            f"phantom-{patient}", t("phantom {number}", number=f"{patient + 1:03d}"), loader(patient), synthetic=True
        )
        for patient in range(PHANTOMS)
    ]
