"""The outer structure of a DICOM file: which elements it has, where they lie, and whether it is whole.

Nothing is decoded here and no text is read. Only the elements of `WANTED` are handed on, so that neither a name nor
a date of a patient reaches what comes after; the preamble is thrown away. Nesting is followed without recursion.
Source: DICOM PS3.5 section 7 and annex A, PS3.10 section 7.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from core import limits
from core.data.containers import CUT_OFF
from core.errors import ImageRefused
from core.language import said

EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
NATIVE = frozenset((EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG))  # pixels that are not compressed
DEFLATED = "1.2.840.10008.1.2.1.99"
DIRECTORY = "1.2.840.10008.1.3.10"  # the storage class of a DICOMDIR
PIXEL_DATA, FLOAT_PIXELS, DOUBLE_PIXELS = 0x7FE00010, 0x7FE00008, 0x7FE00009
WANTED = frozenset((
    0x00080016, 0x00080060, 0x00180015, 0x00185101,  # storage class, modality, body part, view
    0x00181164, 0x00280030, 0x00280034,  # spacing and shape of a pixel
    0x00280002, 0x00280004, 0x00280006, 0x00280008, 0x00280010, 0x00280011,  # samples, photometric, frames, size
    0x00280100, 0x00280101, 0x00280102, 0x00280103, 0x00280120, 0x00280121,  # bits, sign, padding
    0x00280301, 0x00281050, 0x00281051, 0x00281056, 0x00281052, 0x00281053, 0x00281054,  # burned in, window, rescale
    0x00283000, 0x00283010,  # tables of grey values
    0x00281101, 0x00281102, 0x00281103, 0x00281201, 0x00281202, 0x00281203,  # palette
    0x00281221, 0x00281222, 0x00281223,
    0x52009229, 0x52009230,  # groups of enhanced images, which hold window and rescale per frame
    0x7FE00001, 0x7FE00002, FLOAT_PIXELS, DOUBLE_PIXELS, PIXEL_DATA,
))  # fmt: skip
_SHORT_LENGTHS = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()
)  # 16-bit length; all others have 32 bits
_LONG_LENGTHS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_MAX_META_BYTES = 1024**2
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class DicomParts:
    """A whole file, reduced: `elements` maps a wanted tag to (start, end) of its bytes in `data`, header included.

    `syntax` is the transfer syntax that the elements are written in (never the deflated one); `stored_class` is the
    storage class that the file meta information names; `fragments` counts the pieces of compressed pixels.
    """

    data: bytes
    syntax: str
    implicit: bool
    stored_class: str
    elements: dict[int, tuple[int, int]]
    fragments: int

    def rebuilt(self) -> bytes:
        """The wanted elements alone, as bytes in the order of the file."""
        return b"".join(self.data[start:end] for start, end in self.elements.values())


def split_dicom(data: bytes, is_sequence: Callable[[int], bool]) -> DicomParts:
    """Walk a file from its first to its last byte.

    Args:
        is_sequence: whether the dictionary knows a tag as a sequence, for files that do not say (implicit VR).
    Raises: ImageRefused when it is cut off, contradicts itself, or is over a limit of depth, elements or bytes.
    """
    at = 132 if data[128:132] == b"DICM" else 0
    meta, at = _read_meta(data, at)
    syntax = _uid(meta.get(0x00020010, b""))
    body = data[at:]
    if syntax == DEFLATED:
        body, syntax = _inflated(body), EXPLICIT_LITTLE
    if not body:
        raise ImageRefused(said("the file is cut off (there is nothing behind its header)"))
    syntax, implicit = _syntax_of(body, syntax)
    walker = _Walker(body, syntax == EXPLICIT_BIG, implicit, is_sequence)
    elements = walker.walk()
    return DicomParts(body, syntax, implicit, _uid(meta.get(0x00020002, b"")), elements, walker.fragments)


def _uid(value: bytes) -> str:
    text = value.rstrip(b"\0 ").decode("latin-1")
    return text if text and set(text) <= set("0123456789.") and len(text) <= 64 else ""


def _read_meta(data: bytes, at: int) -> tuple[dict[int, bytes], int]:
    """Group 0002, always explicit and little endian, and the place behind it."""
    meta: dict[int, bytes] = {}
    while data[at : at + 2] == b"\x02\x00":
        if at + 8 > len(data) or at > _MAX_META_BYTES:
            raise ImageRefused(CUT_OFF)
        kind = data[at + 4 : at + 6]
        if kind in _SHORT_LENGTHS:
            length, value = struct.unpack_from("<H", data, at + 6)[0], at + 8
        elif kind in _LONG_LENGTHS and at + 12 <= len(data):
            length, value = struct.unpack_from("<I", data, at + 8)[0], at + 12
        else:
            raise ImageRefused(said("the file is damaged (its file meta information has a value of an unknown kind)"))
        if value + length > len(data):
            raise ImageRefused(CUT_OFF)
        meta[0x00020000 | struct.unpack_from("<H", data, at + 2)[0]] = data[value : value + length]
        at = value + length
    return meta, at


def _inflated(packed: bytes) -> bytes:
    """The deflated part of a file, never more than a volume may have."""
    engine = zlib.decompressobj(-15)
    parts, total = [], 0
    try:
        for at in range(0, len(packed), _CHUNK_BYTES):
            piece = packed[at : at + _CHUNK_BYTES]
            while piece and not engine.eof:
                part = engine.decompress(piece, limits.MAX_VOLUME_BYTES + 1 - total)
                parts.append(part)
                total += len(part)
                if total > limits.MAX_VOLUME_BYTES:
                    raise ImageRefused(
                        said("it inflates to more than {most} MB", most=limits.MAX_VOLUME_BYTES // 1024**2)
                    )
                piece = engine.unconsumed_tail
    except zlib.error as error:
        raise ImageRefused(said("the file is damaged (it cannot be inflated)")) from error
    if not engine.eof:
        raise ImageRefused(CUT_OFF)
    return b"".join(parts)


def _syntax_of(body: bytes, stated: str) -> tuple[str, bool]:
    """(syntax, implicit?) by what the first element looks like; files without, or with a wrong, statement exist."""
    kind = body[4:6]
    explicit = kind in _SHORT_LENGTHS or kind in _LONG_LENGTHS
    if not stated:
        if not explicit:
            return IMPLICIT_LITTLE, True
        return (EXPLICIT_BIG if body[0] == 0 and body[1] != 0 else EXPLICIT_LITTLE), False
    if stated in (IMPLICIT_LITTLE, EXPLICIT_LITTLE):
        return (EXPLICIT_LITTLE if explicit else IMPLICIT_LITTLE), not explicit
    return stated, not explicit and stated != EXPLICIT_BIG


class _Walker:
    """One pass over the elements; `fragments` is known afterwards."""

    def __init__(self, data: bytes, big_endian: bool, implicit: bool, is_sequence: Callable[[int], bool]) -> None:
        order = ">" if big_endian else "<"
        self._data, self._implicit, self._is_sequence = data, implicit, is_sequence
        self._tag, self._short, self._long = (struct.Struct(order + code) for code in ("HH", "H", "I"))
        self.fragments = 0

    def walk(self) -> dict[int, tuple[int, int]]:
        """Tag to (start, end) of the wanted elements of the top level. Raises ImageRefused."""
        try:
            return self._walk()
        except struct.error as error:  # a field was read beyond the last byte
            raise ImageRefused(CUT_OFF) from error

    def _walk(self) -> dict[int, tuple[int, int]]:
        data = self._data
        found: dict[int, tuple[int, int]] = {}
        levels: list[tuple[bool, int | None, bool]] = [(False, len(data), self._implicit)]  # (items?, end, implicit?)
        at = count = 0
        tag_now = start_now = 0
        while True:
            items, end, implicit = levels[-1]
            if end is not None and at >= end:
                if at > end:
                    raise ImageRefused(
                        said("the file is damaged (an element reaches beyond the sequence that it stands in)")
                    )
                levels.pop()
                if not levels:
                    return found
                if len(levels) == 1 and tag_now in WANTED:
                    found[tag_now] = (start_now, at)
                continue
            count += 1
            if count > limits.MAX_DICOM_ELEMENTS:
                raise ImageRefused(said("it has more than {most:,} elements", most=limits.MAX_DICOM_ELEMENTS))
            if len(levels) == 1 and not any(data[at : at + 8]) and not any(data[at:]):
                return found  # some programs fill the last block with zeros
            group, element = self._tag.unpack_from(data, at)
            tag = group << 16 | element
            if tag in (_ITEM, _ITEM_END, _SEQUENCE_END):
                (length,) = self._long.unpack_from(data, at + 4)
                at += 8
                if tag == _ITEM and items:
                    levels.append((False, self._end(at, length), implicit))
                    self._check_depth(levels)
                elif tag == (_SEQUENCE_END if items else _ITEM_END) and end is None and len(levels) > 1:
                    levels.pop()
                    if len(levels) == 1 and tag_now in WANTED:
                        found[tag_now] = (start_now, at)
                else:
                    raise ImageRefused(said("the file is damaged (its sequences are not closed where they end)"))
                continue
            if items:
                raise ImageRefused(said("the file is damaged (a sequence holds something else than items)"))
            kind, length, value = self._head(at, tag, implicit)
            if len(levels) == 1:
                tag_now, start_now = tag, at
            if kind == b"SQ" or (kind == b"UN" and length == _UNDEFINED):
                levels.append((True, self._end(value, length), implicit or kind == b"UN"))
                at = value
                continue
            at = self._fragments_end(value) if length == _UNDEFINED else value + length
            if at > len(data):
                raise ImageRefused(CUT_OFF)
            if len(levels) == 1 and tag in WANTED:
                found[tag] = (start_now, at)

    def _head(self, at: int, tag: int, implicit: bool) -> tuple[bytes, int, int]:
        """(kind, length, place of the value) of the element at `at`; of an implicit one SQ is the only kind told."""
        if implicit:
            (length,) = self._long.unpack_from(self._data, at + 4)
            pixels = tag in (PIXEL_DATA, FLOAT_PIXELS, DOUBLE_PIXELS)
            is_items = not pixels and (length == _UNDEFINED or self._is_sequence(tag))
            return (b"SQ" if is_items else b""), length, at + 8
        kind = bytes(self._data[at + 4 : at + 6])
        if kind in _SHORT_LENGTHS:
            return kind, self._short.unpack_from(self._data, at + 6)[0], at + 8
        if kind in _LONG_LENGTHS:
            return kind, self._long.unpack_from(self._data, at + 8)[0], at + 12
        if len(kind) < 2:
            raise ImageRefused(CUT_OFF)
        # where the walk went astray the number of a tag may be letters of a name
        which = (
            said("the element {tag}", tag=f"{tag >> 16:04X},{tag & 0xFFFF:04X}")
            if tag in WANTED
            else said("an element")
        )
        raise ImageRefused(said("the file is damaged ({which} is of an unknown kind)", which=which))

    def _end(self, at: int, length: int) -> int | None:
        if length == _UNDEFINED:
            return None
        if at + length > len(self._data):
            raise ImageRefused(CUT_OFF)
        return at + length

    def _check_depth(self, levels: list[tuple[bool, int | None, bool]]) -> None:
        if len(levels) // 2 > limits.MAX_DICOM_DEPTH:
            raise ImageRefused(
                said(
                    "it is not a readable DICOM file: its sequences are nested more than {most} deep",
                    most=limits.MAX_DICOM_DEPTH,
                )
            )

    def _fragments_end(self, at: int) -> int:
        """The place behind compressed pixels, which are items without elements."""
        while True:
            group, element = self._tag.unpack_from(self._data, at)
            (length,) = self._long.unpack_from(self._data, at + 4)
            at += 8
            if (group, element) == (0xFFFE, 0xE0DD):
                return at
            if (group, element) != (0xFFFE, 0xE000) or length == _UNDEFINED:
                raise ImageRefused(
                    said("the file is damaged (its compressed pixels are not in pieces as they should be)")
                )
            at += length  # beyond the file the next field cannot be read, which is told as "cut off"
            self.fragments += 1
            if self.fragments > limits.MAX_DICOM_FRAGMENTS:
                raise ImageRefused(said("its pixels are in more than {most:,} pieces", most=limits.MAX_DICOM_FRAGMENTS))
