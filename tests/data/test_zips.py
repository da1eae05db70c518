"""ZIPs, good and built to harm: every bad entry has its sentence, every good one beside it is read."""

import io
import struct
import warnings
import zipfile

import numpy as np
import pytest
from PIL import Image

from core import limits
from core.data.zips import ZipImages
from core.errors import DataError, ImageRefused


def png(seed=0):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


GOOD = png()


def bmp(side):
    buffer = io.BytesIO()
    Image.new("L", (side, side)).save(buffer, "BMP")
    return buffer.getvalue()


def entry(name, mode=0, method=zipfile.ZIP_DEFLATED):
    info = zipfile.ZipInfo(name)
    info.external_attr, info.compress_type = mode << 16, method
    return info


def make(path, *entries):
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of names that stand twice
        for info, data in entries:
            archive.writestr(info, data)
    return path


def test_entries_are_sorted_by_name_without_folders_and_hidden_ones(tmp_path):
    names = ("b/2.png", "b/", "a.png", "__MACOSX/._a.png", ".DS_Store", "ü.png")
    images = ZipImages(make(tmp_path / "z.zip", *((entry(name), GOOD) for name in names)))
    assert images.names() == ["a.png", "b/2.png", "ü.png"]
    assert all(images.read(name).shape == (20, 30, 3) for name in images.names())


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ([("../x.png", 0, GOOD)], "leads out"),
        ([("/etc/x.png", 0, GOOD)], "leads out"),
        ([("C:/x.png", 0, GOOD)], "leads out"),
        ([("a/./x.png", 0, GOOD)], "leads out"),
        ([("a\\x.png", 0, GOOD)], "leads out"),
        ([("x" * 1001, 0, GOOD)], "has 1,001 letters"),
        ([("link.png", 0o120777, b"/etc/passwd")], "it is a link"),
        ([("device.png", 0o020666, b"")], "it is a link, a pipe or a device"),
        ([("twice.png", 0, GOOD), ("twice.png", 0, png(1))], "2 entries of this name"),
        ([("inner.zip", 0, b"PK\x03\x04" + b"x" * 40)], "a zip archive"),
        ([("notes.png", 0, b"these are notes")], "plain text"),
        ([("empty.png", 0, b"")], "empty"),
        ([("bomb.bmp", 0, bmp(2000))], "more than 100 times its packed size"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0][0][:12],
)
def test_a_bad_entry_is_refused_and_the_others_are_read(bad, words, tmp_path):
    path = make(tmp_path / "z.zip", (entry("a.png"), GOOD), *((entry(n, m), data) for n, m, data in bad),
                (entry("z.png"), GOOD))  # fmt: skip
    images = ZipImages(path)
    name = bad[0][0]
    assert sorted(["a.png", name, "z.png"]) == images.names()
    with pytest.raises(ImageRefused, match=words) as refused:
        images.read(name)
    assert str(refused.value).startswith(name[:70])
    assert images.read("a.png").shape == images.read("z.png").shape == (20, 30, 3)


def test_a_small_blank_picture_is_no_bomb(tmp_path):
    images = ZipImages(make(tmp_path / "z.zip", (entry("blank.bmp"), bmp(600))))
    assert images.read("blank.bmp").shape == (600, 600, 3)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packings_that_cannot_be_counted_are_refused(method, tmp_path):
    images = ZipImages(make(tmp_path / "z.zip", (entry("a.png", method=method), GOOD)))
    with pytest.raises(ImageRefused, match="accepted are stored and deflated"):
        images.read("a.png")


def changed(path, offset, form, value):
    """Write `value` over a field of every record of the directory."""
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        struct.pack_into(form, data, at + offset, value)
        at = data.find(b"PK\x01\x02", at + 46)
    path.write_bytes(bytes(data))
    return path


@pytest.mark.parametrize(
    ("offset", "form", "value"),
    [(24, "<I", 7), (24, "<I", 10**9), (16, "<I", 1), (42, "<I", 3), (20, "<I", 5)],
    ids=["too small a size", "too large a size", "another checksum", "another place", "too few packed bytes"],
)
def test_a_directory_that_lies_is_found_out(offset, form, value, tmp_path):
    images = ZipImages(changed(make(tmp_path / "z.zip", (entry("a.png"), GOOD)), offset, form, value))
    with pytest.raises(ImageRefused, match=r"a\.png: (the entry is damaged|it has 1,\d{3} bytes, the ZIP)"):
        images.read("a.png")


def test_an_encrypted_entry_says_so(tmp_path):
    images = ZipImages(changed(make(tmp_path / "z.zip", (entry("a.png"), GOOD)), 8, "<H", 1))
    with pytest.raises(ImageRefused, match="it is encrypted"):
        images.read("a.png")


