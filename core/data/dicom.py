"""DICOM files: one frame as 8-bit pixels, and the few facts about it that identify nobody.

This module runs in a child process with limits (`core.data.sandbox`); no other calls it, but tests. It is handed on
the elements of `dicom_walk.WANTED` alone. Texts of the file appear in no message: what is told of it are numbers,
and words of the lists below.
"""

import io
from typing import TYPE_CHECKING, Any

from core import limits
from core.data.containers import CUT_OFF, DAMAGED, ImageHeader, check_size
from core.data.dicom_grey import GreyPlan, grey_pixels, number
from core.data.dicom_pixels import DAMAGE, DicomImage, colour_pixels, palette_pixels, stored_pixels
from core.data.dicom_tables import BODY_PARTS, KINDS, MODALITIES, VIEWS, known_word
from core.data.dicom_walk import (
    DIRECTORY,
    DOUBLE_PIXELS,
    EXPLICIT_BIG,
    FLOAT_PIXELS,
    NATIVE,
    PIXEL_DATA,
    DicomParts,
    split_dicom,
)  # fmt: skip
from core.data.frames import Decoded, FrameChoice, chosen_number, frame_words
from core.errors import ImageRefused
from core.language import said, said_together

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

GREY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
PALETTE = "PALETTE COLOR"


def read_dicom_header(data: bytes) -> ImageHeader:
    """Size, frames and bits of a DICOM file. Raises ImageRefused with the bare reason."""
    return _checked(data).header


def decode_dicom(data: bytes, choice: FrameChoice) -> Decoded:
    """One frame.

    Args:
        choice: the frame's number; the middle one by default.
    Returns: pixels uint8 (H, W) of grey images, (H, W, 3) RGB of coloured ones; facts: a few technical words.
    Raises: ImageRefused with the bare reason, without any text of the file.
    """
    image = _checked(data)
    if choice.axis or choice.volume:
        raise ImageRefused(said("an axis or a volume can be chosen of NIfTI files only; give the number of a frame"))
    frame = chosen_number(choice.number, image.header.frames, "frame")
    stored = stored_pixels(image, frame - 1)
    if image.photometric in GREY:
        pixels, words = grey_pixels(stored, _grey_plan(image, frame - 1))
        words = said("Grey values: {words}.", words=words)
    elif image.photometric == PALETTE:
        pixels, words = palette_pixels(stored, image.file), said("Colours from the file's palette.")
    else:
        pixels, words = colour_pixels(stored, image), ""
    many = frame_words(frame, image.header.frames, choice.number) if image.header.frames > 1 else ""
    note = said_together(" ", (part for part in (many, words, _burned_in(image.file)) if part))
    return Decoded(pixels=pixels, header=image.header, frame=frame, note=note, facts=_facts(image, words))


def _checked(data: bytes) -> DicomImage:
    import pydicom
    from pydicom.datadict import dictionary_VR
    from pydicom.dataset import FileMetaDataset
    from pydicom.filereader import read_dataset

    def is_sequence(tag: int) -> bool:
        try:
            return dictionary_VR(tag) == "SQ"
        except KeyError:
            return False

    parts = split_dicom(data, is_sequence)
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    try:
        file = read_dataset(io.BytesIO(parts.rebuilt()), parts.implicit, parts.syntax != EXPLICIT_BIG)
        file.file_meta = FileMetaDataset()
        file.file_meta.TransferSyntaxUID = pydicom.uid.UID(parts.syntax)
        return _image_of(file, parts)
    except RecursionError as error:
        raise ImageRefused(said("it is not a readable DICOM file: its sequences are nested too deep")) from error
    except DAMAGE as error:
        raise ImageRefused(DAMAGED) from error


