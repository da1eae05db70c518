"""DICOM files that lie, are cut off, bombs, or no image: one sentence each, at once, and no word about a person."""

import io
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

from core import limits
from core.data.dicom import decode_dicom
from core.data.frames import FrameChoice
from core.data.images import decode_image, decode_picture, read_header
from core.errors import ImageRefused

EXAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
SENTINEL = "ZZPHI7391"


def refusal(data, name="scan.dcm"):
    """The sentence, through the child process as users meet it."""
    start = time.perf_counter()
    with pytest.raises(ImageRefused) as caught:
        decode_image(data, name)
    sentence = str(caught.value)
    assert time.perf_counter() - start < limits.MAX_DECODE_SECONDS
    assert sentence.startswith(f"{name}: ") and sentence.endswith(".") and "\n" not in sentence
    assert "Traceback" not in sentence and "/core/" not in sentence
    return sentence


def decoded_or_refused(data):
    """The shape, or the reason; anything else that is raised fails the test."""
    try:
        return decode_dicom(data, FrameChoice()).pixels.shape
    except ImageRefused as error:
        assert "\n" not in str(error)
        return str(error)


@pytest.fixture(scope="module")
def good(medical):
    return medical.dicom(medical.dataset(medical.radiograph, stored=12))


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"Rows": 96}, "need 12,288 bytes, it has 6,144"),
        ({"Columns": 40}, "need 3,840 bytes, it has 6,144"),
        ({"Rows": 0}, "0 rows"),
        ({"NumberOfFrames": 999_999}, "999,999 frames; accepted are up to 200"),
        ({"NumberOfFrames": 0}, "0 frames"),
        ({"BitsStored": 0}, "BitsStored 0"),
        ({"BitsStored": 17, "HighBit": 16}, "BitsStored 17 and HighBit 16, but BitsAllocated 16"),
        ({"BitsAllocated": 33, "BitsStored": 33}, "BitsAllocated 33"),
        ({"Rows": 65535, "Columns": 65535}, "65,535 x 65,535 pixels, more than"),
        ({"SamplesPerPixel": 3}, "3 samples per pixel, but MONOCHROME2 has 1"),
        ({"PhotometricInterpretation": "CMYK"}, "not supported"),
        ({"PhotometricInterpretation": SENTINEL}, "not supported"),
        ({"NumberOfFrames": 150, "Rows": 4000, "Columns": 4000}, "MB when decoded"),
    ],
)
def test_a_header_that_lies_is_refused_with_its_numbers(medical, tags, said):
    sentence = refusal(medical.dicom(medical.dataset(medical.radiograph, **tags)))
    assert said in sentence
    assert SENTINEL not in sentence


@pytest.mark.parametrize("missing", ["Rows", "PhotometricInterpretation", "SamplesPerPixel"])
def test_what_is_missing_is_named(medical, missing):
    file = medical.dataset(medical.radiograph)
    delattr(file, missing)
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, file, enforce_file_format=True)
    assert missing in refusal(stream.getvalue())


@pytest.mark.parametrize(
    ("stored_class", "said"),
    [
        ("1.2.840.10008.5.1.4.1.1.88.33", "a structured report"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "an encapsulated PDF document"),
        ("1.2.840.10008.5.1.4.1.1.481.5", "a radiotherapy plan"),
        ("1.2.840.10008.5.1.4.1.1.481.3", "a set of radiotherapy structures"),
        ("1.2.840.10008.1.3.10", "a DICOMDIR"),
        ("1.2.3", "send one that has pixels"),
    ],
)
def test_a_file_without_pixels_says_what_it_is(medical, stored_class, said):
    file = medical.dataset(medical.radiograph, SOPClassUID=stored_class)
    del file.PixelData
    sentence = refusal(medical.dicom(file))
    assert "holds no image" in sentence and said in sentence


