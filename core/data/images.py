"""One pixel contract: any image file becomes uint8 RGB, the same file always the same bytes.

Training, upload and API all decode and fit here, and nowhere else; no file is trusted by its name.

How pixels become 8 bits stands in `pixels8.py`, `dicom_grey.py` and `nifti.py`. EXIF rotation is applied; colour
profiles and other metadata are ignored. Of an animation or a file of several pages the first picture is taken, of a
DICOM file or a NIfTI volume the one that is asked for or the middle one, and `decode_picture` says which. Those two are
decoded in a child process with limits.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from core import limits
from core.data.containers import (
    CUT_OFF,
    JPEG_METADATA,
    PNG_NEEDED,
    ImageHeader,
    jpeg_segments,
    png_chunks,
    read_container,
)
from core.data.contrast import change_contrast
from core.data.frames import Decoded, FrameChoice
from core.data.pixels8 import rotate, to_rgb
from core.data.sandbox import decode_in_child, header_in_child
from core.data.sniff import ACCEPTED, IN_CHILD, describe_foreign, image_format
from core.errors import ImageRefused
from core.language import message_of, said
from core.types import PreprocessSpec

__all__ = ["ImageHeader", "decode_image", "decode_picture", "encode_jpeg", "encode_png", "fit_image", "read_header"]

# Imported so that Pillow knows exactly these; `formats=` below keeps its other forty decoders out.
_PLUGINS = (BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin)
MIDDLE = FrameChoice()  # nothing chosen
_SHOWN_NAME_LENGTH = 80


def read_header(source: Path | bytes, name: str = "") -> ImageHeader:
    """Format, size, frames and depth of an image file, without decoding it.

    Args:
        source: a file's path, or its bytes.
        name: what to call the file in messages; a path's own name by default.
    Raises: ImageRefused, one sentence with the file, what is wrong and what is accepted.
    """
    shown = _shown_name(source, name)
    return _read_header(_read_bytes(source, shown), shown)


def decode_image(source: Path | bytes, name: str = "", frame: FrameChoice = MIDDLE) -> np.ndarray:
    """The pixels of `decode_picture`: uint8 (H, W, 3) RGB, rotated as EXIF says. Raises ImageRefused."""
    return decode_picture(source, name, frame).pixels


def decode_picture(source: Path | bytes, name: str = "", frame: FrameChoice = MIDDLE) -> Decoded:
    """Decode one picture of any accepted image file.

    Args:
        source: a file's path, or its bytes.
        name: what to call the file in messages; a path's own name by default.
        frame: which frame or slice of a file with several; by default the middle one of a DICOM file or volume.
    Returns: pixels uint8 (H, W, 3) RGB, rotated as EXIF says, and which picture of the file they are.
    Raises: ImageRefused when the file is no accepted image, incomplete, damaged or over a limit, or has no such
        frame.
    """
    shown = _shown_name(source, name)
    data = _read_bytes(source, shown)
    format_name = _format(data, shown)
    if format_name in IN_CHILD:
        with _told(shown, format_name):
            return decode_in_child(data, format_name, frame)
    header = _read_header(data, shown)
    with _told(shown, format_name):
        if frame.axis or frame.volume or frame.number not in (None, 1):
            raise ImageRefused(said("a frame can be chosen of DICOM and NIfTI files only; of others the first is read"))
    note = said("The file has {n} frames; this is the first.", n=header.frames) if header.frames > 1 else ""
    return Decoded(pixels=_decode(data, header, shown), header=header, note=note)


def _decode(data: bytes, header: ImageHeader, shown: str) -> np.ndarray:
    # Pillow turns a TIFF by itself; the other formats are turned below.
    orientation = 1 if header.format == "TIFF" else header.orientation
    sideways = header.format == "TIFF" and header.orientation >= 5
    stored = (header.height, header.width) if sideways else (header.width, header.height)
    try:
        with Image.open(io.BytesIO(_without_metadata(data, header)), formats=[header.format]) as image:
            if image.size != stored:
                raise ImageRefused(said("the file is damaged (it states two sizes)"))
            rgb = to_rgb(image, data, header)
    except ImageRefused as error:
        raise _refused(shown, message_of(error), header.format) from error
    except MemoryError as error:
        raise ImageRefused(
            said("{name}: there is not enough memory to decode it; send a smaller picture.", name=shown)
        ) from error
    except Exception as error:  # Pillow's decoders raise a dozen types on malformed files
        reason = said("the file is damaged or of a kind that is not supported")
        raise _refused(shown, CUT_OFF if "truncated" in str(error).lower() else reason, header.format) from error
    return rotate(rgb, orientation)


def fit_image(rgb: np.ndarray, spec: PreprocessSpec) -> np.ndarray:
    """Bring a picture to the square that a network takes.

    Args:
        rgb: uint8 (H, W, 3); it is not written to.
        spec: "stretch" ignores the aspect, "pad" centres the whole picture on black, "crop" cuts the
            middle square; then the contrast is changed on the luminance.
    Returns: uint8 (size_px, size_px, 3), contiguous, the same bytes every time.
    Raises: ImageRefused when `rgb` is not uint8 (H, W, 3).
    """
    _check_rgb(rgb)
    height, width = rgb.shape[:2]
    size_px = spec.size_px
    if spec.resize_mode == "crop":
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        fitted = _resize(rgb[top : top + side, left : left + side], size_px, size_px)
    elif spec.resize_mode == "pad":
        scale = size_px / max(height, width)
        inner_height, inner_width = max(1, round(height * scale)), max(1, round(width * scale))
        top, left = (size_px - inner_height) // 2, (size_px - inner_width) // 2
        fitted = np.zeros((size_px, size_px, 3), np.uint8)
        fitted[top : top + inner_height, left : left + inner_width] = _resize(rgb, inner_width, inner_height)
    else:
        fitted = _resize(rgb, size_px, size_px)
    return change_contrast(fitted, spec.contrast)


def shrink_image(rgb: np.ndarray, longest_px: int) -> np.ndarray:
    """The picture at a size for a screen, averaged in whole blocks.

    Args:
        rgb: uint8 (H, W, 3).
    Returns: uint8 (h, w, 3), longest side under twice `longest_px`; the same array where it fits already.
    """
    factor = max(rgb.shape[:2]) // longest_px
    if factor < 2:
        return rgb
    height, width = (max(side, factor) // factor * factor for side in rgb.shape[:2])
    return _resize(rgb[:height, :width], width // factor, height // factor)


def resize_map(values: np.ndarray, size_px: int) -> np.ndarray:
    """A heat map (h, w) in [0, 1] as (size_px, size_px) float32 in [0, 1], interpolated between cell centres."""
    enlarged = cv2.resize(values.astype(np.float32), (size_px, size_px), interpolation=cv2.INTER_LINEAR)
    return np.clip(enlarged, 0.0, 1.0)


def encode_png(rgb: np.ndarray) -> bytes:
    """PNG bytes of uint8 (H, W, 3) RGB; decoding gives the same pixels. Raises ImageRefused on other arrays."""
    _check_rgb(rgb)
    return bytes(cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1])


def encode_jpeg(rgb: np.ndarray, quality: int = 92) -> bytes:
    """JPEG bytes of uint8 (H, W, 3) RGB at `quality` 1 to 100. Raises ImageRefused on other arrays."""
    _check_rgb(rgb)
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return bytes(cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), settings)[1])


def _shown_name(source: Path | bytes, name: str) -> str:
    text = name or (source.name if isinstance(source, Path) else "the image")
    # Control and direction-changing characters would let a name rewrite the sentence it stands in.
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= _SHOWN_NAME_LENGTH else text[: _SHOWN_NAME_LENGTH - 1] + "…"


def _read_bytes(source: Path | bytes, shown: str) -> bytes:
    try:
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        if size > limits.MAX_IMAGE_BYTES:
            raise ImageRefused(
                said(
                    "{name}: the file has {size} MB; accepted are up to {most} MB.",
                    name=shown, size=f"{size / 1024**2:.0f}", most=limits.MAX_IMAGE_BYTES // 1024**2,
                )
            )  # fmt: skip
        return source.read_bytes() if isinstance(source, Path) else bytes(source)
    except (OSError, ValueError) as error:  # ValueError: a NUL inside the path
        reason = getattr(error, "strerror", None) or said("not a usable path")
        raise ImageRefused(
            said("{name}: the file cannot be read ({reason}); check the path.", name=shown, reason=reason)
        ) from error


def _format(data: bytes, shown: str) -> str:
    if not data:
        raise ImageRefused(said("{name}: the file is empty; {accepted}.", name=shown, accepted=said(ACCEPTED)))
    format_name = image_format(data)
    if format_name is None:
        kind = said(describe_foreign(data))
        raise ImageRefused(
            said(
                "{name}: the file is {kind}, not an accepted image; {accepted}.",
                name=shown, kind=kind, accepted=said(ACCEPTED),
            )
        )  # fmt: skip
    return format_name


def _read_header(data: bytes, shown: str) -> ImageHeader:
    format_name = _format(data, shown)
    with _told(shown, format_name):
        return header_in_child(data, format_name) if format_name in IN_CHILD else read_container(data, format_name)


@contextmanager
def _told(shown: str, format_name: str) -> Iterator[None]:
    """Make a sentence of the bare reason that is raised inside."""
    try:
        yield
    except ImageRefused as error:
        raise _refused(shown, message_of(error), format_name) from error


def _refused(shown: str, reason: str, format_name: str) -> ImageRefused:
    return ImageRefused(
        said(
            "{name}: {reason} ({format}); {accepted}.",
            name=shown, reason=reason, format=format_name, accepted=said(ACCEPTED),
        )
    )  # fmt: skip


def _without_metadata(data: bytes, header: ImageHeader) -> bytes:
    """Drop what the pixels do not depend on, so that compressed text, profiles and EXIF are never parsed."""
    if header.format == "PNG":
        chunks = list(png_chunks(data))
        if any(kind not in PNG_NEEDED for kind, _, _ in chunks):
            return data[:8] + b"".join(data[start:end] for kind, start, end in chunks if kind in PNG_NEEDED)
    elif header.format == "JPEG":
        segments = list(jpeg_segments(data))
        if any(marker in JPEG_METADATA for marker, _, _ in segments):
            kept = [data[start:end] for marker, start, end in segments if marker not in JPEG_METADATA]
            return b"".join((data[:2], *kept, data[segments[-1][2] :]))
    return data


def _check_rgb(rgb: np.ndarray) -> None:
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ImageRefused(
            said(
                "expected a uint8 RGB picture of shape (H, W, 3), got {dtype} {shape}.",
                dtype=rgb.dtype,
                shape=rgb.shape,
            )
        )


def _resize(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    if rgb.shape[:2] == (height, width):
        return rgb.copy()
    # Averaging areas keeps fine structures from aliasing; enlarging stays linear, which cannot ring.
    shrinks = width < rgb.shape[1] or height < rgb.shape[0]
    return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
