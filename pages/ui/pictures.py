"""Where pictures for a prediction come from: files, samples, the camera. Each is decoded once per session.

A file that is refused shows its sentence and the others go on; nothing is written to the disk.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core import limits
from core.data.frames import FrameChoice
from core.errors import ImageRefused
from core.figures.names import dataset_title, label_title
from core.figures.overlay import shrink
from core.language import t
from core.registry.datasets import DATASETS
from pages.ui import cache, state
from pages.ui.blocks import error_box
from pages.ui.frames import choose_frame, fact_words

if TYPE_CHECKING:
    from core.data.images import ImageHeader

SAMPLES_PER_ROW = 6
SHOWN_PX = 512
KEPT_BYTES = 12_000_000  # 4 megapixels; twenty of these are 240 MB, twenty of the largest would be 4 GB


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture that can be decoded: its name as given, a version for the screen, and what is known of it.

    `shown` is uint8 (h, w, 3), at most SHOWN_PX to twice that; `load` gives all pixels, for the network; `tell` says
    what is known of it in the language of the moment, as a picture outlives a change of language. `sha256` is that of
    the file as it was uploaded, "" where there was none.
    """

    name: str
    shown: np.ndarray
    digest: str
    load: Callable[[], np.ndarray]
    synthetic: bool = False
    tell: Callable[[], str] = str
    sha256: str = ""

    @property
    def note(self) -> str:
        """What is known of it, in the reader's language; "" where there is nothing to say."""
        return self.tell()


def choose_pictures() -> list[Picture]:
    """The three ways in; only the one that is open counts."""
    files, samples, camera = st.tabs(
        [
            f":material/upload_file: {t('Your files')}",
            f":material/collections: {t('Samples')}",
            f":material/photo_camera: {t('Camera')}",
        ],
        on_change="rerun",
        key="source",
    )
    chosen: list[Picture] = []
    with files:
        uploaded = _uploaded()
    if files.open:
        chosen = uploaded
    if samples.open:
        with samples:
            chosen = _sampled()
    if camera.open:  # the browser asks for the camera only when someone opens this part
        with camera:
            chosen = _photographed()
    return chosen


def _uploaded() -> list[Picture]:
    # no `type=`: the uploader would judge by the name alone, and its refusal says nothing about the file
    uploads = st.file_uploader(
        t("Drop one or several images: PNG, JPEG, TIFF, BMP, GIF, WebP, DICOM or NIfTI, or a ZIP of them"),
        accept_multiple_files=True,
        max_upload_size=limits.MAX_IMAGE_BYTES // 1024**2,
        help=t(
            "They stay in the memory of this session and are never stored. Of DICOM files only pixels and technical "
            "facts are read, never a name; text that is burned into the pixels is not removed."
        ),
        key="uploads",
    )
    files: list[tuple[str, bytes]] = []
    for name, content in _contents([(upload.file_id, upload.name, upload.getvalue()) for upload in uploads]):
        if isinstance(content, ImageRefused):
            error_box(str(content))
        else:
            files.append((name, content))
    return _decoded(files)


def _contents(uploads: list[tuple[str, str, bytes]]) -> list[tuple[str, "bytes | ImageRefused"]]:
    """What was uploaded, ZIPs taken apart; they are not taken apart again while the same files are there."""
    from core.data.unpack import unpacked

    key = tuple(file_id for file_id, _, _ in uploads)
    kept = st.session_state.get(state.UNPACKED)
    if kept is not None and kept[0] == key:
        return kept[1]
    files = [(name, data) for _, name, data in uploads]
    found = unpacked(files, limits.MAX_FILES_PER_UPLOAD)
    # without a ZIP nothing is kept: the session holds the uploads already
    st.session_state[state.UNPACKED] = (key, found) if found != files else None
    return found


