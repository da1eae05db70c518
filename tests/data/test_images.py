"""One pixel contract: every accepted file becomes the same uint8 RGB, everything else is refused in one sentence."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from core import limits
from core.data.images import decode_image, encode_jpeg, encode_png, fit_image, read_header
from core.errors import ImageRefused
from core.types import PreprocessSpec

RNG_SEED = 7


def smooth_picture(height=40, width=56):
    """A colour picture with gradients and an uneven layout, so that every flip and turn is different."""
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([x * 4 % 256, y * 6 % 256, (x + 2 * y) % 256], axis=-1).astype(np.uint8)
    rgb[:8, :12] = (250, 20, 30)
    return rgb


def saved(image, format_name, **options):
    stream = io.BytesIO()
    image.save(stream, format_name, **options)
    return stream.getvalue()


def png(width, height, bits, colour, raw=b"", extra=b""):
    """A PNG written by hand, with a correct checksum on every chunk."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(raw)) if raw else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + pixels + chunk(b"IEND", b"")


def refusal(source, name=""):
    with pytest.raises(ImageRefused) as caught:
        decode_image(source, name)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


# ---------------------------------------------------------------- what is accepted

LOSSLESS = {
    "PNG": {}, "BMP": {}, "TIFF": {"compression": "tiff_lzw"}, "WEBP": {"lossless": True}, "GIF": None,
}  # fmt: skip


