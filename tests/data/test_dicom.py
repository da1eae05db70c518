"""DICOM as a viewer shows it: every encoding gives the same pixels, grey values follow the file, frames are named."""

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi, apply_windowing
from pydicom.sequence import Sequence

from core.data.dicom import decode_dicom, read_dicom_header
from core.data.frames import FrameChoice
from core.data.images import decode_image, decode_picture
from core.data.sniff import image_format
from core.errors import ImageRefused

EXAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
MIDDLE = FrameChoice()


def decoded(data, frame=MIDDLE):
    return decode_dicom(data, frame)


def refusal(data, frame=MIDDLE):
    with pytest.raises(ImageRefused) as caught:
        decoded(data, frame)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def example(name):
    path = EXAMPLES / name
    if not path.is_file():
        pytest.skip(f"this pydicom comes without {name}")
    return path.read_bytes()


# ---------------------------------------------------------------- encodings


@pytest.mark.parametrize(
    "syntax",
    ["ImplicitVRLittleEndian", "ExplicitVRLittleEndian", "ExplicitVRBigEndian", "DeflatedExplicitVRLittleEndian",
     "RLELossless", "JPEG2000Lossless"],
)  # fmt: skip
def test_every_lossless_transfer_syntax_gives_the_same_pixels(medical, syntax):
    plain = decoded(medical.dicom(medical.dataset(medical.radiograph, stored=12)))
    data = medical.dicom(medical.dataset(medical.radiograph, stored=12), syntax)
    assert image_format(data) == "DICOM"
    assert np.array_equal(decoded(data).pixels, plain.pixels)
    assert plain.pixels.shape == medical.radiograph.shape


@pytest.mark.parametrize("name", ["RLE", "implicit", "bigendian", "jp2klossless", "jpeg_ls_lossless", "expb", "padded"])
def test_an_mr_slice_in_other_encodings_is_the_same_slice(name):
    one = decoded(example("MR_small.dcm"))
    assert np.array_equal(decoded(example(f"MR_small_{name}.dcm")).pixels, one.pixels)
    assert one.pixels.std() > 30


@pytest.mark.parametrize(
    "name",
    ["SC_rgb_rle.dcm", "SC_rgb_rle_16bit.dcm", "SC_rgb_rle_32bit.dcm", "SC_rgb_jpeg_gdcm.dcm", "SC_rgb_gdcm_KY.dcm",
     "SC_rgb_jls_lossy_sample.dcm", "SC_rgb_jls_lossy_line.dcm", "SC_rgb_dcmtk_+eb+cr.dcm",
     "SC_rgb_dcmtk_+eb+cy+np.dcm",     "SC_rgb_dcmtk_+eb+cy+s4.dcm", "SC_ybr_full_422_uncompressed.dcm"],
)  # fmt: skip
def test_colours_are_the_same_in_lossless_lossy_and_ybr_encodings(name):
    # ten stripes: red, green, blue and their pale versions, black, two greys, white
    pixels = decoded(example(name)).pixels.astype(int)
    stripes = pixels[5::10, 50]
    wanted = [(255, 0, 0), (255, 128, 128), (0, 255, 0), (128, 255, 128), (0, 0, 255), (128, 128, 255), (0, 0, 0),
              (64, 64, 64), (192, 192, 192), (255, 255, 255)]  # fmt: skip
    assert np.abs(stripes - np.array(wanted)).max() <= 5  # lossy, and back from YBR


def test_jpeg_baseline_inside_equals_the_same_jpeg_as_a_file(medical):
    grey = (np.mgrid[0:40, 0:56][1] * 4).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, "JPEG", quality=90)
    file = medical.dataset(grey)
    file.file_meta.TransferSyntaxUID = pydicom.uid.JPEGBaseline8Bit
    file.PixelData = encapsulate([stream.getvalue()])
    file["PixelData"].is_undefined_length = True
    inside = decode_image(medical.dicom(file))
    assert np.array_equal(inside, decode_image(stream.getvalue()))


def test_jpeg_with_twelve_bits_is_decoded():
    assert decoded(example("JPGExtended.dcm")).pixels.std() > 30


def test_a_palette_gives_the_colours_that_pydicom_gives():
    data = example("examples_palette.dcm")
    file = pydicom.dcmread(io.BytesIO(data))
    reference = apply_color_lut(file.pixel_array, file)
    assert reference.dtype == np.uint16
    assert np.array_equal(decoded(data).pixels, (reference >> 8).astype(np.uint8))


@pytest.mark.parametrize("name", ["no preamble", "no meta", "implicit, but called explicit", "a program in front"])
def test_unusual_beginnings_are_read_all_the_same(medical, name):
    good = medical.dicom(medical.dataset(medical.radiograph, stored=12))
    if name == "no preamble":
        data = good[132:]
    elif name == "no meta":
        data = good[132 + 12 + int.from_bytes(good[140:144], "little") :]
    elif name == "a program in front":
        data = b"MZ\x90\x00" + good[4:]
    else:
        file = medical.dataset(medical.radiograph, stored=12)
        data = medical.dicom(file, implicit=True, little=True)
    assert image_format(data) == "DICOM"
    assert np.array_equal(decoded(data).pixels, decoded(good).pixels)