@pytest.mark.parametrize("defined", [False, True])
def test_sequences_two_hundred_deep_are_refused_and_fifty_are_not(medical, defined):
    def nested(depth):
        """A sequence as bytes, written from the inside out."""
        body = b""
        for _ in range(depth):
            length = len(body) if defined else 0xFFFFFFFF
            body = struct.pack("<HHI", 0xFFFE, 0xE000, length) + body
            body += b"" if defined else struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
            length = len(body) if defined else 0xFFFFFFFF
            body = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, length) + body
            body += b"" if defined else struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
        return body

    plain = medical.dicom(medical.dataset(medical.radiograph))
    at = plain.index(struct.pack("<HH2s", 0x0028, 0x0002, b"US"))
    assert "nested more than 50 deep" in refusal(plain[:at] + nested(200) + plain[at:])
    assert "nested more than 50 deep" in refusal(plain[:at] + nested(5_000) + plain[at:])
    assert np.array_equal(decode_image(plain[:at] + nested(50) + plain[at:]), decode_image(plain))


def test_a_deflated_bomb_stops_at_the_limit(medical, good):
    head = medical.dicom(medical.dataset(medical.radiograph), "DeflatedExplicitVRLittleEndian")
    meta_end = 132 + 12 + int.from_bytes(head[140:144], "little")
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    megabyte = engine.compress(bytes(1 << 20)) + engine.flush(zlib.Z_FULL_FLUSH)
    packed = megabyte * 520 + engine.flush()
    assert len(packed) < 1_000_000
    assert "inflates to more than 512 MB" in refusal(head[:meta_end] + packed)


def test_an_rle_bomb_breaks_its_own_child_at_most(medical, good):
    file = medical.dataset(medical.radiograph)
    file.file_meta.TransferSyntaxUID = pydicom.uid.RLELossless
    run = b"\x81\x00" * 4_000_000  # each two bytes stand for 128: 512 MB a segment
    header = struct.pack("<16I", 2, 64, 64 + len(run), *[0] * 13)
    file.PixelData = encapsulate([header + run + run])
    file["PixelData"].is_undefined_length = True
    assert "damaged" in refusal(medical.dicom(file))
    assert decode_image(good).shape == (48, 64, 3)


def test_rle_pixels_that_are_too_long_cost_a_sentence_and_no_child(medical):
    file = medical.dataset(medical.radiograph)
    file.file_meta.TransferSyntaxUID = pydicom.uid.RLELossless
    segment = b"\x81\x00" * 48  # twice as many bytes as 48 x 64 pixels have
    file.PixelData = encapsulate([struct.pack("<16I", 2, 64, 64 + len(segment), *[0] * 13) + segment + segment])
    file["PixelData"].is_undefined_length = True
    sentence = refusal(medical.dicom(file))
    assert "damaged" in sentence and "broke down" not in sentence


def test_pixels_in_ten_thousand_pieces_are_refused(medical):
    file = medical.dataset(medical.radiograph)
    file.file_meta.TransferSyntaxUID = pydicom.uid.JPEGBaseline8Bit
    file.PixelData = encapsulate([b"\xff\xd8" * 10_000], fragments_per_frame=10_000)
    file["PixelData"].is_undefined_length = True
    assert "more than 4,000 pieces" in refusal(medical.dicom(file))


@pytest.mark.parametrize("syntax", ["JPEG2000Lossless", "RLELossless"])
def test_a_compressed_frame_of_another_size_is_refused(medical, syntax):
    file = medical.dataset(medical.radiograph)
    medical.dicom(file, syntax)
    file.Rows, file.Columns = file.Columns, file.Rows + (syntax == "RLELossless")
    sentence = refusal(medical.dicom(file))
    assert "damaged" in sentence
    if syntax == "JPEG2000Lossless":
        assert "48 x 64 pixels, its compressed frame 64 x 48" in sentence


def test_a_missing_frame_is_refused(medical):
    frames = np.stack([medical.radiograph] * 3)
    file = medical.dataset(frames)
    medical.dicom(file, "RLELossless")
    file.NumberOfFrames = 150
    with pytest.raises(ImageRefused, match="frame 150 of its 150 is not there"):
        decode_picture(medical.dicom(file), "scan.dcm", FrameChoice(150))


