"""The four real sets beside the repository, where they are: counts as their README gives them."""

import os
from pathlib import Path

import pytest

from core.data.labelling import apply_scheme, images_per_class
from core.data.load import load_table
from core.data.splits import assign_splits, audit_overlap
from core.registry.labels import label_scheme

SHARED = Path(os.environ.get("MEDLENS_SHARED", "") or Path(__file__).resolve().parents[2].parent / "shared" / "data")
FACTS = {
    # images, groups, images per raw label
    "chest_xray": (5216, 2635, {"NORMAL": 1341, "bacteria": 2530, "virus": 1345}),
    "ham10000": (9013, 6723, {"akiec": 294, "bcc": 462, "bkl": 989, "df": 104, "mel": 1002, "nv": 6034, "vasc": 128}),
    "siim-covid19": (5701, 2929, {"Negative for Pneumonia": 1563, "Typical Appearance": 2706,
                                  "Indeterminate Appearance": 997, "Atypical Appearance": 435}),
    "nih-chest-xray": (798, 544, {"No Finding": 400, "Pneumonia": 397}),
}  # fmt: skip


@pytest.fixture(scope="module", params=sorted(FACTS))
def real_table(request):
    root = SHARED / request.param
    if not root.is_dir():
        pytest.skip(f"{root} is not there; MEDLENS_SHARED names the folder of the real data")
    return request.param, load_table(request.param, root)


@pytest.mark.shared
def test_a_real_set_has_its_counts(real_table):
    key, table = real_table
    images, groups, labels = FACTS[key]
    tokens = [token for label in table.rows["label"] for token in label.split("|")]
    assert (len(table), table.rows["group"].nunique()) == (images, groups)
    assert {label: tokens.count(label) for label in labels} == labels
    assert table.refused == ()


@pytest.mark.shared
def test_a_real_set_is_split_by_patient_to_two_points(real_table):
    _, table = real_table
    labelled = apply_scheme(table, label_scheme(table.spec.label_schemes[0]))
    done = assign_splits(labelled, "group", 0)
    audit = audit_overlap(done)
    assert (audit.groups_in_several_splits, audit.images_in_several_splits) == (0, 0)
    whole = [count / len(done) for count in images_per_class(done).values()]
    for part, share in (("train", 0.6), ("validation", 0.2), ("test", 0.2)):
        own = done.y_true[done.indices(part)]
        assert len(own) / len(done) == pytest.approx(share, abs=0.02)
        assert [(own == c).mean() for c in range(len(whole))] == pytest.approx(whole, abs=0.02)


@pytest.mark.shared
def test_every_siim_box_lies_inside_its_image():
    root = SHARED / "siim-covid19"
    if not root.is_dir():
        pytest.skip(f"{root} is not there; MEDLENS_SHARED names the folder of the real data")
    boxes = [box for boxes in load_table("siim-covid19", root).rows["boxes"] for box in boxes]
    assert len(boxes) > 5000
    assert all(
        x >= 0 and y >= 0 and w > 0 and h > 0 and x + w <= 1 + 1e-9 and y + h <= 1 + 1e-9 for x, y, w, h in boxes
    )
