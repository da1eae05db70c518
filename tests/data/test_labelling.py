"""Label schemes applied: the class of a row, what is dropped, and classes that are too small."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.data.labelling import apply_scheme, images_per_class
from core.data.load import table_fingerprint
from core.errors import DatasetInvalid
from core.registry.datasets import dataset_spec
from core.registry.labels import AS_IS, LABEL_SCHEMES, label_scheme
from core.types import DatasetTable


def table_of(key, labels, class_names=None):
    n = len(labels)
    rows = pd.DataFrame(
        {
            "image_id": [f"i{i}" for i in range(n)], "path": "", "label": labels, "group": [f"g{i}" for i in range(n)],
            "split": "", "content_hash": [f"h{i}" for i in range(n)],
        }
    )  # fmt: skip
    spec = dataset_spec(key) if class_names is None else replace(dataset_spec(key), class_names=class_names)
    return DatasetTable(spec=spec, rows=rows, fingerprint=table_fingerprint(rows))


def test_opacity_is_decided_by_the_study():
    labels = ["Negative for Pneumonia"] * 2 + ["Typical Appearance", "Atypical Appearance"]
    labelled = apply_scheme(table_of("siim-covid19", labels), label_scheme("siim_opacity"))
    assert labelled.y_true.tolist() == [0, 0, 1, 1]
    assert labelled.y_true.dtype == np.int64


def test_a_row_without_a_class_is_dropped_and_counted():
    labels = ["NORMAL", "pneumonia", "bacteria", "virus", "pneumonia", "NORMAL", "bacteria", "virus"]
    labelled = apply_scheme(table_of("chest_xray", labels), label_scheme("pneumonia_cause"))
    assert labelled.rows["image_id"].tolist() == ["i0", "i2", "i3", "i5", "i6", "i7"]
    assert labelled.rows.index.tolist() == [0, 1, 2, 3, 4, 5]
    assert labelled.y_true.tolist() == [0, 1, 2, 0, 1, 2]
    assert labelled.dropped == {"label 'pneumonia' has no class in 'pneumonia_cause'": 2}


def test_several_findings_become_zeros_and_ones():
    labels = ["Mass|Nodule", "No Finding", "Mass", "Nodule"]
    labelled = apply_scheme(table_of("nih-chest-xray", labels), label_scheme("nih_findings"))
    names = list(labelled.scheme.class_names)
    expected = np.zeros((4, 14), int)
    expected[0, [names.index("Mass"), names.index("Nodule")]] = 1
    expected[2, names.index("Mass")] = expected[3, names.index("Nodule")] = 1
    assert (labelled.y_true == expected).all()
    assert images_per_class(labelled)["Mass"] == 2


def test_of_several_classes_the_last_in_order_wins():
    # Effusion alone is "Neither", beside a mass the image is "Mass or nodule"
    labels = ["Effusion", "Effusion|Mass", "Mass|Effusion", "No Finding"]
    labelled = apply_scheme(table_of("nih-chest-xray", labels), label_scheme("nih_mass_nodule"))
    assert labelled.y_true.tolist() == [0, 1, 1, 0]


def test_a_class_with_one_image_is_named():
    with pytest.raises(DatasetInvalid, match=r"'Dermatofibroma' has 1 image \(i4\)"):
        apply_scheme(table_of("ham10000", ["nv", "nv", "mel", "mel", "df"]), label_scheme("ham_seven"))


def test_scoring_may_allow_a_class_with_one_image():
    labelled = apply_scheme(table_of("ham10000", ["nv", "mel"]), label_scheme("ham_malignant"), min_per_class=1)
    assert labelled.y_true.tolist() == [0, 1]


def test_a_scheme_of_another_set_names_the_fitting_ones():
    with pytest.raises(DatasetInvalid, match="ham_seven, ham_malignant"):
        apply_scheme(table_of("ham10000", ["nv", "mel"]), label_scheme("pneumonia"))


def test_as_is_refuses_several_labels_per_image():
    table = table_of("csv", ["a|b", "a", "b", "a"], ("a", "b"))
    with pytest.raises(DatasetInvalid, match="several labels"):
        apply_scheme(table, label_scheme(AS_IS, table.spec))


def test_no_row_left_says_why():
    with pytest.raises(DatasetInvalid, match="no image is left"):
        apply_scheme(table_of("chest_xray", ["pneumonia"] * 3), label_scheme("pneumonia_cause"))


@pytest.mark.parametrize("scheme", LABEL_SCHEMES.values(), ids=lambda s: s.key)
def test_every_scheme_maps_only_to_its_own_classes(scheme):
    assert {target for target in scheme.mapping.values() if target} <= set(scheme.class_names)
