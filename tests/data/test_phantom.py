"""Phantoms: the same everywhere, honest boxes, promised shares, and nothing that gives a finding away."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from core.data import phantom, sources
from core.data.load import load_table
from core.data.phantom import draw_phantom, image_count, lung_mask, phantom_rows
from core.data.phantom_path import parse_phantom_path
from core.data.sources import content_hash, read_image
from core.errors import ImageRefused, SpecInvalid
from core.registry.datasets import dataset_spec

PATIENTS = 400
EXPECTED_COLUMNS = ["image_id", "path", "label", "group", "split", "age", "sex", "view", "boxes", "box_labels"]


@pytest.fixture(scope="module")
def rows():
    return phantom_rows(PATIENTS, 0)


def first_with(rows, token, count, start=0):
    """Addresses (seed, patient, image) of images that show `token`, each of another patient."""
    shown = rows[rows["label"].str.split("|").map(lambda tokens: token in tokens)].drop_duplicates("group")
    addresses = [parse_phantom_path(path) for path in shown["path"][start : start + count]]
    return [(a.seed, a.patient, a.image) for a in addresses]


@pytest.fixture
def without(monkeypatch):
    """without(name, value): draw phantoms with one constant of the generator changed."""

    def change(name, value):
        monkeypatch.setattr(phantom, name, value)
        phantom._plan_patient.cache_clear()

    yield change
    monkeypatch.undo()
    phantom._plan_patient.cache_clear()


def inside_boxes(boxes, size_px, margin=0.0):
    mask = np.zeros((size_px, size_px), bool)
    for _, x, y, width, height in boxes:
        low_x, low_y = (max(0, int((v - margin) * size_px)) for v in (x, y))
        high_x, high_y = (int(np.ceil((v + margin) * size_px)) for v in (x + width, y + height))
        mask[low_y:high_y, low_x:high_x] = True
    return mask


# ---------------------------------------------------------------- the same everywhere

# (seed, patient, image), tokens, first box, mean of the pixels, share of open lung: pins the generator's version
GOLDEN = [
    ((0, 0, 0), ("typical",), (0.116075, 0.588244, 0.187344, 0.247003), 145.1, 0.355),
    ((0, 7, 1), ("typical", "nodule"), (0.142400, 0.547684, 0.142636, 0.172947), 125.8, 0.264),
    ((3, 12, 0), ("typical",), (0.186633, 0.591327, 0.127249, 0.206850), 92.8, 0.225),
]


@pytest.mark.parametrize(("address", "tokens", "box", "mean", "lung"), GOLDEN)
def test_phantoms_of_this_version_are_these(address, tokens, box, mean, lung):
    drawn = draw_phantom(*address)
    assert drawn.tokens == tokens
    assert drawn.boxes[0][1:] == pytest.approx(box, abs=1e-5)
    assert drawn.pixels.mean() == pytest.approx(mean, abs=0.5)
    assert lung_mask(*address).mean() == pytest.approx(lung, abs=0.002)


def test_another_process_that_draws_in_another_order_gives_the_same_bytes():
    addresses = [(0, 3, 0), (0, 3, 1), (5, 40, 2)]
    script = (
        "import hashlib\nfrom core.data.phantom import draw_phantom\n"
        f"for address in {addresses[::-1]}:\n"
        "    print(hashlib.sha256(draw_phantom(*address, 96).pixels.tobytes()).hexdigest())\n"
    )
    import hashlib

    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    here = [hashlib.sha256(draw_phantom(*address, 96).pixels.tobytes()).hexdigest() for address in addresses]
    assert run.stdout.split() == here[::-1]


def test_drawing_in_threads_equals_drawing_in_a_row():
    addresses = [(0, patient, patient % 2) for patient in range(24)]
    alone = [draw_phantom(*address, 96).pixels for address in addresses]
    phantom._plan_patient.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda address: draw_phantom(*address, 96).pixels, addresses))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_anatomy_and_boxes_do_not_depend_on_the_size():
    for address in [(0, 4, 0), (0, 9, 0), (0, 10, 0), (1, 11, 0)]:
        large, small = draw_phantom(*address, 224), draw_phantom(*address, 112)
        assert large.boxes == small.boxes
        assert large.tokens == small.tokens
        shrunk = cv2.resize(large.pixels[..., 0], (112, 112), interpolation=cv2.INTER_AREA)
        assert np.corrcoef(shrunk.ravel(), small.pixels[..., 0].ravel())[0, 1] > 0.98
        masks = cv2.resize(lung_mask(*address, 224).astype(np.uint8), (112, 112), interpolation=cv2.INTER_NEAREST)
        assert (masks.astype(bool) == lung_mask(*address, 112)).mean() > 0.98


def test_images_of_a_patient_share_anatomy_but_not_the_exposure():
    patient = next(p for p in range(20) if image_count(0, p) == 4)
    drawn = [draw_phantom(0, patient, image, 96) for image in range(4)]
    assert len({(d.age, d.sex, d.tokens[0]) for d in drawn}) == 1
    assert len({d.pixels.tobytes() for d in drawn}) == 4
    other = draw_phantom(0, patient + 1, 0, 96)
    assert (other.age, other.pixels.mean()) != (drawn[0].age, drawn[0].pixels.mean())


# ---------------------------------------------------------------- a picture of a chest


@pytest.mark.parametrize("patient", range(6))
def test_a_phantom_is_grey_fills_its_range_and_has_dark_lungs(patient):
    drawn = draw_phantom(0, patient, 0)
    grey = drawn.pixels[..., 0]
    assert drawn.pixels.shape == (224, 224, 3)
    assert drawn.pixels.dtype == np.uint8
    assert np.array_equal(grey, drawn.pixels[..., 1])
    assert np.ptp(grey) > 90
    mask = lung_mask(0, patient, 0)
    assert 0.15 < mask.mean() < 0.45
    left, right = mask[:, :112].mean(), mask[:, 112:].mean()
    assert 0.4 < left / right < 2.5
    belly = grey[190:205, 90:130].mean()
    assert grey[mask].mean() < belly - 30


def test_a_letter_marker_stands_where_its_box_says_and_is_sometimes_absent(monkeypatch):
    drawn = [draw_phantom(2, patient, 0, 128) for patient in range(50)]
    markers = []
    draw = phantom.draw_marker
    monkeypatch.setattr(phantom, "draw_marker", lambda rng: markers.append(draw(rng)))
    bare = [draw_phantom(2, patient, 0, 128) for patient in range(50)]
    assert 1 <= sum(d.marker_box is None for d in drawn) <= 16
    assert {marker.text for marker in markers if marker} == {"L", "R"}
    for marker, stamped, plain in zip(markers, drawn, bare, strict=True):
        assert plain.marker_box is None
        change = stamped.pixels[..., 0] != plain.pixels[..., 0]
        if marker is None:
            assert stamped.marker_box is None
            assert not change.any()
            continue
        x, y, width, height = stamped.marker_box
        assert 0 <= x < x + width <= 1
        assert 0 <= y < y + height <= 1
        inside = inside_boxes([("marker", x, y, width, height)], 128)
        assert change[inside].any()
        assert marker.note or not change[~inside].any()


# ---------------------------------------------------------------- findings


def test_planting_a_nodule_brightens_its_box_and_changes_nothing_far_from_it(rows, without):
    addresses = first_with(rows, "nodule", 12)
    planted = [draw_phantom(*address) for address in addresses]
    without("CARRIER_SHARE", 0.0)
    for address, sick in zip(addresses, planted, strict=True):
        clean = draw_phantom(*address)
        assert "nodule" not in clean.tokens
        assert clean.marker_box == sick.marker_box
        nodules = [box for box in sick.boxes if box[0] == "nodule"]
        change = sick.pixels[..., 0].astype(float) - clean.pixels[..., 0]
        assert change[inside_boxes(nodules, 224)].mean() > 4
        # the unsharp mask, as on a real system, reaches a little beyond
        assert np.abs(change[~inside_boxes(nodules, 224, margin=0.13)]).max() <= 1


@pytest.mark.parametrize("appearance", ["typical", "indeterminate", "atypical"])
def test_an_appearance_changes_the_picture_inside_its_boxes(appearance, rows, without):
    addresses = first_with(rows, appearance, 10)
    planted = [draw_phantom(*address, 112) for address in addresses]
    without("APPEARANCE_SHARES", (1.0, 0.0, 0.0, 0.0))
    for address, sick in zip(addresses, planted, strict=True):
        clean = draw_phantom(*address, 112)
        assert clean.tokens[0] == "negative"
        boxes = [box for box in sick.boxes if box[0] == appearance]
        change = np.abs(sick.pixels[..., 0].astype(float) - clean.pixels[..., 0])
        inside = inside_boxes(boxes, 112, margin=0.02)
        assert change[inside].mean() > 2.5 * change[~inside].mean(), address


def test_typical_is_on_both_sides_and_in_the_lower_half(rows):
    for boxes, kinds in zip(rows["boxes"], rows["box_labels"], strict=True):
        typical = [box for box, kind in zip(boxes, kinds, strict=True) if kind == "typical"]
        if typical:
            middles = sorted(x + width / 2 for x, _, width, _ in typical)
            assert len(middles) == 2
            assert middles[0] < 0.45 < 0.55 < middles[1]
            assert all(y + height > 0.45 for _, y, _, height in typical)


def test_every_box_lies_inside_the_image_and_agrees_with_the_label(rows):
    for label, boxes, kinds in zip(rows["label"], rows["boxes"], rows["box_labels"], strict=True):
        assert set(kinds) == set(label.split("|")) - {"negative"}
        for (x, y, width, height), kind in zip(boxes, kinds, strict=True):
            assert 0 <= x < x + width <= 1 + 1e-9
            assert 0 <= y < y + height <= 1 + 1e-9
            assert min(width, height) > 0.02
            if kind == "nodule":  # a circle of 2.5 to 7 % of the image's width, wholly inside
                assert 0.05 - 1e-9 <= width <= 0.14 + 1e-9
                assert width == pytest.approx(height, abs=1e-9)


def test_nodules_lie_in_open_lung(rows):
    y, x = (np.mgrid[0:112, 0:112] + 0.5) / 112
    shares = []
    for address in first_with(rows, "nodule", 40):
        mask = lung_mask(*address, 112)
        for kind, left, top, width, height in draw_phantom(*address, 112).boxes:
            if kind == "nodule":
                disc = np.hypot(x - left - width / 2, y - top - height / 2) < width / 2
                shares.append(mask[disc].mean())
    assert min(shares) > 0.5
    assert np.median(shares) > 0.9


def test_nodules_have_many_sizes_and_stay_from_one_image_to_the_next(rows):
    widths = [
        box[2]
        for boxes, kinds in zip(rows["boxes"], rows["box_labels"], strict=True)
        for box, kind in zip(boxes, kinds, strict=True)
        if kind == "nodule"
    ]
    assert np.percentile(widths, 90) > 1.6 * np.percentile(widths, 10)
    for _, images in rows.groupby("group"):
        shown = images["label"].str.contains("nodule").tolist()
        assert shown == sorted(shown)  # once there, a nodule does not go away


# ---------------------------------------------------------------- the data set


def test_the_promised_shares_are_kept(rows):
    nodule = rows["label"].str.contains("nodule")
    assert nodule.mean() == pytest.approx(0.10, abs=0.015)
    shares = rows["label"].str.split("|").str[0].value_counts(normalize=True)
    for appearance, share in zip(phantom.APPEARANCES, phantom.APPEARANCE_SHARES, strict=True):
        assert shares[appearance] == pytest.approx(share, abs=0.02)
    assert 2.2 < len(rows) / PATIENTS < 2.4


@pytest.mark.parametrize("seed", range(8))
def test_shares_hold_for_every_seed(seed):
    patients = np.arange(800)
    carriers = np.mean([phantom._uniform(seed, int(p), "carrier") < phantom.CARRIER_SHARE for p in patients])
    assert carriers == pytest.approx(phantom.CARRIER_SHARE, abs=0.004)


def test_nothing_else_tells_of_a_nodule(rows):
    nodule = rows["label"].str.contains("nodule")
    appearance = rows["label"].str.split("|").str[0]
    # standard errors for some 55 carriers, of whom a few stand in each cell; four of them are allowed
    for column, allowed in ((appearance, 0.09), (rows["sex"], 0.07), (rows["view"], 0.07)):
        for value in column.unique():
            assert nodule[column == value].mean() == pytest.approx(nodule.mean(), abs=allowed), value
    assert abs(rows.loc[nodule, "age"].mean() - rows.loc[~nodule, "age"].mean()) < 8
    lettered = [draw_phantom(0, p, 0, 48) for p in range(PATIENTS)]
    sick = np.array(["nodule" in d.tokens for d in lettered])
    marked = np.array([d.marker_box is not None for d in lettered])
    assert marked[sick].mean() == pytest.approx(marked[~sick].mean(), abs=0.22)


def test_rows_have_the_columns_of_the_contract(rows):
    assert list(rows.columns) == EXPECTED_COLUMNS
    assert rows["image_id"].is_unique
    assert rows["image_id"][0] == "P0000-0"
    assert set(rows["split"]) == {""}
    assert set(rows["view"]) == {"PA", "AP"}
    assert rows.groupby("group").size().between(1, 4).all()


def test_a_row_draws_the_image_that_it_describes(rows):
    for position in (0, 57, 311):
        row = rows.iloc[position]
        address = parse_phantom_path(row["path"])
        drawn = draw_phantom(address.seed, address.patient, address.image)
        assert drawn.label == row["label"]
        assert tuple(box[1:] for box in drawn.boxes) == row["boxes"]
        assert np.array_equal(read_image(row["path"]), drawn.pixels)


def test_the_table_loads_without_any_folder(tmp_path):
    table = load_table("phantom", tmp_path / "nowhere", options={"patients": 12, "seed": 3, "size_px": 64})
    assert table.rows["group"].nunique() == 12
    assert set("|".join(table.rows["label"]).split("|")) <= set(dataset_spec("phantom").class_names)
    assert read_image(table.rows["path"][0]).shape == (64, 64, 3)
    assert table.rows["content_hash"].is_unique
    again = load_table("phantom", options={"patients": 12, "seed": 3, "size_px": 64})
    assert again.fingerprint == table.fingerprint
    other = load_table("phantom", options={"patients": 12, "seed": 4, "size_px": 64})
    assert other.fingerprint != table.fingerprint


def test_the_default_is_eight_hundred_patients_at_224_px():
    from core.data.readers import phantom as reader

    assert reader.DEFAULT_PATIENTS == 800
    assert parse_phantom_path("phantom://0/0/0").size_px == 224


@pytest.mark.parametrize(
    "options", [{"patients": 0}, {"patients": "many"}, {"seed": -1}, {"seed": 1.5}, {"size_px": 4}, {"colour": 1}]
)
def test_senseless_options_are_refused(options):
    with pytest.raises(SpecInvalid):
        load_table("phantom", options=options)


@pytest.mark.parametrize("address", [(0, 0, 0, 9999), (0, 0, 0, 8), (-1, 0, 0, 224), (0, -1, 0, 224), (0, 0, -1, 224)])
def test_numbers_out_of_range_are_refused(address):
    for function in (draw_phantom, lung_mask):
        with pytest.raises(ImageRefused):
            function(*address)


def test_a_new_generator_version_changes_every_hash(monkeypatch):
    before = content_hash("phantom://0/1/0")
    monkeypatch.setattr(sources, "GENERATOR_VERSION", phantom.GENERATOR_VERSION + 1)
    assert content_hash("phantom://0/1/0") != before