@pytest.mark.parametrize("format_name", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_files_come_back_pixel_by_pixel(format_name):
    rgb = smooth_picture()
    data = saved(Image.fromarray(rgb), format_name, **LOSSLESS[format_name])
    assert np.array_equal(decode_image(data), rgb)


def test_jpeg_equals_the_reference_decoder_and_is_the_same_every_time():
    data = saved(Image.fromarray(smooth_picture()), "JPEG", quality=90)
    first = decode_image(data)
    reference = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(first.astype(int) - reference.astype(int)).max() <= 2
    assert np.array_equal(first, decode_image(data))


def test_path_and_bytes_give_the_same_pixels_whatever_the_file_is_called(tmp_path):
    data = saved(Image.fromarray(smooth_picture()), "PNG")
    path = tmp_path / "wrong.jpg"
    path.write_bytes(data)
    assert np.array_equal(decode_image(path), decode_image(data))
    assert read_header(path).format == "PNG"


def test_grey_palette_one_bit_and_gif_become_rgb():
    grey = smooth_picture()[..., 0]
    assert np.array_equal(decode_image(saved(Image.fromarray(grey), "PNG")), np.repeat(grey[..., None], 3, axis=2))
    bits = Image.fromarray(np.where(grey > 100, 255, 0).astype(np.uint8)).convert("1")
    assert set(np.unique(decode_image(saved(bits, "PNG")))) == {0, 255}
    palette = Image.fromarray(smooth_picture()).quantize(16)
    expected = np.array(palette.convert("RGB"))
    assert np.array_equal(decode_image(saved(palette, "PNG")), expected)
    assert np.array_equal(decode_image(saved(palette, "GIF")), expected)


def test_transparent_parts_are_laid_on_black():
    rgba = np.zeros((20, 20, 4), np.uint8)
    rgba[...] = (200, 100, 50, 255)
    rgba[:10] = (200, 100, 50, 0)
    rgba[10:15, :, 3] = 128
    rgb = decode_image(saved(Image.fromarray(rgba, "RGBA"), "PNG"))
    assert rgb[0, 0].tolist() == [0, 0, 0]
    # 200 * 128 / 255 = 100.4, 100 * 128 / 255 = 50.2, 50 * 128 / 255 = 25.1
    assert rgb[12, 0].tolist() == [100, 50, 25]
    assert rgb[19, 0].tolist() == [200, 100, 50]
    grey_alpha = np.dstack([np.full((20, 20), 90, np.uint8), np.zeros((20, 20), np.uint8)])
    assert decode_image(saved(Image.fromarray(grey_alpha, "LA"), "PNG")).max() == 0


def test_cmyk_jpeg_is_converted():
    rgb = np.zeros((32, 32, 3), np.uint8)
    rgb[...] = (180, 60, 20)
    decoded = decode_image(saved(Image.fromarray(rgb).convert("CMYK"), "JPEG", quality=95))
    assert np.abs(decoded.astype(int) - rgb).max() <= 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_rotation_is_applied(orientation, format_name):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(format_name, {})
    if format_name == "TIFF":
        data = saved(Image.fromarray(smooth_picture()), "TIFF", tiffinfo={274: orientation})
    else:
        data = saved(Image.fromarray(smooth_picture()), format_name, exif=exif, **options)
    stored = Image.open(io.BytesIO(data))
    reference = np.array(ImageOps.exif_transpose(stored).convert("RGB"))
    assert np.array_equal(decode_image(data), reference)
    header = read_header(data)
    assert (header.width, header.height, header.orientation) == (56, 40, orientation)


def test_senseless_exif_means_upright():
    exif = b"Exif\x00\x00II*\x00\xff\xff\xff\x7f"
    data = saved(Image.fromarray(smooth_picture()), "JPEG", exif=exif)
    assert read_header(data).orientation == 1
    assert decode_image(data).shape == (40, 56, 3)


# ---------------------------------------------------------------- more than 8 bits


@pytest.mark.parametrize(
    ("largest", "shift"), [(255, 0), (256, 2), (1023, 2), (1024, 4), (4095, 4), (4096, 6), (16383, 6), (65535, 8)]
)
@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_sixteen_bits_are_shifted_to_eight_by_the_depth_that_holds_the_largest_value(largest, shift, format_name):
    values = np.linspace(0, largest, 32 * 32).astype(np.uint16).reshape(32, 32)
    decoded = decode_image(saved(Image.fromarray(values), format_name))
    assert np.array_equal(decoded[..., 1], (values >> shift).astype(np.uint8))


def test_sixteen_bits_keep_their_order_and_never_wrap():
    values = np.random.default_rng(RNG_SEED).integers(0, 65536, (64, 64)).astype(np.uint16)
    decoded = decode_image(saved(Image.fromarray(values), "PNG"))[..., 0]
    in_order = decoded.ravel()[np.argsort(values, axis=None)]
    assert (np.diff(in_order.astype(int)) >= 0).all()


def test_signed_whole_numbers_start_at_their_smallest():
    values = np.full((20, 20), -1000, np.int32)
    values[0, 0], values[0, 1] = 3095, -999  # span 4095: 12 bits
    decoded = decode_image(saved(Image.fromarray(values), "TIFF"))[..., 0]
    assert (decoded[0, 0], decoded[0, 1], decoded[5, 5]) == (255, 0, 0)


def test_floating_point_files_are_scaled_and_not_a_number_is_refused():
    unit = np.linspace(0, 1, 400, dtype=np.float32).reshape(20, 20)
    assert np.array_equal(decode_image(saved(Image.fromarray(unit), "TIFF"))[..., 0], np.round(unit * 255))
    wide = unit * 900 - 400
    stretched = decode_image(saved(Image.fromarray(wide.astype(np.float32)), "TIFF"))[..., 0]
    assert (stretched.min(), stretched.max()) == (0, 255)
    for poison in (np.nan, np.inf, -np.inf):
        unit[3, 3] = poison
        assert "floating-point" in refusal(saved(Image.fromarray(unit), "TIFF"), "x.tif")


def test_white_is_zero_tiff_is_turned_the_right_way():
    values = np.linspace(0, 65535, 400).astype(np.uint16).reshape(20, 20)
    plain = saved(Image.fromarray(values), "TIFF", tiffinfo={262: 0})
    assert read_header(plain).bits == 16
    assert decode_image(plain)[0, 0, 0] == 255
    assert decode_image(plain)[-1, -1, 0] == 0


# ---------------------------------------------------------------- headers and frames


def test_header_tells_size_frames_and_depth_without_decoding():
    frames = [Image.fromarray(np.full((24, 30), value, np.uint8)) for value in (10, 120, 240)]
    gif = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    tiff = saved(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    webp = saved(frames[0].convert("RGB"), "WEBP", save_all=True, append_images=[f.convert("RGB") for f in frames[1:]])
    apng = saved(frames[0], "PNG", save_all=True, append_images=frames[1:])
    for data, format_name in ((gif, "GIF"), (tiff, "TIFF"), (webp, "WebP"), (apng, "PNG")):
        header = read_header(data)
        assert (header.format, header.width, header.height, header.frames, header.bits) == (format_name, 30, 24, 3, 8)
        assert abs(int(decode_image(data)[0, 0, 0]) - 10) <= 3
    assert read_header(saved(Image.fromarray(np.zeros((20, 20), np.uint16)), "PNG")).bits == 16


# ---------------------------------------------------------------- what is refused

FOREIGN = {
    "PDF": b"%PDF-1.7\n1 0 obj", "Windows program": b"MZ\x90\x00" + b"\x00" * 60, "Linux program": b"\x7fELF\x02\x01",
    "zip": b"PK\x03\x04" + b"\x00" * 40, "HTML": b"<!DOCTYPE html><html><body>x</body></html>",
    "SVG": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "DICOM": b"\x00" * 128 + b"DICM\x02\x00",
    "NIfTI": b"\x5c\x01\x00\x00" + b"\x00" * 340 + b"n+1\x00", "plain text": b"patient,label\n1,2\n",
    "HDF5": b"\x89HDF\r\n\x1a\n" + b"\x00" * 32, "JPEG 2000": b"\x00\x00\x00\x0cjP  \r\n\x87\n",
    "HEIC": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "gzip": b"\x1f\x8b\x08\x00\x00",
    "no known type": b"\x01\x02\x03\x04" * 9,
    "XML": b'<?xml version="1.0"?><note/>', "script": b"#!/bin/sh\nrm -rf /\n", "empty": b"",
}  # fmt: skip


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("name", ["scan.png", "x.php.jpg", "report"])
def test_other_files_are_refused_by_their_real_type_whatever_their_name(kind, name):
    sentence = refusal(FOREIGN[kind], name)
    assert kind in sentence
    assert name in sentence
    assert "accepted are JPEG, PNG, BMP, TIFF, WebP, GIF, DICOM and NIfTI" in sentence


def test_compressed_nifti_is_named():
    import gzip

    volume = b"\x5c\x01\x00\x00" + b"\x00" * 340 + b"n+1\x00" + b"\x00" * 1000
    assert "NIfTI" in refusal(gzip.compress(volume), "brain.nii.gz")


SEEDS = {
    "jpeg": lambda rgb: saved(Image.fromarray(rgb), "JPEG", quality=90),
    "progressive": lambda rgb: saved(Image.fromarray(rgb), "JPEG", quality=90, progressive=True),
    "png": lambda rgb: saved(Image.fromarray(rgb), "PNG"),
    "png16": lambda rgb: saved(Image.fromarray(rgb[..., 0].astype(np.uint16) * 257), "PNG"),
    "bmp": lambda rgb: saved(Image.fromarray(rgb), "BMP"),
    "tiff": lambda rgb: saved(Image.fromarray(rgb), "TIFF"),
    "tiff_lzw": lambda rgb: saved(Image.fromarray(rgb), "TIFF", compression="tiff_lzw"),
    "webp": lambda rgb: saved(Image.fromarray(rgb), "WEBP", quality=80),
    "webp_lossless": lambda rgb: saved(Image.fromarray(rgb), "WEBP", lossless=True),
    "gif": lambda rgb: saved(Image.fromarray(rgb), "GIF"),
    "gif_animated": lambda rgb: saved(
        Image.fromarray(rgb), "GIF", save_all=True, append_images=[Image.fromarray(rgb[::-1].copy())]
    ),
}


@pytest.mark.parametrize("kind", SEEDS)
def test_a_file_cut_off_anywhere_is_refused(kind):
    data = SEEDS[kind](smooth_picture())
    assert decode_image(data).shape == (40, 56, 3)
    for length in np.unique(np.linspace(0, len(data) - 1, 64).astype(int)):
        refusal(data[:length], f"{kind} cut at {length}")


@pytest.mark.parametrize("kind", SEEDS)
def test_flipped_bits_are_refused_or_decoded_but_never_crash(kind):
    data = SEEDS[kind](smooth_picture())
    rng = np.random.default_rng(RNG_SEED)
    for _ in range(60):
        broken = bytearray(data)
        for position in rng.integers(0, len(data), 3):
            broken[position] ^= 1 << int(rng.integers(8))
        try:
            rgb = decode_image(bytes(broken))
        except ImageRefused:
            continue
        assert rgb.dtype == np.uint8
        assert rgb.ndim == 3


def test_pixel_bombs_are_refused_from_the_header_alone():
    header_only = png(20000, 20000, 8, 2)
    assert len(header_only) <= 68
    assert "20,000 x 20,000" in refusal(header_only, "bomb.png")
    gif = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b"\x3b"
    assert "65,535 x 65,535" in refusal(gif, "bomb.gif")
    bmp = bytearray(saved(Image.fromarray(smooth_picture()), "BMP"))
    bmp[18:26] = struct.pack("<ii", 30000, 30000)
    assert "30,000 x 30,000" in refusal(bytes(bmp), "bomb.bmp")


def test_frame_larger_than_its_canvas_counts():
    frame = b"\x2c" + struct.pack("<HHHHB", 60000, 60000, 100, 100, 0) + b"\x02\x00"
    gif = b"GIF89a" + struct.pack("<HHBBB", 100, 100, 0, 0, 0) + frame + b"\x3b"
    assert "60,100 x 60,100" in refusal(gif, "extents.gif")


def test_a_tile_larger_than_the_limit_is_refused():
    values = {256: 64, 257: 64, 322: 65536, 323: 65536}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values.items())
    data = b"II*\x00" + struct.pack("<I", 8) + struct.pack("<H", len(values)) + entries + struct.pack("<I", 0)
    assert "one tile" in refusal(data, "tile.tif")


def test_a_jpeg_with_thousands_of_passes_is_refused():
    data = saved(Image.fromarray(smooth_picture()), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    assert "passes" in refusal(data[:-2] + data[last:-2] * 300 + b"\xff\xd9", "scans.jpg")


def test_a_jpeg_that_claims_more_pixels_than_its_bytes_can_hold_is_refused():
    data = bytearray(saved(Image.fromarray(smooth_picture()), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 4000, 4000)  # decoders would fill the rest with grey
    assert "too short" in refusal(bytes(data), "grey.jpg")
    black = saved(Image.new("RGB", (4000, 3000)), "JPEG", optimize=True)  # as little as a true file can have
    assert decode_image(black).max() == 0


def test_a_tiff_cut_off_in_a_later_page_is_refused():
    pages = [Image.fromarray(np.full((40, 40), value, np.uint8)) for value in (10, 120, 240)]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert read_header(data).frames == 3
    refusal(data[: len(data) - 300], "stack.tif")


def test_pages_that_point_in_a_circle_are_refused():
    entries = struct.pack("<HHII", 256, 3, 1, 20) + struct.pack("<HHII", 257, 3, 1, 20)
    data = b"II*\x00" + struct.pack("<I", 8) + struct.pack("<H", 2) + entries + struct.pack("<I", 8)
    assert "no end" in refusal(data, "loop.tif")


def test_limits_of_size_shape_and_bytes_are_named(monkeypatch):
    assert "at least 16" in refusal(encode_png(np.zeros((15, 40, 3), np.uint8)), "tiny.png")
    assert "10 times" in refusal(encode_png(np.zeros((20, 220, 3), np.uint8)), "strip.png")
    monkeypatch.setattr(limits, "MAX_IMAGE_BYTES", 1024**2)
    assert "accepted are up to 1 MB" in refusal(b"\x89PNG\r\n\x1a\n" + b"\x00" * 2 * 1024**2, "fat.png")


def test_metadata_bombs_are_not_inflated():
    text = zlib.compress(b"\x00" * 50_000_000, 9)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    extra = (
        chunk(b"zTXt", b"Comment\x00\x00" + text)
        + chunk(b"iCCP", b"p\x00\x00" + text)
        + chunk(b"tEXt", b"a\x00b") * 1000
    )
    raw = b"".join(b"\x00" + bytes([row] * 32) for row in range(32))
    assert decode_image(png(32, 32, 8, 0, raw, extra))[5, 5].tolist() == [5, 5, 5]


def test_wrong_checksum_is_refused():
    data = bytearray(saved(Image.fromarray(smooth_picture()), "PNG"))
    data[60] ^= 1
    assert "checksum" in refusal(bytes(data), "damaged.png")


def test_absent_file_and_strange_paths_are_refused_without_a_traceback(tmp_path):
    from pathlib import Path

    assert "cannot be read" in refusal(tmp_path / "nothing.png")
    assert "cannot be read" in refusal(tmp_path)
    assert "cannot be read" in refusal(Path("a\x00b.png"))


def test_a_name_cannot_rewrite_the_sentence():
    sentence = refusal(b"", "a\nb\u202egnp.exe" + "x" * 300)
    assert "\u202e" not in sentence
    assert len(sentence) < 250


# ---------------------------------------------------------------- fitting and encoding


def test_stretch_pad_and_crop_reach_the_square():
    rgb = np.zeros((40, 80, 3), np.uint8)
    rgb[:, :20], rgb[:, 20:60], rgb[:, 60:] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    stretched = fit_image(rgb, PreprocessSpec(size_px=40, resize_mode="stretch"))
    assert stretched[20, 2].tolist() == [255, 0, 0]
    assert stretched[20, 37].tolist() == [0, 0, 255]
    padded = fit_image(rgb, PreprocessSpec(size_px=40, resize_mode="pad"))
    assert padded[:10].max() == 0  # 40 x 80 becomes 20 x 40, ten black rows above and below
    assert padded[30:].max() == 0
    assert padded[10:30].max(axis=2).min() == 255
    cropped = fit_image(rgb, PreprocessSpec(size_px=40, resize_mode="crop"))
    assert (cropped == (0, 255, 0)).all()


@pytest.mark.parametrize("contrast", ["none", "equalize", "clahe", "gamma", "log"])
@pytest.mark.parametrize("mode", ["stretch", "pad", "crop"])
def test_fitting_is_deterministic_and_leaves_its_input_alone(contrast, mode):
    rgb = smooth_picture(61, 47)
    before = rgb.copy()
    spec = PreprocessSpec(size_px=32, resize_mode=mode, contrast=contrast)
    first, second = fit_image(rgb, spec), fit_image(rgb, spec)
    assert first.shape == (32, 32, 3)
    assert first.dtype == np.uint8
    assert first.flags["C_CONTIGUOUS"]
    assert np.array_equal(first, second)
    assert np.array_equal(rgb, before)


def test_fitting_never_returns_the_callers_own_array():
    rgb = smooth_picture(32, 32)
    assert not np.shares_memory(fit_image(rgb, PreprocessSpec(size_px=32)), rgb)


@pytest.mark.parametrize("contrast", ["equalize", "clahe", "gamma", "log"])
def test_contrast_keeps_grey_pictures_grey_and_brightens_dark_ones(contrast):
    dark = (smooth_picture(64, 64)[..., 0] // 4)[..., None].repeat(3, axis=2)
    changed = fit_image(dark, PreprocessSpec(size_px=64, contrast=contrast))
    assert np.array_equal(changed[..., 0], changed[..., 1])
    assert np.array_equal(changed[..., 0], changed[..., 2])
    assert changed.mean() > dark.mean()


def test_gamma_and_logarithm_by_hand():
    rgb = np.full((32, 32, 3), 64, np.uint8)
    # 255 * (64 / 255) ** 0.67 = 101.0; 255 * ln(65) / ln(256) = 191.96
    assert fit_image(rgb, PreprocessSpec(size_px=32, contrast="gamma"))[0, 0, 0] == 101
    assert fit_image(rgb, PreprocessSpec(size_px=32, contrast="log"))[0, 0, 0] == 192


def test_png_round_trip_is_exact_and_jpeg_close():
    rgb = smooth_picture()
    assert np.array_equal(decode_image(encode_png(rgb)), rgb)
    grey = np.repeat(np.tile(np.arange(0, 112, 2, dtype=np.uint8), (40, 1))[..., None], 3, axis=2)
    assert np.abs(decode_image(encode_jpeg(grey)).astype(int) - grey).max() <= 4
    assert len(encode_jpeg(rgb, quality=30)) < len(encode_jpeg(rgb, quality=95))


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4)), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)]
)
def test_other_arrays_are_refused(array):
    for function in (encode_png, encode_jpeg, lambda a: fit_image(a, PreprocessSpec())):
        with pytest.raises(ImageRefused, match="uint8"):
            function(array)