# ---------------------------------------------------------------- grey values


def reference_window(file):
    """Rescale and window by pydicom, scaled to 8 bits by hand."""
    values = apply_modality_lut(file.pixel_array, file)
    shown = apply_windowing(values, file).astype(np.float64)
    low, high = 0.0, 2.0**file.BitsStored - 1
    if file.PixelRepresentation:
        low, high = -(2.0 ** (file.BitsStored - 1)), 2.0 ** (file.BitsStored - 1) - 1
    slope, intercept = float(file.get("RescaleSlope", 1)), float(file.get("RescaleIntercept", 0))
    low, high = low * slope + intercept, high * slope + intercept
    return (shown - low) / (high - low) * 255


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("signed", [False, True])
def test_the_window_is_that_of_pydicom_to_one_grey_level(medical, function, signed):
    pixels = medical.radiograph.astype(np.int16) - 1000 if signed else medical.radiograph
    file = medical.dataset(
        pixels, RescaleSlope=2, RescaleIntercept=-1024, WindowCenter=[900, 40], WindowWidth=[1500, 400],
        VOILUTFunction=function,
    )  # fmt: skip
    found = decoded(medical.dicom(file))
    assert np.abs(found.pixels - reference_window(file)).max() <= 1
    assert found.note == "Grey values: the file's own window, 1500 wide around 900."


def test_monochrome1_and_its_twin_are_the_same_picture(medical):
    for tags in ({"WindowCenter": 2000, "WindowWidth": 1000}, {}):
        twin = dict(tags)
        if tags:
            twin["WindowCenter"] = 4095 - 2000 + 1  # a window of integers is centred half a step beside its middle
        one = decoded(medical.dicom(medical.dataset(medical.radiograph, stored=12, **tags))).pixels
        turned = (4095 - medical.radiograph).astype(np.uint16)
        other = medical.dataset(turned, stored=12, photometric="MONOCHROME1", **twin)
        assert np.abs(one.astype(int) - decoded(medical.dicom(other)).pixels).max() <= 1
        assert one[8, 10] > one[0, 0]


def test_without_a_window_the_percentiles_are_stretched_and_the_note_says_so(medical):
    pixels = medical.radiograph.copy()
    pixels[0, 0] = 65535  # one hot pixel must not darken the rest
    found = decoded(medical.dicom(medical.dataset(pixels)))
    low, high = np.percentile(pixels, [0.5, 99.5], method="inverted_cdf")
    assert np.abs(found.pixels - np.clip((pixels - float(low)) / (high - low), 0, 1) * 255).max() <= 0.5
    assert "0.5 to the 99.5 percentile, because the file names no window" in found.note


def test_eight_bits_without_a_window_stay_as_they_are(medical):
    grey = (medical.radiograph >> 5).astype(np.uint8)
    found = decoded(medical.dicom(medical.dataset(grey)))
    assert np.array_equal(found.pixels, grey)
    assert found.note == "Grey values: its 8 bits as stored."


def test_a_table_of_grey_values_is_used_where_there_is_no_window(medical):
    item = pydicom.Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, 12])
    item.add_new("LUTData", "US", [4095 - n for n in range(4096)])
    file = medical.dataset(medical.radiograph, stored=12, VOILUTSequence=Sequence([item]))
    found = decoded(medical.dicom(file))
    reference = apply_voi(medical.radiograph, file)
    assert np.abs(found.pixels - reference / 4095 * 255).max() <= 0.5
    assert "VOI LUT" in found.note


def test_padding_is_black_and_does_not_stretch_the_rest(medical):
    pixels = medical.radiograph.astype(np.int16)
    plain = decoded(medical.dicom(medical.dataset(pixels))).pixels
    padded = np.pad(pixels, ((20, 20), (0, 0)), constant_values=-2000)
    for photometric in ("MONOCHROME2", "MONOCHROME1"):
        found = decoded(medical.dicom(medical.dataset(padded, photometric=photometric, PixelPaddingValue=-2000))).pixels
        assert not found[:20].any() and not found[-20:].any()
        inner = found[20:-20] if photometric == "MONOCHROME2" else 255 - found[20:-20]
        assert np.array_equal(inner, plain)


def test_an_overlay_in_the_unused_bits_is_not_seen(medical):
    drawn = medical.radiograph.copy()
    drawn[::3] |= 0x8000
    assert np.array_equal(
        decoded(medical.dicom(medical.dataset(drawn, stored=12))).pixels,
        decoded(medical.dicom(medical.dataset(medical.radiograph, stored=12))).pixels,
    )


