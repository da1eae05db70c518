"""What a file really is, by its first bytes; its name and its declared type are never asked."""

import zlib

IMAGE_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WebP", "GIF")
ACCEPTED = "accepted are JPEG, PNG, BMP, TIFF, WebP and GIF"
_BMP_HEADER_BYTES = frozenset((12, 16, 40, 52, 56, 64, 108, 124))  # the known versions of the header after "BM"
_TEXT_PROBE_BYTES = 1024

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
    (344, b"n+1\x00", "a NIfTI volume"),
    (344, b"ni1\x00", "a NIfTI header"),
    (4, b"n+2\x00", "a NIfTI volume"),
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
    if data[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if data[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        # A DICOM file may carry a TIFF header in its free preamble; it is a DICOM file all the same.
        return None if data[128:132] == b"DICM" else "TIFF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADER_BYTES:
        return "BMP"
    return None


def describe_foreign(data: bytes) -> str:
    """What a file that is no accepted image is, with its article: "a PDF document", "plain text"."""
    if data[128:132] == b"DICM":
        return "a DICOM file"
    if data[:2] == b"\x1f\x8b":
        return "a compressed NIfTI volume" if _holds_nifti(data) else "a gzip archive"
    for offset, magic, kind in _FOREIGN:
        if data[offset : offset + len(magic)] == magic:
            return kind
    if data[:4] == b"\x89PNG" or data[1:4] == b"PNG":
        return "a PNG file whose signature was damaged on the way (sent as text, perhaps)"
    return _describe_text(data[:_TEXT_PROBE_BYTES]) or "of no known type"


def _holds_nifti(data: bytes) -> bool:
    """Whether a gzip stream starts like a NIfTI file; inflates one header, never the volume."""
    try:
        head = zlib.decompressobj(wbits=31).decompress(data[:4096], 352)
    except zlib.error:
        return False
    return head[344:348] in (b"n+1\x00", b"ni1\x00") or head[4:8] == b"n+2\x00"


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
