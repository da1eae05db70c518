"""Which images and marks belong to which class: by the labels, else by what is said, never by a guess."""

import pandas as pd
import pytest

from core.errors import DatasetInvalid, SpecInvalid
from core.registry.datasets import dataset_spec
from core.training.marks import marked_images
from core.types import DatasetTable, ModelCard, PreprocessSpec, Threshold

BOX, OTHER = (0.1, 0.2, 0.3, 0.4), (0.5, 0.5, 0.1, 0.1)
NEGATIVE, TYPICAL, ATYPICAL = "Negative for Pneumonia", "Typical Appearance", "Atypical Appearance"


def card(task="binary", classes=("Normal", "Pneumonia"), positive="Pneumonia", trained="chest_xray"):
    return ModelCard(
        schema_version=1, name="m", title="M", run_id="absent", architecture="mobilenet_v2", head="mlp", task=task,
        class_names=classes, positive_class=positive, preprocess=PreprocessSpec(), cam_layer="out_relu",
        threshold=Threshold(values={}, rule="youden", chosen_on="validation"), temperature=1.0, training_data="d",
        training_dataset=trained, n_train_images=1, n_train_groups=1, synthetic=False, estimates=(), intended_use="u",
        limits=(), licence="l", sha256="", model_bytes=0, golden_seeds=(), golden_outputs=(), feature_mean=(),
        feature_scale=(), created_utc="now",
    )  # fmt: skip


def table(key, labels, **columns):
    n = len(labels)
    rows = pd.DataFrame(
        {
            "image_id": [f"i{k}" for k in range(n)], "path": [f"i{k}.png" for k in range(n)], "label": labels,
            "group": [f"g{k}" for k in range(n)], "split": "", "content_hash": [f"{k:032x}" for k in range(n)],
            **columns,
        }
    )  # fmt: skip
    return DatasetTable(spec=dataset_spec(key), rows=rows, fingerprint="f")


def siim(**columns):
    boxes = [(), (BOX,), (), (BOX, OTHER)]
    return table("siim-covid19", [NEGATIVE, TYPICAL, TYPICAL, ATYPICAL], **{"boxes": boxes, **columns})


def told(selection):
    return [(image.path, image.classes, image.boxes) for image in selection.images]


def test_a_binary_model_is_held_against_the_boxes_of_its_positive_class():
    found = marked_images(card(classes=("None", "Opacity"), positive="Opacity"), siim(), "all")
    assert told(found) == [("i1.png", (1,), (BOX,)), ("i3.png", (1,), (BOX, OTHER))]
    assert (found.truth, found.n_unmarked) == ("boxes", 1)  # one typical study whose image got no box
    assert found.class_rule == "Opacity, on images that show it"


def test_a_model_of_several_classes_is_held_against_the_boxes_of_the_true_one():
    four = card("multiclass", ("Negative", "Typical", "Indeterminate", "Atypical"), None)
    assert [(i.path, i.classes) for i in marked_images(four, siim(), "all").images] == [
        ("i1.png", (1,)),
        ("i3.png", (3,)),
    ]


def test_a_model_of_other_data_takes_every_mark_as_the_finding_that_it_knows():
    found = marked_images(card(), siim(), "all")
    assert [(i.path, i.classes) for i in found.images] == [("i1.png", (1,)), ("i3.png", (1,))]
    assert found.class_rule == "Pneumonia, on every image with a mark"
    cause = card("multiclass", ("Normal", "Bacterial pneumonia", "Viral pneumonia"), None)
    found = marked_images(cause, siim(), "all")
    assert {i.classes for i in found.images} == {(1, 2)}
    assert found.class_rule == "the likelier of Bacterial pneumonia and Viral pneumonia, on every image with a mark"


def test_where_no_class_is_the_absence_of_a_finding_the_class_has_to_be_said():
    skin = card("multiclass", ("Melanoma", "Melanocytic nevus"), None)
    with pytest.raises(SpecInvalid, match="--class NAME"):
        marked_images(skin, siim(), "all")
    assert {i.classes for i in marked_images(skin, siim(), "all", classes=("Melanoma",)).images} == {(0,)}
    with pytest.raises(SpecInvalid, match="has no class 'Nevus'"):
        marked_images(skin, siim(), "all", classes=("Nevus",))


def test_boxes_that_name_their_finding_count_for_that_finding_only():
    two = table(
        "nih-chest-xray", ["Mass|Effusion", "Mass", "No Finding"], boxes=[(BOX, OTHER), (), ()],
        box_labels=[("Effusion", "Mass"), (), ()],
    )  # fmt: skip
    mapped = ("Mass=Pneumonia", "No Finding=Normal")
    found = marked_images(card(), two, "all", label_map=mapped)
    assert told(found) == [("i0.png", (1,), (OTHER,))]
    assert found.n_unmarked == 1
    spec = dataset_spec("nih-chest-xray")
    several = card("multilabel", spec.class_names[:-1], None)
    names = [(several.class_names[i.classes[0]], i.boxes) for i in marked_images(several, two, "all").images]
    assert names == [("Effusion", (BOX,)), ("Mass", (OTHER,))]


def test_planted_opacities_are_no_marks_of_a_nodule_and_no_nodule_is_one_of_an_opacity():
    drawn = table(
        "phantom", ["typical|nodule", "atypical", "negative"], boxes=[(BOX, OTHER), (BOX,), ()],
        box_labels=[("patches", "nodule"), ("lobe",), ()],
    )  # fmt: skip
    nodule = card(classes=("No nodule", "Nodule"), positive="Nodule")
    assert told(marked_images(nodule, drawn, "all")) == [("i0.png", (1,), (OTHER,))]
    four = card("multiclass", ("Negative", "Typical", "Indeterminate", "Atypical"), None)
    assert told(marked_images(four, drawn, "all")) == [("i0.png", (1,), (BOX,)), ("i1.png", (3,), (BOX,))]


def test_masks_come_before_boxes_and_images_without_one_are_left_out_and_counted():
    lesions = table("ham10000", ["mel", "nv", "nv"], mask_path=["a_segmentation.png", "", "c_segmentation.png"])
    malignant = card(classes=("Benign", "Malignant"), positive="Malignant")
    found = marked_images(malignant, lesions, "all")
    assert [(i.path, i.mask_path) for i in found.images] == [("i0.png", "a_segmentation.png")]
    seven = card("multiclass", ("Actinic keratosis", "Basal cell carcinoma", "Benign keratosis", "Dermatofibroma",
                                "Melanoma", "Melanocytic nevus", "Vascular lesion"), None)  # fmt: skip
    found = marked_images(seven, lesions, "all")
    assert [i.classes for i in found.images] == [(4,), (5,)]
    assert (found.truth, found.n_unmarked) == ("masks", 1)


def test_a_data_set_without_marks_gives_the_images_of_the_finding():
    found = marked_images(card(), table("chest_xray", ["NORMAL", "virus", "bacteria"]), "all")
    assert [i.path for i in found.images] == ["i1.png", "i2.png"]
    assert found.truth == "none"


def test_the_test_part_is_the_sources_own_or_there_is_none():
    with pytest.raises(SpecInvalid, match="use --split all"):
        marked_images(card(), siim(), "test")
    parts = siim(split=["", "train", "", "test"])
    assert [i.path for i in marked_images(card(), parts, "test").images] == ["i3.png"]


def test_a_part_without_any_finding_is_refused():
    with pytest.raises(DatasetInvalid, match="no image of a finding"):
        marked_images(card(), siim(split=["test", "train", "train", "train"]), "test")
