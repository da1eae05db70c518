"""NIfTI volumes: the right slice the right way up, whatever the file's own axes are, and every lie refused."""

import gzip
import time

import nibabel
import numpy as np
import pytest

from core import limits
from core.data.frames import FrameChoice
from core.data.images import decode_image, decode_picture, read_header
from core.data.nifti import decode_nifti
from core.data.sniff import image_format
from core.errors import ImageRefused


def decoded(data, axis=None, number=None, volume=None):
    return decode_nifti(data, FrameChoice(number, axis, volume))


def refusal(data, name="brain.nii"):
    start = time.perf_counter()
    with pytest.raises(ImageRefused) as caught:
        decode_image(data, name)
    assert time.perf_counter() - start < limits.MAX_DECODE_SECONDS
    sentence = str(caught.value)
    assert sentence.startswith(f"{name}: ") and sentence.endswith(".") and "\n" not in sentence
    return sentence


def grey(values, volume):
    """By hand: from the 0.5 to the 99.5 percentile of the volume onto 0 to 255."""
    low, high = np.percentile(volume, [0.5, 99.5])
    return np.round(np.clip((values - low) / (high - low), 0, 1) * 255)


# ---------------------------------------------------------------- slices


def test_the_middle_axial_slice_is_taken_and_named(medical):
    found = decode_picture(medical.nifti(medical.volume), "brain.nii")
    assert found.note.startswith("Axial slice 14 of 28, the middle one.")
    assert (found.axis, found.frame, found.chosen) == ("axial", 14, "axial:14")
    # rows from the front (high y) to the back, columns from the patient's right (high x) to his left
    wanted = grey(medical.volume[::-1, ::-1, 13].T, medical.volume)
    assert np.abs(found.pixels[..., 0] - wanted).max() <= 1
    assert found.pixels.shape == (24, 20, 3)


@pytest.mark.parametrize(
    ("axis", "number", "picture"),
    [
        ("axial", 1, lambda v: v[::-1, ::-1, 0].T),
        ("coronal", 20, lambda v: v[::-1, 19, ::-1].T),
        ("sagittal", 3, lambda v: v[2, ::-1, ::-1].T),
    ],
)
def test_each_axis_shows_its_slices_the_way_radiologists_do(medical, axis, number, picture):
    found = decoded(medical.nifti(medical.volume), axis, number)
    assert np.abs(found.pixels - grey(picture(medical.volume), medical.volume)).max() <= 1
    assert found.note.startswith(f"{axis.capitalize()} slice {number} of ")


@pytest.mark.parametrize("codes", ["LPS", "RAS", "PSR", "SAL", "IRP"])
def test_stored_in_any_order_it_is_the_same_patient(medical, codes):
    plain = nibabel.Nifti1Image(medical.volume, np.diag([2.0, 2.0, 2.0, 1.0]))
    turn = nibabel.orientations.ornt_transform(
        nibabel.orientations.io_orientation(plain.affine), nibabel.orientations.axcodes2ornt(codes)
    )
    turned = plain.as_reoriented(turn)
    assert nibabel.aff2axcodes(turned.affine) == tuple(codes)
    for axis in ("axial", "coronal", "sagittal"):
        one, other = (decoded(bytes(i.to_bytes()), axis, 5) for i in (plain, turned))
        assert np.array_equal(one.pixels, other.pixels)


def test_version_two_big_endian_and_packed_files_are_the_same_volume(medical):
    plain = decoded(medical.nifti(medical.volume)).pixels
    second = nibabel.Nifti2Image(medical.volume, np.eye(4)).to_bytes()
    header = nibabel.Nifti1Header(endianness=">")
    big = nibabel.Nifti1Image(medical.volume.astype(">i2"), np.eye(4), header=header).to_bytes()
    packed = medical.nifti(medical.volume, packed=True)
    plainly = medical.nifti(medical.volume)
    in_two = gzip.compress(plainly[:5000]) + gzip.compress(plainly[5000:])
    for data in (second, big, packed, in_two):
        assert image_format(data) == "NIfTI"
        assert np.array_equal(decoded(data).pixels, plain)


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"])
def test_every_type_of_number_is_read(kind):
    volume = np.arange(20 * 18 * 17).reshape(20, 18, 17) % 120
    found = decoded(bytes(nibabel.Nifti1Image(volume.astype(kind), np.eye(4)).to_bytes()))
    assert np.abs(found.pixels - grey(volume[::-1, ::-1, 8].T, volume)).max() <= 1


