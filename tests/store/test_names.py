"""Names: what may become a folder, and what would lead out of it."""

import hashlib

import pytest

from core.errors import StoreError
from core.store.names import check_file_name, check_folder_name, is_folder_name, read_limited, sha256_of

HOSTILE = [
    "", ".", "..", "../x", "a/b", "a\\b", "/etc", "a..b", "a b", "A", "ä", "a\n", "a\x00", "-a", ".a", "a.", "x" * 201,
    "con:", "~", "$HOME", "a;b",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_could_lead_elsewhere_is_refused(name):
    assert not is_folder_name(name)
    with pytest.raises(StoreError, match="is no run id"):
        check_folder_name(name, "run id")


@pytest.mark.parametrize("name", ["a", "chest-xray-0a1b2c3d", "a.b_c-d", "0"])
def test_a_plain_name_passes(name):
    assert check_folder_name(name, "run id") == name


def test_file_names_may_have_capitals_but_no_path():
    assert check_file_name("Head_1.skops") == "Head_1.skops"
    for name in ("a/b", "..", ".hidden", "a b", ""):
        with pytest.raises(StoreError):
            check_file_name(name)


def test_sums_of_bytes_and_of_a_file_agree_with_hashlib(tmp_path):
    data = bytes(range(256)) * 5000
    (tmp_path / "f").write_bytes(data)
    assert sha256_of(data) == sha256_of(tmp_path / "f") == hashlib.sha256(data).hexdigest()


def test_a_file_over_the_limit_or_missing_is_refused(tmp_path):
    (tmp_path / "f").write_bytes(b"12345")
    assert read_limited(tmp_path / "f", 5) == b"12345"
    with pytest.raises(StoreError, match="5 bytes, the limit is 4"):
        read_limited(tmp_path / "f", 4)
    for path in (tmp_path / "g", tmp_path):
        with pytest.raises(StoreError, match="is missing"):
            read_limited(path, 5)
