"""Copies are found however they were saved; different pictures are not; what a copy does to a split is counted."""

import itertools
import json

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from core.__main__ import app
from core.data.copies import ages, conflicting_labels, find_copies, group_sizes, values_of
from core.data.load import load_table
from core.data.near_duplicates import alike_pairs, look_at_all, near_hashes, perceptual_hash
from core.data.phantom import draw_phantom
from core.registry.labels import label_scheme


@pytest.fixture(scope="module")
def pictures():
    return [draw_phantom(3, patient, 0, 160).pixels for patient in range(6)]


def bits(first, second):
    return (perceptual_hash(first) ^ perceptual_hash(second)).bit_count()


def test_the_hash_follows_its_definition_on_a_picture_worked_by_hand():
    # one wave down and one across: the transform has two large numbers, at (2, 0) and (0, 3), and nearly nothing else
    y, x = np.mgrid[0:32, 0:32] + 0.5
    wave = 127 + 50 * np.cos(np.pi * 2 * y / 32) + 40 * np.cos(np.pi * 3 * x / 32)
    rgb = np.repeat(np.rint(wave).astype(np.uint8)[..., None], 3, axis=2)
    value = perceptual_hash(rgb)
    stands = {63 - n for n in range(64) if value >> n & 1}  # bit 0 of the row-major 8 x 8 is the highest
    assert {2 * 8 + 0, 0 * 8 + 3} <= stands
    assert 0 not in stands  # the mean brightness has no part in it
    assert len(stands) <= 32  # what is not above the median of all stays 0


def test_saving_anew_moves_few_bits_and_another_person_many(pictures):
    for picture in pictures:
        height, width = picture.shape[:2]
        half = cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        coarse = cv2.imdecode(cv2.imencode(".jpg", picture, [1, 30])[1], 1)
        brighter = np.clip(picture.astype(int) + 25, 0, 255).astype(np.uint8)
        assert max(bits(picture, other) for other in (half, coarse, brighter)) <= 8
    assert bits(pictures[0], pictures[0][:, ::-1]) > 16  # a mirrored picture is another one


@pytest.mark.parametrize("n", [0, 1, 5, 2300])
def test_near_hashes_are_those_of_comparing_each_with_each(n):
    rng = np.random.default_rng(n)
    hashes = rng.integers(0, 2**63, n, dtype=np.uint64)
    if n > 4:  # near copies of the first ones, across the blocks
        hashes[-3:] = hashes[:3] ^ np.array([0, 1, 0b10110], dtype=np.uint64)
    found = {tuple(pair) for pair in near_hashes(hashes, 3).tolist()}
    if n <= 5:
        numbers = [int(h) for h in hashes]
        near = {(i, j) for i, j in itertools.combinations(range(n), 2) if (numbers[i] ^ numbers[j]).bit_count() <= 3}
        assert found == near
    else:
        assert found == {(0, n - 3), (1, n - 2), (2, n - 1)}


def test_blank_and_unreadable_pictures_are_like_nothing(tmp_path):
    blank = np.full((40, 40, 3), 90, dtype=np.uint8)
    paths = []
    for number in range(2):
        file = tmp_path / f"{number}.png"
        Image.fromarray(blank).save(file)
        paths.append(str(file))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    looks = look_at_all([*paths, str(tmp_path / "broken.png"), str(tmp_path / "gone.png")])
    assert alike_pairs(looks) == ()
    assert looks.digests[2:] == ("", "")
    assert looks.sizes_px == ((40, 40), (40, 40), (0, 0), (0, 0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A CSV data set: ten patients, a copy saved as JPEG under another patient and label, one file twice."""
    root = tmp_path_factory.mktemp("copies")
    rows = []
    for patient in range(10):
        picture = draw_phantom(4, patient, 0, 128).pixels
        Image.fromarray(picture).save(root / f"p{patient}.png")
        rows.append((f"p{patient}.png", "sick" if patient % 2 else "well", f"patient {patient}"))
    first = np.asarray(Image.open(root / "p0.png"))
    Image.fromarray(first).resize((96, 96)).save(root / "again.jpg", quality=60)
    rows.append(("again.jpg", "sick", "patient 99"))
    (root / "twice.png").write_bytes((root / "p1.png").read_bytes())
    rows.append(("twice.png", "well", "patient 1"))
    pd.DataFrame(rows, columns=["path", "label", "patient"]).to_csv(root / "table.csv", index=False)
    return root


def test_a_report_says_what_crosses_patients_and_labels(folder):
    table = load_table("csv", folder / "table.csv")
    found = find_copies(table, label_scheme("as_is", table.spec))
    pairs = {tuple(sorted((a, b))): row for a, b, row in zip(found.pairs["first"], found.pairs["second"],
                                                            found.pairs.to_dict("records"), strict=True)}  # fmt: skip
    assert len(pairs) == 2
    saved_anew = next(row for key, row in pairs.items() if any("again" in name for name in key))
    same_file = next(row for key, row in pairs.items() if any("twice" in name for name in key))
    assert (saved_anew["identical"], saved_anew["same_group"], saved_anew["labels_differ"]) == (False, False, True)
    assert (same_file["identical"], same_file["same_group"], same_file["labels_differ"]) == (True, True, True)
    assert same_file["likeness"] == pytest.approx(1.0)
    assert not same_file["across"]  # one patient, one part
    assert (found.n_images, found.between_groups, found.count("identical")) == (12, 1, 1)
    assert found.sizes_px == (((128, 128), 11), ((96, 96), 1))
    assert len(conflicting_labels(table)) == 1
    done = CliRunner().invoke(app, ["data", "duplicates", "csv", "--root", str(folder / "table.csv"), "--json"])
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["pairs"]) == 2
    said = CliRunner().invoke(app, ["data", "duplicates", "csv", "--root", str(folder / "table.csv")]).output
    assert "2 pairs of 12 images look alike, 1 of them pixel by pixel." in said
    assert "labels differ" in said


def test_a_table_says_what_it_has_and_nothing_where_it_has_not(folder):
    table = load_table("csv", folder / "table.csv")
    assert sorted(group_sizes(table).tolist()) == [1] * 10 + [2]
    assert ages(table).size == 0
    assert values_of(table, "sex") == {}
    table.rows["age"], table.rows["sex"] = ["40", "x", ""] * 4, ["F", "M", " "] * 4
    assert ages(table).tolist() == [40.0] * 4
    assert values_of(table, "sex") == {"F": 4, "M": 4, "": 4}