@pytest.mark.parametrize(
    ("uid", "said"),
    [
        ("1.2.840.10008.1.2.4.100", "an MPEG-2 video"), ("1.2.840.10008.1.2.4.94", "JPIP"),
        ("1.2.840.10008.1.2.4.110", "JPEG XL"), ("1.2.840.10008.1.2.4.92", "JPEG 2000 Part 2"),
        ("1.2.3.7391.7391", "an unknown transfer syntax"),
    ],
)  # fmt: skip
def test_a_syntax_without_a_decoder_is_named_with_what_to_do(medical, uid, said):
    file = medical.dataset(medical.radiograph)
    data = medical.dicom(file, "RLELossless").replace(b"1.2.840.10008.1.2.5\0", uid.encode().ljust(20, b"\0")[:20])
    if len(uid) > 20:
        file.file_meta.TransferSyntaxUID = pydicom.uid.UID(uid)
        stream = io.BytesIO()
        pydicom.dcmwrite(stream, file, implicit_vr=False, little_endian=True, force_encoding=True)
        data = stream.getvalue()
    sentence = refusal(data)
    assert said in sentence and "convert it to Explicit VR Little Endian" in sentence
    assert "7391" not in sentence


def test_a_missing_decoder_is_named_with_its_package(medical, monkeypatch):
    decoder = pydicom.pixels.get_decoder(pydicom.uid.JPEGLSLossless)
    monkeypatch.setattr(type(decoder), "is_available", property(lambda self: False))
    data = (EXAMPLES / "MR_small_jpeg_ls_lossless.dcm").read_bytes()
    with pytest.raises(ImageRefused, match=r"JPEG-LS .* install pylibjpeg-libjpeg"):
        decode_dicom(data, FrameChoice())


