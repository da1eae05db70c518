"""ZIPs among uploaded files: their entries stand in their place, good ones beside refused ones."""

import io
import zipfile

import pytest

from core import limits
from core.data.unpack import unpacked
from core.errors import ImageRefused


def zipped(**entries):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return stream.getvalue()


def told(found):
    return [(name, str(content) if isinstance(content, ImageRefused) else content) for name, content in found]


def test_entries_stand_in_the_place_of_their_zip():
    files = [("a.png", b"one"), ("b.zip", zipped(y=b"three", x=b"two")), ("c.png", b"four")]
    assert unpacked(files, 9) == [("a.png", b"one"), ("b.zip/x", b"two"), ("b.zip/y", b"three"), ("c.png", b"four")]


def test_an_entry_that_leads_out_is_refused_and_the_others_go_on():
    found = told(unpacked([("b.zip", zipped(**{"../x": b"bad", "good": b"fine"}))], 9))
    assert found[1] == ("b.zip/good", b"fine")
    assert found[0][1].startswith("b.zip/../x: its name leads out of the archive")


def test_a_bomb_grows_to_its_limit_only():
    ((name, sentence),) = told(unpacked([("b.zip", zipped(bomb=bytes(20_000_000)))], 9))
    assert name == "b.zip/bomb" and "more than 100 times its packed size" in sentence


def test_the_files_of_all_zips_are_counted():
    files = [("a.zip", zipped(**{f"{n}": b"x" for n in range(4)})), ("b.png", b"y"), ("c.zip", zipped(z=b"z"))]
    found = told(unpacked(files, 3))
    assert [name for name, _ in found] == ["a.zip/0", "a.zip/1", "a.zip/2", ""]
    assert found[-1][1] == "3 more file(s) were left out; accepted are up to 3 at once."


def test_the_bytes_of_all_zips_are_counted(monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 1000)
    files = [("a.zip", zipped(x=b"x" * 700)), ("b.zip", zipped(y=b"y" * 700, z=b"z" * 200))]
    found = told(unpacked(files, 9))
    assert [isinstance(content, bytes) for _, content in found] == [True, False, True]
    assert "the ZIPs hold more than" in found[1][1]


def test_a_damaged_and_an_empty_zip_are_named():
    found = told(unpacked([("a.zip", zipped(x=b"1")[:-8]), ("b.zip", zipped())], 9))
    assert found[0][1].startswith("a.zip: it is no ZIP, or damaged") and found[1][1] == "b.zip: the ZIP holds no file."


@pytest.mark.parametrize("names", [("config.json", "metadata.json", "model.weights.h5"), ("[Content_Types].xml", "a")])
def test_a_network_or_an_office_document_stays_whole(names):
    data = zipped(**dict.fromkeys(names, b"{}"))
    assert unpacked([("a.keras", data)], 9) == [("a.keras", data)]