def test_the_scale_of_the_header_changes_the_sign(medical):
    plain = decoded(medical.nifti(medical.volume)).pixels.astype(int)
    turned = decoded(medical.nifti(medical.volume, scl_slope=-2.0, scl_inter=7.0)).pixels
    assert np.abs(255 - plain - turned).max() <= 1


def test_a_volume_in_time_can_be_chosen_and_the_first_is_said(medical):
    volume = medical.volume.astype(np.int32)
    series = np.stack([volume, volume * 2, volume[::-1] * 3], axis=-1)
    for packed in (False, True):
        data = medical.nifti(series, packed=packed)
        assert "Volume 1 of 3, the first." in decoded(data).note
        assert "Volume 3 of 3." in decoded(data, "axial", 14, 3).note
        one = decoded(medical.nifti(volume[::-1] * 3)).pixels
        assert np.array_equal(decoded(data, volume=3).pixels, one)
        with pytest.raises(ImageRefused, match="no volume 4; there are 3"):
            decoded(data, volume=4)


def test_slices_that_are_not_there_are_refused(medical):
    data = medical.nifti(medical.volume)
    for axis, count in (("axial", 28), ("coronal", 24), ("sagittal", 20)):
        with pytest.raises(ImageRefused, match=f"no {axis} slice {count + 1}; there are {count}"):
            decoded(data, axis, count + 1)


def test_the_header_tells_slices_without_reading_voxels(medical):
    header = read_header(medical.nifti(medical.volume, packed=True))
    assert header.slices == (("sagittal", 20), ("coronal", 24), ("axial", 28))
    assert (header.width, header.height, header.frames, header.volumes, header.bits) == (20, 24, 28, 1, 16)


def test_a_volume_with_slivers_for_slices_is_refused_by_its_header():
    data = bytes(nibabel.Nifti1Image(np.zeros((8, 24, 28), np.int16), np.eye(4)).to_bytes())
    with pytest.raises(ImageRefused, match="8 x 24 pixels, but each side needs at least 16"):
        read_header(data)


def test_voxels_without_a_number_are_black_and_told(medical):
    volume = medical.volume.astype(np.float32)
    volume[:, 20:, :] = np.nan
    found = decoded(medical.nifti(volume))
    assert not found.pixels[:4].any() and found.pixels[4:].any()
    assert "hold no number are black" in found.note
    assert "none of its pixels" in refusal(medical.nifti(np.full((20, 20, 20), np.nan, np.float32)))