def _photographed() -> list[Picture]:
    st.caption(
        t(
            "The browser lends its camera only to pages on localhost or under HTTPS. A photo of a screen or a film is "
            "not what the networks were trained on: take their answer as a demonstration."
        )
    )
    photo = st.camera_input(t("Take a picture"), key="photo")
    return _decoded([("photo.jpg", photo.getvalue())]) if photo is not None else []


def _decoded(files: list[tuple[str, bytes]]) -> list[Picture]:
    """Decode what is new, keep what was decoded before; refused files show why and are left out."""
    from core.data.images import read_header

    headers: dict[str, ImageHeader] = st.session_state.get(state.HEADERS, {})
    kept: dict[tuple[str, str], Picture] = st.session_state.get(state.DECODED, {})
    now: dict[tuple[str, str], Picture] = {}
    for name, data in files:
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        try:
            if digest not in headers:
                headers[digest] = read_header(data, name)
            frame = choose_frame(name, headers[digest], digest) if all(digest != d for d, _ in now) else FrameChoice()
            key = (digest, frame.text)
            now.setdefault(key, kept.get(key) or _picture(name, data, digest, frame))
        except ImageRefused as error:
            error_box(str(error))
    present = {digest for digest, _ in now}
    st.session_state[state.DECODED] = now  # a file that was taken away is forgotten
    st.session_state[state.HEADERS] = {d: header for d, header in headers.items() if d in present}
    return list(now.values())


def _picture(name: str, data: bytes, digest: str, frame: FrameChoice) -> Picture:
    """All pixels are kept where they are few; a large picture is decoded again when the network wants it."""
    from core.data.images import decode_image, decode_picture

    decoded = decode_picture(data, name, frame)
    pixels = decoded.pixels
    large = pixels.nbytes > KEPT_BYTES
    load = (lambda: decode_image(data, name, frame)) if large else (lambda: pixels)
    which = f"{digest}-{decoded.chosen}" if decoded.chosen else digest
    facts, note = decoded.facts, decoded.note  # not `decoded`, which holds all pixels
    return Picture(
        name=name, shown=shrink(pixels, SHOWN_PX), digest=which, load=load, sha256=hashlib.sha256(data).hexdigest(),
        tell=lambda: " ".join(str(part) for part in (fact_words(facts), note) if part),
    )  # fmt: skip


def _sampled() -> list[Picture]:
    sources = ["phantom", *cache.datasets_at_hand()]
    source = "phantom"
    if len(sources) > 1:
        source = st.selectbox(t("Samples from"), sources, format_func=dataset_title, key="sample_source")
    if source == "phantom":
        st.caption(t("Phantoms are drawn by this program: no person stands behind them."))
    with st.spinner(t("Reading the data set…")):
        samples = cache.samples(source)
    with st.grid(SAMPLES_PER_ROW, min_column_width=140):
        for position, sample in enumerate(samples):
            with st.container(gap="xsmall"):
                st.image(
                    sample.pixels,
                    width="stretch",
                    alt=t("Sample {number}: {label}", number=position + 1, label=label_title(sample.caption)),
                )
                st.button(
                    label_title(sample.caption),
                    key=f"sample-{source}-{position}",
                    width="stretch",
                    on_click=_remember_sample,
                    args=(source, position),
                    type="primary" if st.session_state.get(state.SAMPLE) == (source, position) else "secondary",
                )
    remembered = st.session_state.get(state.SAMPLE)
    if remembered is None or remembered[0] != source or remembered[1] >= len(samples):
        return []
    sample = samples[remembered[1]]
    return [
        Picture(
            name=sample.name,
            shown=shrink(sample.pixels, SHOWN_PX),
            digest=hashlib.blake2b(sample.pixels, digest_size=16).hexdigest(),
            load=lambda: sample.pixels,
            synthetic=DATASETS[source].synthetic,
            tell=lambda: t("Labelled: {label}.", label=label_title(sample.caption)),
        )
    ]


def _remember_sample(source: str, position: int) -> None:
    st.session_state[state.SAMPLE] = (source, position)