def test_wide_integers_and_floating_point_pixels_are_stretched(medical):
    wide = medical.radiograph.astype(np.uint32) * 1000
    plain = decoded(medical.dicom(medical.dataset(medical.radiograph))).pixels.astype(int)
    assert np.abs(decoded(medical.dicom(medical.dataset(wide))).pixels - plain).max() <= 1
    file = medical.dataset(medical.radiograph)
    del file.PixelData, file.BitsStored, file.HighBit, file.PixelRepresentation
    file.BitsAllocated, file.FloatPixelData = 32, medical.radiograph.astype("<f4").tobytes()
    assert np.abs(decoded(medical.dicom(file)).pixels - plain).max() <= 1


def test_signed_pixels_of_the_whole_range_keep_their_order(medical):
    pixels = np.linspace(-32768, 32767, 48 * 64).astype(np.int16).reshape(48, 64)
    found = decoded(medical.dicom(medical.dataset(pixels))).pixels.ravel().astype(int)
    assert (np.diff(found) >= 0).all() and (found[0], found[-1]) == (0, 255)


def test_padding_of_wide_pixels_is_black_too(medical):
    pixels = medical.radiograph.astype(np.uint32) * 1000 + 50_000_000
    pixels[:6] = 0
    found = decoded(medical.dicom(medical.dataset(pixels, RescaleSlope=3, PixelPaddingValue=0))).pixels
    assert found[:6].max() == 0 and found[10:].std() > 20


def test_one_value_everywhere_is_no_division_by_zero(medical):
    found = decoded(medical.dicom(medical.dataset(np.full((20, 20), 700, np.uint16))))
    assert found.pixels.max() == found.pixels.min()


# ---------------------------------------------------------------- frames


@pytest.fixture(scope="module")
def loop(medical):
    """Five frames, brighter one after the other."""
    frames = np.stack([np.full((20, 30), 50 * n, np.uint8) for n in range(1, 6)])
    return medical.dicom(medical.dataset(frames))


def test_the_middle_frame_is_taken_and_named(loop):
    found = decode_picture(loop, "loop.dcm")
    assert (found.frame, found.header.frames, found.chosen) == (3, 5, "3")
    assert found.note.startswith("Frame 3 of 5, the middle one.")
    assert (found.pixels == 150).all()


@pytest.mark.parametrize("syntax", ["ExplicitVRLittleEndian", "RLELossless"])
def test_any_frame_can_be_chosen(medical, syntax):
    frames = np.stack([np.full((20, 30), 50 * n, np.uint8) for n in range(1, 6)])
    data = medical.dicom(medical.dataset(frames), syntax)
    for number in range(1, 6):
        found = decoded(data, FrameChoice(number))
        assert (found.pixels == 50 * number).all()
        assert found.note.startswith(f"Frame {number} of 5.")
    assert refusal(data, FrameChoice(6)) == "it has no frame 6; there are 5, counted from 1"
    assert refusal(data, FrameChoice(0)).startswith("it has no frame 0")
    assert "NIfTI files only" in refusal(data, FrameChoice(1, "axial"))


def test_each_frame_of_an_enhanced_image_has_its_own_rescale_and_window(medical):
    def group(slope, center):
        transform, window, item = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
        transform.RescaleSlope, transform.RescaleIntercept = slope, 0
        window.WindowCenter, window.WindowWidth = center, 101
        item.PixelValueTransformationSequence, item.FrameVOILUTSequence = Sequence([transform]), Sequence([window])
        return item

    frames = np.stack([np.full((20, 20), 100, np.uint16)] * 2)
    frames[:, 0, 0] = 0
    groups = Sequence([group(1, 100.5), group(2, 150.5)])  # 200 lies at the end of the second window
    data = medical.dicom(medical.dataset(frames, PerFrameFunctionalGroupsSequence=groups))
    assert decoded(data, FrameChoice(1)).pixels[5, 5] == 128
    assert decoded(data, FrameChoice(2)).pixels[5, 5] == 255


def test_the_header_is_read_without_pixels(loop):
    header = read_dicom_header(loop)
    assert (header.format, header.width, header.height, header.frames, header.bits) == ("DICOM", 30, 20, 5, 8)


def test_path_and_bytes_give_the_same_pixels(tmp_path, loop):
    (tmp_path / "scan.png").write_bytes(loop)
    assert np.array_equal(decode_image(tmp_path / "scan.png"), decode_image(loop))
    frame = FrameChoice(5)
    assert np.array_equal(decode_image(tmp_path / "scan.png", frame=frame), decode_image(loop, frame=frame))


def test_known_words_are_told_and_unknown_ones_are_not(medical):
    file = medical.dataset(medical.radiograph, Modality="DX", BodyPartExamined="chest", ViewPosition="ZZPHI7391")
    file.PixelSpacing = [0.14, 0.14]
    facts = decoded(medical.dicom(file)).facts
    assert (facts["modality"], facts["body_part"], facts["spacing_mm"]) == ("DX", "CHEST", "0.14")
    assert "view" not in facts


def test_text_burned_into_the_pixels_is_told(medical):
    assert "burned into its pixels" in decoded(
        medical.dicom(medical.dataset(medical.radiograph, BurnedInAnnotation="YES"))
    ).note  # fmt: skip