def _image_of(file: "Dataset", parts: DicomParts) -> DicomImage:
    pixels = next((tag for tag in (PIXEL_DATA, FLOAT_PIXELS, DOUBLE_PIXELS) if tag in parts.elements), None)
    if pixels is None:
        raise ImageRefused(_without_pixels(file, parts))
    missing = [k for k in ("Rows", "Columns", "PhotometricInterpretation", "SamplesPerPixel") if k not in file]
    if missing:
        raise ImageRefused(said("the file is damaged (it does not say its {listed})", listed=", ".join(missing)))
    rows, columns, samples = (_whole(file, k) for k in ("Rows", "Columns", "SamplesPerPixel"))
    frames = _whole(file, "NumberOfFrames", 1)
    if rows < 1 or columns < 1 or frames < 1:
        raise ImageRefused(
            said(
                "the file is damaged (it says it has {frames:,} frames of {rows:,} rows and {columns:,} columns)",
                frames=frames,
                rows=rows,
                columns=columns,
            )
        )
    check_size(columns, rows)
    if frames > limits.MAX_DICOM_FRAMES:
        raise ImageRefused(
            said(
                "it says it has {frames:,} frames; accepted are up to {most}",
                frames=frames,
                most=limits.MAX_DICOM_FRAMES,
            )
        )
    width = {PIXEL_DATA: 0, FLOAT_PIXELS: 32, DOUBLE_PIXELS: 64}[pixels]
    allocated = width or _whole(file, "BitsAllocated")
    stored = width or _whole(file, "BitsStored", allocated)
    high = width - 1 if width else _whole(file, "HighBit", stored - 1)
    if allocated not in (1, 8, 16, 32, 64):
        raise ImageRefused(
            said(
                "the file is damaged (it says BitsAllocated {allocated}; 1, 8, 16, 32 and 64 exist)",
                allocated=allocated,
            )
        )
    if not 1 <= stored <= allocated or not stored - 1 <= high < allocated:
        raise ImageRefused(
            said(
                "the file is damaged (it says BitsStored {stored} and HighBit {high}, but BitsAllocated {allocated})",
                stored=stored,
                high=high,
                allocated=allocated,
            )
        )
    photometric = str(file.PhotometricInterpretation).strip()
    wanted = 1 if photometric in (*GREY, PALETTE) else 3
    if photometric not in (*GREY, *COLOUR, PALETTE):
        raise ImageRefused(
            said(
                "its colours are of a kind that is not supported; supported are {listed}",
                listed=", ".join(GREY + COLOUR),
            )
        )
    if samples != wanted:
        raise ImageRefused(
            said(
                "the file is damaged (it says {samples} samples per pixel, but {photometric} has {wanted})",
                samples=samples,
                photometric=photometric,
                wanted=wanted,
            )
        )
    needed = rows * columns * samples * frames * allocated // 8
    if needed > limits.MAX_VOLUME_BYTES:
        raise ImageRefused(
            said(
                "its {frames:,} frames have {needed:,.0f} MB when decoded; accepted are up to {most} MB",
                frames=frames,
                needed=needed / 1024**2,
                most=limits.MAX_VOLUME_BYTES // 1024**2,
            )
        )
    header = ImageHeader(format="DICOM", width=columns, height=rows, frames=frames, bits=stored)
    image = DicomImage(file, parts.syntax, header, photometric, samples, allocated)
    if (parts.syntax in NATIVE) == bool(parts.fragments):
        raise ImageRefused(said("the file is damaged (its pixels are not packed as its transfer syntax says)"))
    if not parts.fragments:
        _check_native_length(image, len(file[pixels].value or b""))
    return image


