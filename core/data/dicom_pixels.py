"""The pixels of one frame of a DICOM file, decoded and in RGB where they are in colour.

What a compressed frame states of its own size is compared with the file before anything is decoded.
"""

import struct
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.data.containers import DAMAGED, ImageHeader
from core.data.dicom_tables import DECODERS
from core.errors import ImageRefused
from core.language import said, said_together

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# what pydicom raises on files that contradict themselves, as met on its test files and on thousands of mutated ones
DAMAGE = (
    ArithmeticError, AttributeError, EOFError, IndexError, KeyError, NotImplementedError, OSError, RuntimeError,
    struct.error, TypeError, ValueError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DicomImage:
    """The header of a file after every check that needs no pixel."""

    file: "Dataset"
    syntax: str
    header: ImageHeader
    photometric: str
    samples: int
    allocated: int


def stored_pixels(image: DicomImage, index: int) -> np.ndarray:
    """Pixels of frame `index` (from 0): (H, W) as the file stores them, or RGB (H, W, 3). Raises ImageRefused."""
    from pydicom.pixels import get_decoder

    try:
        decoder = get_decoder(image.syntax)
    except NotImplementedError as error:
        raise ImageRefused(_no_decoder(image.syntax)) from error
    if not decoder.is_available:
        raise ImageRefused(_no_decoder(image.syntax))
    if decoder.is_encapsulated:
        _check_coded_size(image, index)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            stored, _ = decoder.as_array(image.file, index=index, raw=False)
        except RecursionError as error:
            raise ImageRefused(DAMAGED) from error
        except MemoryError:
            raise
        except DAMAGE as error:
            raise ImageRefused(
                said("the file is damaged (its pixels, {syntax}, cannot be decoded)", syntax=_syntax_name(image.syntax))
            ) from error
    expected = (image.header.height, image.header.width) + ((3,) if image.samples == 3 else ())
    if stored.shape != expected:
        raise ImageRefused(
            said(
                "the file is damaged (it says its size is {expected}, its pixels are {shape})",
                expected=expected,
                shape=stored.shape,
            )
        )
    return stored


def _check_coded_size(image: DicomImage, index: int) -> None:
    """Compare the size that a compressed frame states itself with that of the file, before it is decoded."""
    from pydicom.encaps import get_frame

    file, header = image.file, image.header
    extended = None
    if "ExtendedOffsetTable" in file and "ExtendedOffsetTableLengths" in file:
        extended = (file.ExtendedOffsetTable, file.ExtendedOffsetTableLengths)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            frame = get_frame(file.PixelData, index, number_of_frames=header.frames, extended_offsets=extended)
        except DAMAGE as error:
            raise ImageRefused(
                said(
                    "the file is damaged (frame {index} of its {frames:,} is not there)",
                    index=index + 1,
                    frames=header.frames,
                )
            ) from error
    stated = coded_size(bytes(frame[:65_536]))
    if stated is not None and stated != (header.width, header.height):
        raise ImageRefused(
            said(
                "the file is damaged (it says {width:,} x {height:,} pixels, its compressed frame "
                "{stated_width:,} x {stated_height:,})",
                width=header.width,
                height=header.height,
                stated_width=stated[0],
                stated_height=stated[1],
            )
        )


def coded_size(stream: bytes) -> tuple[int, int] | None:
    """(width, height) that a JPEG, JPEG-LS or JPEG 2000 stream states at its beginning; None where it states none."""
    try:
        if stream[:4] == b"\xff\x4f\xff\x51":  # JPEG 2000: the SIZ segment comes first
            right, bottom, left, top = struct.unpack_from(">IIII", stream, 8)
            return max(right - left, 0), max(bottom - top, 0)
        at = 2 if stream[:2] == b"\xff\xd8" else len(stream)
        while at + 9 <= len(stream):
            if stream[at] != 0xFF:
                return None
            marker = stream[at + 1]
            if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
                height, width = struct.unpack_from(">HH", stream, at + 5)
                return (width, height) if width and height else None
            at += 1 if marker == 0xFF else 2 + struct.unpack_from(">H", stream, at + 2)[0]
    except struct.error:
        pass
    return None


def palette_pixels(stored: np.ndarray, file: "Dataset") -> np.ndarray:
    """uint8 (H, W, 3) of indices (H, W). Raises ImageRefused when the palette cannot be used."""
    from pydicom.pixels.processing import apply_color_lut

    try:
        rgb = apply_color_lut(stored, file)
    except DAMAGE as error:
        raise ImageRefused(said("the file is damaged (its palette cannot be used)")) from error
    if rgb.dtype.itemsize > 1:
        rgb = rgb >> (8 * rgb.dtype.itemsize - 8)
    return np.ascontiguousarray(rgb[..., :3].astype(np.uint8))


def colour_pixels(stored: np.ndarray, image: DicomImage) -> np.ndarray:
    """uint8 (H, W, 3) of RGB (H, W, 3) with any number of bits; more than 8 are shifted out."""
    if stored.dtype.kind == "f":
        raise ImageRefused(said("its colours are floating-point numbers, which is not supported"))
    bits = image.header.bits
    shifted = stored >> (bits - 8) if bits > 8 else stored
    return np.ascontiguousarray(shifted.astype(np.uint8))


def _syntax_name(syntax: str) -> str:
    return said(DECODERS[syntax][0]) if syntax in DECODERS else said("of an unknown transfer syntax")


def _no_decoder(syntax: str) -> str:
    if syntax in DECODERS:
        name, package = DECODERS[syntax]
        shown = said_together(" ", [said(name), f"({syntax})"])
    else:  # it could be anything, a number of a person too
        shown, package = said("an unknown transfer syntax"), ""
    if package:
        return said(
            "its pixels are {name}, which cannot be decoded here; install {package}, or convert it to Explicit VR "
            "Little Endian", name=shown, package=package,
        )  # fmt: skip
    return said(
        "its pixels are {name}, which cannot be decoded here; convert it to Explicit VR Little Endian", name=shown
    )
