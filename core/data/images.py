"""One pixel contract: any image file becomes uint8 RGB, the same file always the same bytes.

Training, upload and API all decode and fit here, and nowhere else; no file is trusted by its name.

How pixels become 8 bits: transparent parts are laid on black; EXIF rotation is applied; colour profiles
and other metadata are ignored; of several frames the first is taken (`read_header` tells how many there are).
Whole numbers of more than 8 bits are shifted right by (depth - 8), where depth is the smallest of 8, 10, 12,
14, 16, 24 and 32 bits that holds the file's largest value: order is kept, 4095 of 12 bits and 65535 of 16 become 255.
Floating-point values (32 bits) in [0, 1] are multiplied by 255, others are stretched from their smallest to
their largest value; NaN and infinity are refused.
"""

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from core import limits
from core.data.containers import (
    CUT_OFF,
    DAMAGED,
    JPEG_METADATA,
    PNG_NEEDED,
    ImageHeader,
    jpeg_segments,
    png_chunks,
    read_container,
)
from core.data.contrast import change_contrast
from core.data.sniff import ACCEPTED, describe_foreign, image_format
from core.data.tiff import read_tiff
from core.errors import ImageRefused
from core.types import PreprocessSpec

__all__ = ["ImageHeader", "decode_image", "encode_jpeg", "encode_png", "fit_image", "read_header"]

# Imported so that Pillow knows exactly these; `formats=` below keeps its other forty decoders out.
_PLUGINS = (BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin)
_DEPTHS = (8, 10, 12, 14, 16, 24, 32)
_SHOWN_NAME_LENGTH = 80
_ROWS_AT_ONCE = 256


def read_header(source: Path | bytes, name: str = "") -> ImageHeader:
    """Format, size, frames and depth of an image file, without decoding it.

    Args:
        source: a file's path, or its bytes.
        name: what to call the file in messages; a path's own name by default.
    Raises: ImageRefused, one sentence with the file, what is wrong and what is accepted.
    """
    shown = _shown_name(source, name)
    return _read_header(_read_bytes(source, shown), shown)


def decode_image(source: Path | bytes, name: str = "") -> np.ndarray:
    """Decode the first frame of any accepted image file.

    Args:
        source: a file's path, or its bytes.
        name: what to call the file in messages; a path's own name by default.
    Returns: uint8 (H, W, 3) RGB, rotated as EXIF says.
    Raises: ImageRefused when the file is no accepted image, incomplete, damaged or over a limit.
    """
    shown = _shown_name(source, name)
    data = _read_bytes(source, shown)
    header = _read_header(data, shown)
    # Pillow turns a TIFF by itself; the other formats are turned below.
    orientation = 1 if header.format == "TIFF" else header.orientation
    sideways = header.format == "TIFF" and header.orientation >= 5
    stored = (header.height, header.width) if sideways else (header.width, header.height)
    try:
        with Image.open(io.BytesIO(_without_metadata(data, header)), formats=[header.format]) as image:
            if image.size != stored:
                raise ImageRefused(f"{DAMAGED} (it states two sizes)")
            rgb = _to_rgb(image, data, header)
    except ImageRefused as error:
        raise ImageRefused(f"{shown}: {error} ({header.format}); {ACCEPTED}.") from error
    except MemoryError as error:
        raise ImageRefused(f"{shown}: there is not enough memory to decode it; send a smaller picture.") from error
    except Exception as error:  # Pillow's decoders raise a dozen types on malformed files
        reason = CUT_OFF if "truncated" in str(error).lower() else f"{DAMAGED} or of a kind that is not supported"
        raise ImageRefused(f"{shown}: {reason} ({header.format}); {ACCEPTED}.") from error
    return _rotate(rgb, orientation)


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
                f"{shown}: the file has {size / 1024**2:.0f} MB; "
                f"accepted are up to {limits.MAX_IMAGE_BYTES // 1024**2} MB."
            )
        return source.read_bytes() if isinstance(source, Path) else bytes(source)
    except (OSError, ValueError) as error:  # ValueError: a NUL inside the path
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise ImageRefused(f"{shown}: the file cannot be read ({reason}); check the path.") from error