def _check_native_length(image: DicomImage, length: int) -> None:
    header, samples = image.header, image.samples
    if image.photometric == "YBR_FULL_422":
        samples = 2
    bits = header.width * header.height * samples * header.frames * image.allocated
    needed = -(-bits // 8)
    spare = length - needed
    if spare == 0 or (spare == 1 and needed % 2):
        return
    value = image.file.get("PixelData", b"")
    if 0 < spare < max(needed // header.frames, 2) and not any(value[needed:]):
        return  # filled up with zeros, which viewers ignore too
    raise ImageRefused(
        said(
            "{what} ({frames:,} frame(s) of {width:,} x {height:,} pixels need {needed:,} bytes, it has {length:,})",
            what=DAMAGED if spare > 0 else CUT_OFF, frames=header.frames, width=header.width, height=header.height,
            needed=needed, length=length,
        )
    )  # fmt: skip


def _grey_plan(image: DicomImage, index: int) -> GreyPlan:
    file = image.file
    signed = bool(_whole(file, "PixelRepresentation", 0))
    padding = None
    if "PixelPaddingValue" in file and image.allocated <= 32:
        bits = image.header.bits
        ends = [_whole(file, k) for k in ("PixelPaddingValue", "PixelPaddingRangeLimit") if k in file]
        ends = [_as_signed(end, 8 * (2 if bits <= 16 else 4), signed) for end in ends]
        padding = (min(ends), max(ends))
    return GreyPlan(
        value_of=_group(file, index, "PixelValueTransformationSequence"),
        window_of=_group(file, index, "FrameVOILUTSequence"),
        stored_bits=image.header.bits,
        high_bit=_whole(file, "HighBit", image.header.bits - 1),
        signed=signed,
        inverted=image.photometric == "MONOCHROME1",
        padding=padding,
    )


def _as_signed(value: int, bits: int, signed: bool) -> int:
    """Some programs write the padding of signed pixels as an unsigned number, and the other way round."""
    if signed:
        return value - (1 << bits) if value >= 1 << (bits - 1) else value
    return value + (1 << bits) if value < 0 else value


def _group(file: "Dataset", index: int, keyword: str) -> "Dataset":
    """The item of an enhanced image's groups that holds for a frame, or the file itself."""
    try:
        per_frame = file.get("PerFrameFunctionalGroupsSequence") or []
        for groups in [*per_frame[index : index + 1], *(file.get("SharedFunctionalGroupsSequence") or [])]:
            found = groups.get(keyword)
            if found:
                return found[0]
    except (*DAMAGE, RecursionError):
        pass
    return file


def _whole(file: "Dataset", keyword: str, default: int | None = None) -> int:
    """A whole number of the header. Raises ImageRefused where it is none."""
    value: Any = file.get(keyword)
    if value is None or value == "":
        if default is None:
            raise ImageRefused(said("the file is damaged (it does not say its {keyword})", keyword=keyword))
        return default
    try:
        return int(value)
    except (*DAMAGE, RecursionError) as error:
        raise ImageRefused(said("the file is damaged (its {keyword} is no whole number)", keyword=keyword)) from error


def _without_pixels(file: "Dataset", parts: DicomParts) -> str:
    if parts.stored_class == DIRECTORY:
        return said(
            "this DICOM file holds no image: it is a DICOMDIR, the list of a disc's contents; send the files that it "
            "lists"
        )
    stored_class = str(file.get("SOPClassUID") or parts.stored_class)
    kind = next((words for start, words in KINDS.items() if stored_class.startswith(start)), "")
    kind = kind or KINDS.get(known_word(file, "Modality", MODALITIES), "")
    if not kind:
        return said("this DICOM file holds no image; send one that has pixels")
    return said("this DICOM file holds no image: it is {kind}; send the image itself", kind=said(kind))


def _facts(image: DicomImage, words: str) -> dict[str, str]:
    """Whitelisted and checked: words of fixed lists, and numbers."""
    file = image.file
    spacing = [number(file, keyword, None) for keyword in ("PixelSpacing", "ImagerPixelSpacing") if keyword in file]
    facts = {
        "modality": known_word(file, "Modality", MODALITIES),
        "body_part": known_word(file, "BodyPartExamined", BODY_PARTS),
        "view": known_word(file, "ViewPosition", VIEWS),
        "photometric": image.photometric,
        "spacing_mm": f"{spacing[0]:g}" if spacing and spacing[0] else "",
        "grey_values": words.removeprefix("Grey values: ").rstrip(".") if image.photometric in GREY else "",
    }
    return {name: text for name, text in facts.items() if text}


def _burned_in(file: "Dataset") -> str:
    if known_word(file, "BurnedInAnnotation", ("YES", "NO")) == "YES":
        return said("The file says that text is burned into its pixels: it is shown as it is, and may name a person.")
    return ""
