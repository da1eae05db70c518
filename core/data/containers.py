"""What an image file declares about itself, read without decoding a pixel.

Each reader checks the size as soon as it is known and then walks its container to the end, so that a
bomb or a file that was cut off is refused here, before a decoder could fill memory or return half a picture.
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from core import limits
from core.data.tiff import exif_orientation, read_tiff
from core.errors import ImageRefused
from core.language import said

CUT_OFF = said("the file is cut off")
DAMAGED = said("the file is damaged")
PNG_NEEDED = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
JPEG_METADATA = frozenset((0xE1, 0xE2, 0xED, 0xFE))  # EXIF and XMP, profiles and further pictures, Photoshop, comments
_PNG_BITS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}  # PNG standard, table 11.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageHeader:
    """What a file says of itself: `width` and `height` in pixels as stored, before any EXIF rotation.

    `bits` per channel; `frames` is above 1 for animations and multi-page files, of which only the first
    frame is decoded, and for DICOM files, of which any can be; `orientation` is the EXIF value 1 to 8 (1 = upright).
    A volume has `slices` per axis, by name, and `volumes` in time; its `frames` are the slices of the default axis.
    """

    format: str
    width: int
    height: int
    frames: int
    bits: int
    orientation: int = 1
    slices: tuple[tuple[str, int], ...] = ()
    volumes: int = 1


def read_container(data: bytes, format_name: str) -> ImageHeader:
    """The header of `data`, whose format was sniffed before.

    Raises: ImageRefused with the bare reason ("the file is cut off") when the picture is over a limit, or
        the container is incomplete or contradicts itself.
    """
    try:
        return _READERS[format_name](data)
    except (struct.error, IndexError) as error:  # a field was read beyond the last byte
        raise ImageRefused(CUT_OFF) from error


def check_size(width: int, height: int) -> None:
    """Refuse pictures outside `core.limits`, naming the size and the limit."""
    size = said("{width} x {height} pixels", width=f"{width:,}", height=f"{height:,}")
    if width * height > limits.MAX_IMAGE_PIXELS:
        most = f"{limits.MAX_IMAGE_PIXELS:,}"
        raise ImageRefused(said("the picture has {size}, more than the {most} that are accepted", size=size, most=most))
    if min(width, height) < limits.MIN_IMAGE_SIDE_PX:
        least = limits.MIN_IMAGE_SIDE_PX
        raise ImageRefused(said("the picture has {size}, but each side needs at least {least}", size=size, least=least))
    if max(width, height) > limits.MAX_IMAGE_ASPECT * min(width, height):
        raise ImageRefused(
            said(
                "the picture has {size}, but its longer side may be at most {times} times the shorter",
                size=size, times=f"{limits.MAX_IMAGE_ASPECT:g}",
            )
        )  # fmt: skip


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, start, end) of each chunk up to IEND, `start` and `end` with length and checksum.

    Raises: ImageRefused when the file ends before IEND, or a chunk that the picture needs fails its checksum.
    """
    position, view = 8, memoryview(data)
    while True:
        if position + 12 > len(data):
            raise ImageRefused(CUT_OFF)
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            raise ImageRefused(CUT_OFF)
        if kind in PNG_NEEDED:
            (stated,) = struct.unpack_from(">I", data, end - 4)
            if zlib.crc32(view[position + 4 : end - 4]) != stated:
                part = kind.decode("latin-1")
                raise ImageRefused(said("the file is damaged (its {part} part fails its checksum)", part=part))
        yield kind, position, end
        if kind == b"IEND":
            return
        position = end