def test_colour_volumes_are_in_colour():
    voxels = np.zeros((20, 18, 17), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    voxels["R"], voxels["B"] = 200, 30
    found = decoded(bytes(nibabel.Nifti1Image(voxels, np.eye(4)).to_bytes()))
    assert (found.pixels == (200, 0, 30)).all() and found.pixels.shape == (18, 20, 3)


def test_without_orientation_the_note_says_so(medical):
    data = medical.nifti(medical.volume, sform_code=1, srow_x=[np.nan] * 4)
    assert "does not say how the patient lies" in decoded(data).note


def test_path_and_bytes_give_the_same_pixels(medical, tmp_path):
    data = medical.nifti(medical.volume, packed=True)
    (tmp_path / "scan.png").write_bytes(data)
    frame = FrameChoice(3, "coronal")
    assert np.array_equal(decode_image(tmp_path / "scan.png", frame=frame), decode_image(data, frame=frame))


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"dim": [3, 32767, 32767, 32767, 1, 1, 1, 1]}, "MB; accepted are up to 512 MB"),
        ({"dim": [3, -5, 24, 28, 1, 1, 1, 1]}, "-5"),
        ({"dim": [3, 0, 24, 28, 1, 1, 1, 1]}, "sizes are 3, 0, 24"),
        ({"dim": [9, 20, 24, 28, 1, 1, 1, 1]}, "sizes are 9"),
        ({"dim": [5, 20, 24, 28, 1, 3, 1, 1]}, "5 dimensions"),
        ({"dim": [3, 20, 24, 29, 1, 1, 1, 1]}, "voxels need 27,840 bytes, it has 26,880"),
        ({"dim": [3, 8, 24, 28, 1, 1, 1, 1]}, "each side needs at least 16"),
        ({"datatype": 99}, "of the type 99"),
        ({"datatype": 32}, "of the type 32"),
        ({"scl_slope": np.nan}, "the scale of its values"),
        ({"scl_slope": np.inf}, "the scale of its values"),
        ({"scl_slope": 1.0, "scl_inter": np.nan}, "the scale of its values"),
        ({"vox_offset": 1e9}, "voxels begin at byte"),
        ({"vox_offset": np.nan}, "voxels begin at byte"),
        ({"vox_offset": 10}, "voxels begin at byte 10"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_header_that_lies_is_refused(medical, header, said, packed):
    if packed and said.startswith("voxels need"):
        said = "its header says 28,192"
    assert said in refusal(medical.nifti(medical.volume, packed=packed, **header))


def test_a_packed_bomb_is_not_inflated_beyond_its_header(medical):
    volume = medical.nifti(medical.volume)
    bomb = gzip.compress(volume) + gzip.compress(bytes(10_000_000)) * 60
    assert len(bomb) < 2_000_000
    assert "unpacks to more than the 27,232 bytes it declares" in refusal(bomb, "brain.nii.gz")
    shape = [3, 512, 512, 1024, 1, 1, 1, 1]
    declared = medical.nifti(medical.volume, dim=shape, datatype=16, bitpix=32)
    assert "1,024 MB; accepted are up to 512 MB" in refusal(gzip.compress(declared), "brain.nii.gz")


def test_cut_off_anywhere_it_is_refused(medical):
    for packed in (False, True):
        data = medical.nifti(medical.volume, packed=packed)
        for end in (*range(348, len(data), len(data) // 60), len(data) - 1):
            with pytest.raises(ImageRefused):
                decoded(data[:end])
        assert "cut off" in refusal(data[: len(data) // 2])


def test_the_header_of_a_pair_of_files_says_what_to_do(medical):
    data = bytearray(medical.nifti(medical.volume))
    data[344:348] = b"ni1\0"
    assert "save the volume as one .nii or .nii.gz file" in refusal(bytes(data))


def test_changed_files_break_no_child(medical):
    rng = np.random.default_rng(5)
    seeds = [medical.nifti(medical.volume), medical.nifti(medical.volume.astype(np.float32), packed=True)]
    for number in range(250):
        data = bytearray(seeds[number % 2])
        for at in rng.integers(0, 352 if number % 3 else len(data), rng.integers(1, 5)):
            data[at] = rng.integers(256)
        try:
            assert decode_image(bytes(data), "x").dtype == np.uint8
        except ImageRefused as error:
            assert str(error).startswith("x: ") and "\n" not in str(error)
            assert "broke down" not in str(error) and "took longer" not in str(error)


def test_free_text_of_the_header_is_told_nowhere(medical):
    data = medical.nifti(medical.volume, descrip=b"ZZPHI7391", aux_file=b"ZZPHI7391", db_name=b"ZZPHI7391")
    found = decode_picture(data, "brain.nii")
    assert "ZZPHI7391" not in f"{found.note} {dict(found.facts)} {found.header}"
    assert "ZZPHI7391" not in refusal(data[:2000])