@pytest.mark.parametrize("syntax", ["ExplicitVRLittleEndian", "JPEG2000Lossless", "DeflatedExplicitVRLittleEndian"])
def test_cut_off_anywhere_it_is_refused_and_never_half_decoded(medical, syntax):
    data = medical.dicom(medical.dataset(medical.radiograph, stored=12), syntax)
    for end in (*range(133, len(data), len(data) // 64), len(data) - 1):
        reason = decoded_or_refused(data[:end])
        assert isinstance(reason, str), end
    assert "cut off" in refusal(data[: len(data) - 1 - len(data) // 3])


def test_an_element_of_unknown_kind_is_named(medical, good):
    at = good.index(struct.pack("<HH2s", 0x0028, 0x0100, b"US"))
    assert "0028,0100 is of an unknown kind" in refusal(good[: at + 4] + b"zz" + good[at + 6 :])
    at = good.index(struct.pack("<HH2s", 0x0002, 0x0010, b"UI"))
    assert "file meta information" in refusal(good[: at + 4] + b"ZZ" + good[at + 6 :])


def test_letters_of_a_name_are_not_told_as_the_number_of_a_tag(good):
    at = good.index(struct.pack("<HH2s", 0x0028, 0x0002, b"US"))
    sentence = refusal(good[:at] + SENTINEL.encode() + good[at:])
    assert "an element is of an unknown kind" in sentence
    assert "5A5A" not in sentence.upper() and SENTINEL not in sentence


def test_the_elements_of_all_levels_are_counted(good, monkeypatch):
    monkeypatch.setattr(limits, "MAX_DICOM_ELEMENTS", 10)
    assert decoded_or_refused(good) == "it has more than 10 elements"


@pytest.mark.parametrize("stored", ["ExplicitVRLittleEndian", "JPEG2000Lossless"])
def test_pixels_packed_against_the_transfer_syntax_are_refused(medical, stored):
    uids = [b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.4.90"]
    true, false = (
        struct.pack("<HH2sH", 2, 0x10, b"UI", len(uid)) + uid
        for uid in (uids if stored == "ExplicitVRLittleEndian" else uids[::-1])
    )
    data = medical.dicom(medical.dataset(medical.radiograph), stored)
    assert true in data
    assert "not packed as its transfer syntax says" in refusal(data.replace(true, false))


def test_the_files_of_pydicom_are_decoded_or_refused():
    shapes = {}
    for path in sorted(EXAMPLES.glob("*.dcm")):
        data = path.read_bytes()
        shapes[path.name] = decoded_or_refused(data)
    if not shapes:
        pytest.skip("this pydicom comes without test files")
    decoded = [name for name, shape in shapes.items() if isinstance(shape, tuple)]
    assert len(decoded) >= 45
    assert "holds no image: it is a structured report" in shapes["test-SR.dcm"]
    assert "cut off" in shapes["MR_truncated.dcm"]


# ---------------------------------------------------------------- mutations


@pytest.fixture(scope="module")
def seeds(medical):
    frames = np.stack([medical.radiograph] * 2)
    window = {"WindowCenter": 1000, "WindowWidth": 900, "RescaleSlope": 1, "RescaleIntercept": -5}
    return [
        medical.dicom(medical.dataset(medical.radiograph, stored=12, **window)),
        medical.dicom(medical.dataset(medical.radiograph, stored=12), implicit=True, little=True),
        medical.dicom(medical.dataset(frames), "RLELossless"),
        medical.dicom(medical.dataset(medical.radiograph, stored=12), "JPEG2000Lossless"),
        medical.dicom(medical.dataset(medical.radiograph, stored=12), "DeflatedExplicitVRLittleEndian"),
    ]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 4),
    places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6),
    in_header=st.booleans(),
)
def test_a_changed_file_is_decoded_or_refused_in_one_sentence(seeds, seed, places, in_header):
    data = bytearray(seeds[seed])
    end = min(700, len(data)) if in_header else len(data)
    for where, value in places:
        data[132 + int(where * (end - 133))] = value
    try:  # in a child: native code that crashes must not end the tests
        assert decode_image(bytes(data), "x").dtype == np.uint8
    except ImageRefused as error:
        assert str(error).startswith("x: ") and "\n" not in str(error)
        assert "broke down" not in str(error) and "took longer" not in str(error)


# ---------------------------------------------------------------- nothing about a person


@pytest.fixture(scope="module")
def marked(medical):
    """A good file with the sentinel in forty places where a person could stand."""
    texts = """PatientName PatientID PatientAddress OtherPatientIDs PatientComments EthnicGroup Occupation
    AdditionalPatientHistory PatientMotherBirthName MedicalRecordLocator ReferringPhysicianName
    InstitutionName InstitutionAddress StationName StudyDescription SeriesDescription PerformingPhysicianName
    OperatorsName NameOfPhysiciansReadingStudy ManufacturerModelName AdmittingDiagnosesDescription
    ProtocolName DeviceSerialNumber AccessionNumber StudyID ImageComments RequestingPhysician
    RequestedProcedureDescription PatientState CurrentPatientLocation FrameComments DetectorID
    BodyPartExamined ViewPosition Modality ConversionType DerivationDescription SoftwareVersions
    WindowCenterWidthExplanation VOILUTFunction""".split()  # noqa: SIM905
    file = medical.dataset(medical.radiograph, stored=12)
    for keyword in texts:
        setattr(file, keyword, SENTINEL)
    file.preamble = SENTINEL.encode().ljust(128, b"\0")
    file.add_new(0x00091001, "LO", SENTINEL)
    item = pydicom.Dataset()
    item.CodeMeaning = SENTINEL
    file.RequestAttributesSequence = Sequence([item])
    return file


def test_a_sentinel_in_forty_tags_is_in_no_result(medical, marked, capfd, caplog):
    assert len(list(marked.iterall())) > 40
    data = medical.dicom(marked)
    assert data.count(SENTINEL.encode()) > 40
    found = decode_picture(data, "scan.dcm")
    told = f"{found.note} {dict(found.facts)} {found.header} {found.chosen} {read_header(data, 'scan.dcm')}"
    assert SENTINEL not in told
    assert SENTINEL.encode() not in found.pixels.tobytes()
    written = capfd.readouterr()
    assert SENTINEL not in written.out + written.err + caplog.text


def test_a_sentinel_is_in_no_refusal(medical, marked):
    data = medical.dicom(marked)
    for end in range(200, len(data) - 1, len(data) // 40):
        assert SENTINEL not in refusal(data[:end])
    for at in range(132, 1500, 37):
        try:
            found = decode_picture(data[:at] + b"\xff\x00" + data[at + 2 :], "x")
            assert SENTINEL not in f"{found.note} {dict(found.facts)}"
        except ImageRefused as error:
            assert SENTINEL not in str(error)