def _read_png(data: bytes) -> ImageHeader:
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    if data[12:16] != b"IHDR":
        raise ImageRefused(said("the file is damaged (it does not begin with its header)"))
    check_size(width, height)
    if bits not in _PNG_BITS.get(colour, ()):
        raise ImageRefused(
            said("the file is damaged (colour type {colour} with {bits} bits does not exist)", colour=colour, bits=bits)
        )
    frames, orientation, has_pixels = 1, 1, False
    for kind, start, end in png_chunks(data):
        has_pixels = has_pixels or kind == b"IDAT"
        if kind == b"acTL" and end - start >= 20:
            frames = max(1, struct.unpack_from(">I", data, start + 8)[0])
        elif kind == b"eXIf":
            orientation = exif_orientation(data[start + 8 : end - 4])
    if not has_pixels:
        raise ImageRefused(said("the file is damaged (it holds no picture)"))
    return ImageHeader(format="PNG", width=width, height=height, frames=frames, bits=bits, orientation=orientation)


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end) of each segment up to the first scan's header; `start` is at the FF.

    Raises: ImageRefused when the file ends without a picture; IndexError or struct.error when it is cut off.
    """
    position = 2
    while True:
        while data[position] != 0xFF:  # the standard lets nothing stand here, decoders pass over it
            position += 1
        while data[position] == 0xFF:
            position += 1
        marker, start = data[position], position - 1
        position += 1
        if marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:
            continue
        if marker == 0xD9:
            raise ImageRefused(said("the file is damaged (it holds no picture)"))
        position += struct.unpack_from(">H", data, position)[0]
        yield marker, start, position
        if marker == 0xDA:
            return


def _read_jpeg(data: bytes) -> ImageHeader:
    size, orientation, scan, coding = None, 1, 0, 0
    for marker, start, end in jpeg_segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            size = struct.unpack_from(">BHH", data, start + 4)
            check_size(size[2], size[1])
            coding = marker
        elif marker == 0xE1 and data[start + 4 : start + 10] == b"Exif\x00\x00" and orientation == 1:
            orientation = exif_orientation(data[start + 10 : end])
        scan = end
    if size is None:
        raise ImageRefused(said("the file is damaged (it does not tell its size)"))
    # Inside the coded picture FF is always followed by 00 or a restart marker, so FF D9 is the end itself.
    if data.find(b"\xff\xd9", scan) < 0:
        raise ImageRefused(CUT_OFF)
    if data.count(b"\xff\xda", scan) >= limits.MAX_JPEG_SCANS:
        raise ImageRefused(said("the picture is drawn in more than {most} passes", most=limits.MAX_JPEG_SCANS))
    bits, height, width = size
    # A Huffman code has at least one bit: one a block in progressive files, two (DC and end of block) in others.
    bits_a_block = {0xC0: 2, 0xC1: 2, 0xC2: 1}.get(coding, 0)
    if 8 * (len(data) - scan) < bits_a_block * (-(-width // 8)) * (-(-height // 8)):
        pixels = said("{width} x {height} pixels", width=f"{width:,}", height=f"{height:,}")
        raise ImageRefused(said("the file is damaged (it is far too short for {pixels})", pixels=pixels))
    return ImageHeader(format="JPEG", width=width, height=height, frames=1, bits=bits, orientation=orientation)


def _read_bmp(data: bytes) -> ImageHeader:
    (pixels_at,) = struct.unpack_from("<I", data, 10)
    (header_bytes,) = struct.unpack_from("<I", data, 14)
    coded_bytes, compression = 0, 0
    if header_bytes == 12:
        width, height, _, depth = struct.unpack_from("<HHHH", data, 18)
    else:
        width, height, _, depth = struct.unpack_from("<iiHH", data, 18)
        if header_bytes >= 40:
            compression, coded_bytes = struct.unpack_from("<II", data, 30)
    height = abs(height)  # negative: rows run from top to bottom
    check_size(width, height)
    if compression in (0, 3, 6):
        coded_bytes = (width * depth + 31) // 32 * 4 * height
    if pixels_at + coded_bytes > len(data):
        raise ImageRefused(CUT_OFF)
    return ImageHeader(format="BMP", width=width, height=height, frames=1, bits=min(depth, 8))


def _read_gif(data: bytes) -> ImageHeader:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    check_size(width, height)
    position, frames, size = 13 + _colour_table_bytes(flags), 0, (width, height)
    while True:
        block = data[position]
        if block == 0x3B:
            break
        if block == 0x2C:
            left, top, frame_width, frame_height, flags = struct.unpack_from("<HHHHB", data, position + 1)
            if not frames:  # decoders enlarge the canvas to hold a frame that reaches beyond it
                size = (max(width, left + frame_width), max(height, top + frame_height))
                check_size(*size)
            frames += 1
            position += 11 + _colour_table_bytes(flags)
        elif block == 0x21:
            position += 2
        else:
            raise ImageRefused(said("the file is damaged (an unknown part 0x{block:02x})", block=block))
        while data[position]:
            position += 1 + data[position]
        position += 1
    if not frames:
        raise ImageRefused(said("the file is damaged (it holds no picture)"))
    return ImageHeader(format="GIF", width=size[0], height=size[1], frames=frames, bits=8)


def _colour_table_bytes(flags: int) -> int:
    return 3 * (2 << (flags & 7)) if flags & 0x80 else 0


def _read_webp(data: bytes) -> ImageHeader:
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    position, size, frames, orientation = 12, None, 0, 1
    while position + 8 <= min(end, len(data)):
        kind, length = struct.unpack_from("<4sI", data, position)
        body = position + 8
        if size is None and kind in (b"VP8X", b"VP8 ", b"VP8L"):
            size = _webp_size(data, kind, body)
            check_size(*size)
        if kind == b"EXIF":
            exif = data[body : body + length]
            orientation = exif_orientation(exif[6:] if exif[:6] == b"Exif\x00\x00" else exif)
        frames += kind == b"ANMF"
        position = body + length + length % 2
    if end > len(data) or position > len(data) + 1:
        raise ImageRefused(CUT_OFF)
    if size is None:
        raise ImageRefused(said("the file is damaged (it holds no picture)"))
    return ImageHeader(
        format="WebP", width=size[0], height=size[1], frames=max(frames, 1), bits=8, orientation=orientation
    )


def _webp_size(data: bytes, kind: bytes, body: int) -> tuple[int, int]:
    if kind == b"VP8X":
        width, height = data[body + 4 : body + 7], data[body + 7 : body + 10]
        return 1 + int.from_bytes(width, "little"), 1 + int.from_bytes(height, "little")
    if kind == b"VP8L":
        (packed,) = struct.unpack_from("<I", data, body + 1)
        return 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
    coded_width, coded_height = struct.unpack_from("<HH", data, body + 6)
    return coded_width & 0x3FFF, coded_height & 0x3FFF  # the two upper bits ask for scaling on screen


def _read_tiff(data: bytes) -> ImageHeader:
    picture = read_tiff(data)
    check_size(picture.width, picture.height)
    return ImageHeader(
        format="TIFF", width=picture.width, height=picture.height, frames=picture.frames, bits=picture.bits,
        orientation=picture.orientation,
    )  # fmt: skip


_READERS: Mapping[str, Callable[[bytes], ImageHeader]] = MappingProxyType(
    {"PNG": _read_png, "JPEG": _read_jpeg, "BMP": _read_bmp, "GIF": _read_gif, "WebP": _read_webp, "TIFF": _read_tiff}
)
