"""One name for a file, an archive row and a phantom: same pixels and same hash from every place."""

import hashlib
import zipfile

import numpy as np
import pytest

from core import limits
from core.data.images import encode_png
from core.data.phantom import draw_phantom
from core.data.phantom_path import parse_phantom_path, phantom_path
from core.data.sources import content_hash, read_image
from core.errors import ImageRefused


@pytest.fixture
def archive(tmp_path):
    rng = np.random.default_rng(3)
    path = tmp_path / "tiny.npz"
    np.savez(
        path,
        train_images=rng.integers(0, 256, (5, 28, 28), dtype=np.uint8),
        test_images=rng.integers(0, 256, (4, 28, 28, 3), dtype=np.uint8),
        odd=rng.random((3, 28, 28)),
    )
    return path


def test_a_file_is_read_and_hashed_by_its_bytes(tmp_path):
    picture = np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    data = encode_png(picture)
    path = tmp_path / "a#b.png"
    path.write_bytes(data)
    assert np.array_equal(read_image(str(path)), picture)
    assert content_hash(str(path)) == hashlib.blake2b(data, digest_size=16).hexdigest()


def test_archive_rows_grey_and_colour(archive):
    stored = np.load(archive)
    grey = read_image(f"{archive}#train/2")
    assert np.array_equal(grey[..., 1], stored["train_images"][2])
    assert np.array_equal(read_image(f"{archive}#test/3"), stored["test_images"][3])
    assert np.array_equal(read_image(f"{archive}#train_images/2"), grey)


def test_archive_hash_follows_the_row_and_not_the_file(archive, tmp_path):
    first, second = content_hash(f"{archive}#train/0"), content_hash(f"{archive}#train/1")
    assert first != second
    copy = tmp_path / "copy.npz"
    np.savez_compressed(copy, train_images=np.load(archive)["train_images"])
    assert content_hash(f"{copy}#train/0") == first


def test_a_changed_archive_is_read_again(archive):
    assert read_image(f"{archive}#train/0").max() > 0
    np.savez(archive, train_images=np.zeros((6, 28, 28), np.uint8))
    assert read_image(f"{archive}#train/0").max() == 0


def test_reading_does_not_hand_out_the_archives_own_memory(archive):
    read_image(f"{archive}#test/0")[:] = 0
    assert read_image(f"{archive}#test/0").max() > 0


@pytest.mark.parametrize(
    ("part", "words"), [("train/5", "no picture 5"), ("val/0", "no array val_images"), ("odd/1", "uint8")]
)
def test_rows_that_are_not_there_are_refused(archive, part, words):
    with pytest.raises(ImageRefused, match=words):
        read_image(f"{archive}#{part}")


def test_pickles_inside_archives_are_never_loaded(tmp_path):
    path = tmp_path / "evil.npz"
    np.savez(path, train_images=np.array([{"a": 1}, None], dtype=object))
    with pytest.raises(ImageRefused, match="plain numbers"):
        read_image(f"{path}#train/0")


def test_damaged_absent_and_oversized_archives_are_refused(tmp_path, archive, monkeypatch):
    broken = tmp_path / "broken.npz"
    broken.write_bytes(archive.read_bytes()[:-200])
    with pytest.raises(ImageRefused, match="damaged"):
        read_image(f"{broken}#train/0")
    with pytest.raises(ImageRefused, match="cannot be read"):
        content_hash(f"{tmp_path}/none.npz#train/0")
    with zipfile.ZipFile(tmp_path / "text.npz", "w") as text:
        text.writestr("train_images.npy", b"no array")
    with pytest.raises(ImageRefused, match="damaged"):
        read_image(f"{tmp_path}/text.npz#train/0")
    monkeypatch.setattr(limits, "MAX_ARRAY_BYTES", 100)
    with pytest.raises(ImageRefused, match="GB"):
        read_image(f"{archive}#odd/0")


def test_phantoms_are_drawn_from_their_address():
    address = phantom_path(4, 2, 1, 64)
    assert np.array_equal(read_image(address), draw_phantom(4, 2, 1, 64).pixels)
    assert read_image("phantom://4/2/1").shape == (224, 224, 3)


def test_phantom_hash_depends_on_every_part_of_the_address():
    places = ["phantom://0/0/0", "phantom://1/0/0", "phantom://0/1/0", "phantom://0/0/1", "phantom://0/0/0?size_px=112"]
    hashes = {content_hash(place) for place in places}
    assert len(hashes) == len(places)
    assert content_hash("phantom://0/0/0") == content_hash("phantom://0/0/0?size_px=224")
    assert all(len(value) == 32 for value in hashes)


@pytest.mark.parametrize(
    "address", ["phantom://", "phantom://1/2", "phantom://a/b/c", "phantom://0/0/0?size_px=9999", "phantom://0/0/-1"]
)
def test_other_phantom_addresses_are_refused(address):
    with pytest.raises(ImageRefused):
        parse_phantom_path(address)
    with pytest.raises(ImageRefused):
        read_image(address)


def test_absent_files_are_refused_by_name(tmp_path):
    for function in (read_image, content_hash):
        with pytest.raises(ImageRefused, match=r"gone\.png"):
            function(str(tmp_path / "gone.png"))