def test_entries_that_share_their_bytes_are_refused(tmp_path):
    path = make(tmp_path / "z.zip", (entry("a.png"), GOOD), (entry("b.png"), GOOD), (entry("c.png"), GOOD))
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.rfind(b"PK\x01\x02") + 42, 0)  # c.png begins where a.png does
    path.write_bytes(bytes(data))
    images = ZipImages(path)
    with pytest.raises(ImageRefused, match="shares its bytes with another entry"):
        images.read("c.png")
    assert images.read("b.png").shape == (20, 30, 3)


@pytest.mark.parametrize("limit", ["MAX_ZIP_ENTRIES", "MAX_ZIP_DIRECTORY_BYTES"])
def test_too_many_entries_are_refused_before_any_is_read(limit, tmp_path, monkeypatch):
    path = make(tmp_path / "z.zip", *((entry(f"{i}.png"), GOOD) for i in range(3)))
    assert len(ZipImages(path).names()) == 3
    monkeypatch.setattr(limits, limit, 2)
    with pytest.raises(DataError, match=r"z\.zip: it is no ZIP, or damaged"):
        ZipImages(path)


def test_what_comes_out_of_a_zip_is_counted_over_all_entries(tmp_path, monkeypatch):
    images = ZipImages(make(tmp_path / "z.zip", (entry("a.png"), GOOD), (entry("b.png"), GOOD)))
    monkeypatch.setattr(limits, "MAX_ZIP_TOTAL_BYTES", len(GOOD) + 10)
    images.read("a.png")
    with pytest.raises(ImageRefused, match="GB in all"):
        images.read("b.png")


def test_an_entry_over_the_limit_is_given_up_while_it_is_inflated(tmp_path, monkeypatch):
    images = ZipImages(make(tmp_path / "z.zip", (entry("a.png"), GOOD)))
    monkeypatch.setattr(limits, "MAX_IMAGE_BYTES", len(GOOD) - 1)
    with pytest.raises(ImageRefused, match="it has more than 0 MB"):
        images.read("a.png")


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x05\x06", b"PK\x05\x06" + b"\xff" * 18, GOOD])
def test_what_is_no_zip_is_said_in_one_sentence(data, tmp_path):
    (tmp_path / "z.zip").write_bytes(data)
    with pytest.raises(DataError, match=r"z\.zip: it is no ZIP, or damaged"):
        ZipImages(tmp_path / "z.zip")


def test_an_archive_of_the_64_bit_kind_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    path = make(tmp_path / "z.zip", *((entry(f"{i}.png"), GOOD) for i in range(3)))
    assert b"PK\x06\x06" in path.read_bytes()
    assert ZipImages(path).names() == ["0.png", "1.png", "2.png"]
    monkeypatch.setattr(limits, "MAX_ZIP_ENTRIES", 2)
    with pytest.raises(DataError, match="more than 2 entries"):
        ZipImages(path)


def test_the_digest_tells_another_content_and_not_another_place(tmp_path):
    first = ZipImages(make(tmp_path / "1.zip", (entry("a.png"), GOOD)))
    copy = ZipImages(make(tmp_path / "2.zip", (entry("a.png"), GOOD)))
    other = ZipImages(make(tmp_path / "3.zip", (entry("a.png"), png(1))))
    assert first.digest == copy.digest != other.digest


def test_damage_at_any_byte_never_gives_another_kind_of_error(tmp_path):
    path = make(tmp_path / "z.zip", (entry("a.png"), GOOD), (entry("b.png"), GOOD))
    whole = path.read_bytes()
    rng = np.random.default_rng(3)
    for _ in range(120):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), 3):
            data[at] = rng.integers(0, 256)
        path.write_bytes(bytes(data[: rng.integers(len(data) // 2, len(data) + 1)] if rng.random() < 0.3 else data))
        try:
            images = ZipImages(path)
        except DataError:
            continue
        for name in images.names():
            try:
                assert images.read(name).shape == (20, 30, 3)
            except ImageRefused:
                continue
        images.close()


def test_an_archive_in_memory_is_read_as_the_file_is_and_is_refused_under_its_name(tmp_path):
    path = tmp_path / "scans.zip"
    make(path, (entry("b.png"), GOOD), (entry("a.png"), png(1)))
    on_disk, in_memory = ZipImages(path), ZipImages(path.read_bytes(), name="scans.zip")
    assert in_memory.names() == on_disk.names() == ["a.png", "b.png"]
    assert np.array_equal(in_memory.read("a.png"), on_disk.read("a.png"))
    assert in_memory.digest == on_disk.digest
    with pytest.raises(DataError, match=r"^sent\.zip: it is no ZIP"):
        ZipImages(path.read_bytes()[:-8], name="sent.zip")