def _read_header(data: bytes, shown: str) -> ImageHeader:
    if not data:
        raise ImageRefused(f"{shown}: the file is empty; {ACCEPTED}.")
    format_name = image_format(data)
    if format_name is None:
        raise ImageRefused(f"{shown}: the file is {describe_foreign(data)}, not an accepted image; {ACCEPTED}.")
    try:
        return read_container(data, format_name)
    except ImageRefused as error:
        raise ImageRefused(f"{shown}: {error} ({format_name}); {ACCEPTED}.") from error


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


def _to_rgb(image: Image.Image, data: bytes, header: ImageHeader) -> np.ndarray:
    mode = image.mode
    if mode == "RGB" and "transparency" not in image.info:
        return np.array(image)
    if mode in ("L", "1") and "transparency" not in image.info:
        return _grey_to_rgb(np.array(image.convert("L")))
    if mode == "F" or mode == "I" or mode.startswith("I;16"):
        return _grey_to_rgb(_deep_grey(image, data, header))
    if mode in ("CMYK", "YCbCr", "HSV", "LAB"):
        return np.array(image.convert("RGB"))
    return _on_black(np.array(image.convert("RGBA")))


def _on_black(rgba: np.ndarray) -> np.ndarray:
    """Lay uint8 (H, W, 4) on black: uint8 (H, W, 3), rounded."""
    rgb = np.empty((*rgba.shape[:2], 3), np.uint8)
    for top in range(0, len(rgba), _ROWS_AT_ONCE):  # the products are wider than a byte: not all at once
        part = rgba[top : top + _ROWS_AT_ONCE]
        products = part[..., :3] * part[..., 3:].astype(np.uint16)
        rgb[top : top + _ROWS_AT_ONCE] = (products + 127) // 255
    return rgb


def _grey_to_rgb(grey: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(np.ascontiguousarray(grey), cv2.COLOR_GRAY2RGB)


def _deep_grey(image: Image.Image, data: bytes, header: ImageHeader) -> np.ndarray:
    """Grey values of more than 8 bits as uint8 (H, W), by the rule in this file's docstring."""
    values = np.array(image)
    if values.dtype.kind == "f":
        grey = _float_to_uint8(values)
    else:
        smallest = min(0, int(values.min()))
        wide = values.astype(np.int64) - smallest if smallest else values  # signed data begin at 0
        largest = int(wide.max())
        depth = next(bits for bits in _DEPTHS if largest >> bits == 0)
        grey = (wide >> (depth - 8)).astype(np.uint8)
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        grey[values == clear] = 0
    if header.format == "TIFF" and read_tiff(data).white_is_zero:
        grey = 255 - grey
    return grey


def _float_to_uint8(values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(low) or not np.isfinite(high):
        raise ImageRefused("some of its floating-point values are not a number or infinite")
    if low < 0 or high > 1:
        span = (high - low) or 1.0
        values = (values - low) / span
    return np.round(values * 255.0).astype(np.uint8)


def _rotate(rgb: np.ndarray, orientation: int) -> np.ndarray:
    """Undo the eight EXIF orientations (EXIF 2.32, tag 0x0112)."""
    if orientation in (5, 6, 7, 8):
        rgb = rgb.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)


def _check_rgb(rgb: np.ndarray) -> None:
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ImageRefused(f"expected a uint8 RGB picture of shape (H, W, 3), got {rgb.dtype} {rgb.shape}.")


def _resize(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    if rgb.shape[:2] == (height, width):
        return rgb.copy()
    # Averaging areas keeps fine structures from aliasing; enlarging stays linear, which cannot ring.
    shrinks = width < rgb.shape[1] or height < rgb.shape[0]
    return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
