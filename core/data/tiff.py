"""The directory of a TIFF file (and of EXIF, which is one): size, depth, orientation, where its pixels lie.

Values are read only where they lie inside the file; nothing is decoded.
"""

import struct
from dataclasses import dataclass

from core import limits
from core.errors import ImageRefused
from core.language import said

_VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_VALUE_CODES = {1: "B", 3: "H", 4: "I", 16: "Q"}
_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _ORIENTATION = 256, 257, 258, 262, 274
_STRIP_AT, _STRIP_BYTES, _TILE_WIDTH, _TILE_HEIGHT, _TILE_AT, _TILE_BYTES = 273, 279, 322, 323, 324, 325
_WANTED = frozenset((256, 257, 258, 262, 273, 274, 279, 322, 323, 324, 325))
_CUT_OFF = said("the file is cut off")


@dataclass(frozen=True, slots=True)
class TiffPicture:
    """The first page: `tags` maps a tag to its whole numbers; `frames` counts the pages."""

    tags: dict[int, tuple[int, ...]]
    frames: int

    def first(self, tag: int, default: int = 0) -> int:
        return (self.tags.get(tag) or (default,))[0]

    @property
    def width(self) -> int:
        return self.first(_WIDTH)

    @property
    def height(self) -> int:
        return self.first(_HEIGHT)

    @property
    def bits(self) -> int:
        return self.first(_BITS, 1)

    @property
    def orientation(self) -> int:
        value = self.first(_ORIENTATION, 1)
        return value if 1 <= value <= 8 else 1

    @property
    def white_is_zero(self) -> bool:
        return self.first(_PHOTOMETRIC, 1) == 0


def read_tiff(data: bytes) -> TiffPicture:
    """The first directory of a classic or big TIFF file, and how many there are.

    Raises: ImageRefused when a directory or a page's pixels reach beyond the file, when a directory points back
        to an earlier one, or a tile alone is over the limit of pixels.
    """
    order = "<" if data[:2] == b"II" else ">"
    (version,) = struct.unpack_from(order + "H", data, 2)
    big = version == 43
    (position,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    seen: set[int] = set()
    first: dict[int, tuple[int, ...]] | None = None
    entries = 0
    while position:
        if position in seen:
            raise ImageRefused(said("the file is damaged (its list of pages has no end)"))
        seen.add(position)
        tags, position, count = _read_directory(data, position, order, big, strict=True)
        entries += count
        if entries > limits.MAX_TIFF_ENTRIES:
            raise ImageRefused(said("the file has far too many pages"))
        _check_pixels(tags, len(data))
        first = tags if first is None else first
    if first is None:
        raise ImageRefused(said("the file is damaged (it holds no picture)"))
    return TiffPicture(tags=first, frames=len(seen))


def exif_orientation(exif: bytes) -> int:
    """The orientation 1 to 8 that an EXIF block states; 1 where it states none or makes no sense."""
    if exif[:4] not in (b"II*\x00", b"MM\x00*"):
        return 1
    order = "<" if exif[:2] == b"II" else ">"
    try:
        (position,) = struct.unpack_from(order + "I", exif, 4)
        tags, _, _ = _read_directory(exif, position, order, False, strict=False)
    except (struct.error, ImageRefused):
        return 1
    return TiffPicture(tags=tags, frames=1).orientation


def _check_pixels(tags: dict[int, tuple[int, ...]], file_bytes: int) -> None:
    for start_tag, length_tag in ((_STRIP_AT, _STRIP_BYTES), (_TILE_AT, _TILE_BYTES)):
        for start, length in zip(tags.get(start_tag, ()), tags.get(length_tag, ()), strict=False):
            if start + length > file_bytes:
                raise ImageRefused(_CUT_OFF)
    tile = (tags.get(_TILE_WIDTH) or (0,))[0] * (tags.get(_TILE_HEIGHT) or (0,))[0]
    if tile > limits.MAX_IMAGE_PIXELS:
        raise ImageRefused(said("one tile of the picture has more than {most:,} pixels", most=limits.MAX_IMAGE_PIXELS))


def _read_directory(
    data: bytes, position: int, order: str, big: bool, *, strict: bool
) -> tuple[dict[int, tuple[int, ...]], int, int]:
    """Tags of one directory, the place of the next (0 = none) and the number of entries.

    `strict` refuses values that lie beyond the file; otherwise they are passed over.
    """
    if position >= len(data):
        raise ImageRefused(_CUT_OFF)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, position)
    if count > limits.MAX_TIFF_ENTRIES:
        raise ImageRefused(said("the file is damaged (its directory is far too long)"))
    position += 8 if big else 2
    entry_bytes, room = (20, 8) if big else (12, 4)
    tags: dict[int, tuple[int, ...]] = {}
    for _ in range(count):
        tag, kind, length = struct.unpack_from(order + ("HHQ" if big else "HHI"), data, position)
        at, total = position + entry_bytes - room, length * _VALUE_BYTES.get(kind, 0)
        if total > room:
            (at,) = struct.unpack_from(order + ("Q" if big else "I"), data, at)
        if at + total > len(data):
            if strict:
                raise ImageRefused(_CUT_OFF)
        elif tag in _WANTED and kind in _VALUE_CODES:
            tags[tag] = struct.unpack_from(f"{order}{length}{_VALUE_CODES[kind]}", data, at)
        position += entry_bytes
    if not strict:
        return tags, 0, count
    return tags, struct.unpack_from(order + ("Q" if big else "I"), data, position)[0], count
