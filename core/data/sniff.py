"""What a file really is, by its first bytes; its name and its declared type are never asked."""

import struct
import zlib

IMAGE_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WebP", "GIF", "DICOM", "NIfTI")
IN_CHILD = frozenset(("DICOM", "NIfTI"))  # decoded in a process of its own, see core.data.sandbox
ACCEPTED = "accepted are JPEG, PNG, BMP, TIFF, WebP, GIF, DICOM and NIfTI"
_BMP_HEADER_BYTES = frozenset((12, 16, 40, 52, 56, 64, 108, 124))  # the known versions of the header after "BM"
_TEXT_PROBE_BYTES = 1024

_DICOM_SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_DICOM_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())

_FOREIGN: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF", "a PDF document"),
    (0, b"MZ", "a Windows program"),
    (0, b"\x7fELF", "a Linux program"),
    (0, b"\xca\xfe\xba\xbe", "a macOS program or Java class"),
    (0, b"\xcf\xfa\xed\xfe", "a macOS program"),
    (0, b"PK\x03\x04", "a zip archive (or an Office or Keras file, which are zip archives)"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ\x00", "an xz archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (0, b"\x00\x00\x00\x0cJXL ", "a JPEG XL image"),
    (0, b"\xff\x0a", "a JPEG XL image"),
    (8, b"heic", "a HEIC photo"),
    (8, b"heix", "a HEIC photo"),
    (8, b"mif1", "a HEIF photo"),
    (8, b"avif", "an AVIF image"),
    (4, b"ftyp", "a video"),
    (0, b"\x1aE\xdf\xa3", "a video"),
    (8, b"AVI ", "a video"),
    (8, b"WAVE", "a sound file"),
    (0, b"ID3", "a sound file"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"\x00\x00\x01\x00", "an icon"),
    (0, b"icns", "an icon"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"\xc5\xd0\xd3\xc6", "a PostScript document"),
    (0, b"DDS ", "a DDS texture"),
    (0, b"SQLite format 3\x00", "a SQLite database"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
    (0, b"{\\rtf", "an RTF document"),
)


def image_format(data: bytes) -> str | None:
    """One of `IMAGE_FORMATS` by magic bytes, or None when `data` is none of them."""
    if data[128:132] == b"DICM":  # what stands before it is free: a TIFF header, a program, anything
        return "DICOM"
    if data[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if data[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return "TIFF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADER_BYTES:
        return "BMP"
    if _is_nifti(data[:352]) or (data[:2] == b"\x1f\x8b" and _holds_nifti(data)):
        return "NIfTI"
    return "DICOM" if _starts_like_dicom(data) else None


def describe_foreign(data: bytes) -> str:
    """What a file that is no accepted image is, with its article: "a PDF document", "plain text"."""
    if data[:2] == b"\x1f\x8b":
        return "a gzip archive"
    for offset, magic, kind in _FOREIGN:
        if data[offset : offset + len(magic)] == magic:
            return kind
    if data[:4] == b"\x89PNG" or data[1:4] == b"PNG":
        return "a PNG file whose signature was damaged on the way (sent as text, perhaps)"
    return _describe_text(data[:_TEXT_PROBE_BYTES]) or "of no known type"


def _is_nifti(head: bytes) -> bool:
    """Whether the first 352 bytes are a NIfTI header of version 1 or 2, in either order of bytes."""
    first = struct.unpack("<i", head[:4])[0] if len(head) >= 4 else 0
    if first in (348, 0x5C010000):
        return head[344:348] in (b"n+1\x00", b"ni1\x00")
    return first in (540, 0x1C020000) and head[4:8] in (b"n+2\x00", b"ni2\x00")


def _holds_nifti(data: bytes) -> bool:
    """Whether a gzip stream starts like a NIfTI file; inflates one header, never the volume."""
    try:
        return _is_nifti(zlib.decompressobj(wbits=31).decompress(data[:65_536], 352))
    except zlib.error:
        return False


def _starts_like_dicom(data: bytes) -> bool:
    """Whether a file without preamble begins with three DICOM elements, in order, of groups that come first."""
    big = data[:2] == b"\x00\x08"
    order, at, last = ">" if big else "<", 0, 0
    for _ in range(3):
        if at + 8 > len(data):
            return False
        group, element = struct.unpack_from(order + "HH", data, at)
        if group not in (0x0002, 0x0008, 0x0010) or (group << 16 | element) < last or (not at and group == 0x0010):
            return False
        last = group << 16 | element
        if data[at + 4 : at + 6] in _DICOM_SHORT:
            at += 8 + struct.unpack_from(order + "H", data, at + 6)[0]
        elif data[at + 4 : at + 6] in _DICOM_LONG and data[at + 6 : at + 8] == b"\0\0" and at + 12 <= len(data):
            length = struct.unpack_from(order + "I", data, at + 8)[0]
            if length == 0xFFFFFFFF:
                return True
            at += 12 + length
        else:
            length = struct.unpack_from("<I", data, at + 4)[0]
            if big or group == 0x0002 or length > 0xFFFF:
                return False
            at += 8 + length
    return True


def _describe_text(head: bytes) -> str | None:
    lowered = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in lowered:
        return "an SVG drawing"
    if lowered.startswith((b"<!doctype html", b"<html")) or b"<html" in lowered:
        return "an HTML page"
    if lowered.startswith(b"<?xml"):
        return "an XML file"
    if lowered.startswith((b"<?php", b"#!")):
        return "a script"
    printable = sum(32 <= byte < 127 or byte in b"\t\r\n" or byte >= 128 for byte in head)
    return "plain text" if head and printable == len(head) and b"\x00" not in head else None
