"""Scores from outside: three forms are read, every fault is told with its row, and nothing is guessed."""

import numpy as np
import pytest

from core.errors import ScoresRefused
from core.registry.datasets import dataset_spec
from core.registry.labels import label_scheme
from core.registry.medmnist import medmnist_set
from core.store.imported import KnownImages, read_scores
from core.types import DatasetSpec

PNEUMONIA = label_scheme("pneumonia")  # Normal, Pneumonia (positive)
CAUSE = label_scheme("pneumonia_cause")  # three classes
FINDINGS = label_scheme("nih_findings")
GOOD = "image_id,y_true,p_Pneumonia,p_Normal\na,0,0.25,0.75\nb,Pneumonia,0.875,0.125\nc,1,1,0\n"


def scheme_of(name):
    """A MedMNIST set and the scheme of its labels as they stand."""
    found = medmnist_set(name)
    spec = dataset_spec("medmnist")
    fields = {field: getattr(spec, field) for field in DatasetSpec.__dataclass_fields__}
    return found, label_scheme("as_is", DatasetSpec(**{**fields, "class_names": found.class_names}))


def known(truth, ids=None, groups=None):
    n = len(truth)
    return {
        "test": KnownImages(
            source="a-run", image_ids=np.array(ids or [f"test-{i}" for i in range(n)]),
            groups=np.array(groups or [f"patient {i // 2}" for i in range(n)]), y_true=np.array(truth),
        )
    }  # fmt: skip


def refused(text, scheme=PNEUMONIA, **more):
    with pytest.raises(ScoresRefused) as caught:
        read_scores(text.encode(), scheme, "scores.csv", **more)
    return caught.value


def test_columns_may_stand_in_any_order_and_a_class_may_be_named_or_numbered():
    (part,) = read_scores(GOOD.encode("utf-8-sig"), PNEUMONIA, "f").parts.values()
    assert part.image_ids.tolist() == ["a", "b", "c"]
    assert part.groups.tolist() == ["a", "b", "c"]
    assert part.y_true.tolist() == [0, 1, 1]
    assert part.y_prob.tolist() == [[0.75, 0.25], [0.125, 0.875], [0.0, 1.0]]


def test_known_images_give_group_and_order_of_meaning_and_stand_in_for_missing_truth():
    text = "image_id,p_Normal,p_Pneumonia\nb,0.2,0.8\na,0.9,0.1\n"
    part = read_scores(text.encode(), PNEUMONIA, "f", known=known([0, 1], ["a", "b"], ["p1", "p2"])).parts["test"]
    assert part.groups.tolist() == ["p2", "p1"]
    assert part.y_true.tolist() == [1, 0]


def test_splits_of_one_file_are_kept_apart_and_training_rows_passed_over():
    text = "image_id,split,y_true,p_Normal,p_Pneumonia\na,validation,0,1,0\nb,test,1,0,1\nc,train,1,0,1\n"
    parts = read_scores(text.encode(), PNEUMONIA, "f").parts
    assert {name: part.image_ids.tolist() for name, part in parts.items()} == {"validation": ["a"], "test": ["b"]}


def test_rounded_scores_are_scaled_to_a_sum_of_one_and_counted():
    text = (
        "image_id,y_true,p_Normal,p_Bacterial pneumonia,p_Viral pneumonia\na,0,0.333,0.333,0.333\nb,1,0.25,0.5,0.25\n"
    )
    found = read_scores(text.encode(), CAUSE, "f")
    assert found.n_rescaled == 1
    np.testing.assert_allclose(found.parts["test"].y_prob[0], 1 / 3)


def test_every_fault_is_told_with_its_row_and_all_are_counted():
    rows = [
        "a,0,0.5,0.5", "b,2,0.5,0.5", "c,0,1.5,-0.5", "d,0,0.5,0.4", "a,0,0.5,0.5", ",0,0.5,0.5", "e,0,nan,0.5",
        "f,healthy,0.5,0.5", "g,0,0.5",
    ]  # fmt: skip
    error = refused("image_id,y_true,p_Normal,p_Pneumonia\n" + "\n".join(rows))
    text = str(error)
    assert error.n_problems == 8
    for words in ("row 3: '2' is no class", "row 4: '1.5' is no probability of Normal", "row 5: the probabilities sum "
                  "to 0.9000", "row 6: a stands in row 2 already", "row 7: '' is no image id", "row 8: 'nan'",
                  "row 9: 'healthy' is no class", "row 10: 3 cells, expected 4"):  # fmt: skip
        assert words in text, words
    many = refused("image_id,y_true,p_Normal,p_Pneumonia\n" + "\n".join(f"i{n},0,2,0" for n in range(25)))
    assert (len(many.problems), many.n_problems) == (10, 25)
    assert str(many).endswith("and 15 more")


def test_unknown_and_missing_images_and_another_truth_are_faults():
    text = "image_id,y_true,p_Normal,p_Pneumonia\na,1,0.5,0.5\nx,0,0.5,0.5\n"
    said = str(refused(text, known=known([0, 1, 1], ["a", "b", "c"])))
    assert "row 2: the truth of a is Pneumonia here and Normal in a-run" in said
    assert "row 3: x is not among the 3 test images of a-run" in said
    assert "2 test images of a-run have no row: b, c" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "neither a header nor numbers; expected image_id,y_true,p_Normal,p_Pneumonia"),
        ("name,score\na,1\n", "neither a header nor numbers"),
        ("image_id,y_true,p_Normal,p_Flu\na,0,1,0\n", "p_Flu is no class of this task"),
        ("image_id,y_true,p_Normal\na,0,1\n", "the column p_Pneumonia is missing"),
        ("image_id,p_Normal,p_Pneumonia\na,1,0\n", "the column y_true is missing"),
        ("image_id,y_true,y_true,p_Normal,p_Pneumonia\n", "y_true stands twice"),
        ("image_id,y_true,p_Normal,p_Pneumonia\n", "no row is of the test part"),
        ('image_id,y_true,p_Normal,p_Pneumonia\n"a,0,1,0\n', "no CSV"),
        ("0,0.5,0.5\n", "scores without truth"),
    ],
)
def test_a_file_that_leaves_open_what_it_means_is_refused(text, words):
    assert words in str(refused(text))


def test_what_is_no_text_or_too_large_is_refused(monkeypatch):
    from core import limits

    with pytest.raises(ScoresRefused, match="no text in UTF-8"):
        read_scores(b"image_id,\xff\n", PNEUMONIA, "f")
    monkeypatch.setattr(limits, "MAX_IMPORT_ROWS", 2)
    assert "more than 2 rows" in str(refused(GOOD))
    monkeypatch.setattr(limits, "MAX_IMPORT_BYTES", 10)
    assert "accepted are up to 0 MB" in str(refused(GOOD))


def test_medmnists_evaluator_form_takes_the_order_of_its_labels_not_of_our_classes():
    # BreastMNIST: label 0 is malignant and the positive class here, which stands last in our order
    found, scheme = scheme_of("breastmnist")
    assert found.labels[0].startswith("malignant")
    assert scheme.class_names[1].startswith("malignant")
    truth = known([1, 0])  # in our order: a malignant one, then a benign one
    two = read_scores(b"1,0.3,0.7\n0,0.9,0.1\n", scheme, "f", medmnist=found, known=truth).parts["test"]
    assert two.image_ids.tolist() == ["test-1", "test-0"]
    assert two.y_prob.tolist() == [[0.7, 0.3], [0.1, 0.9]]
    assert two.y_true.tolist() == [0, 1]
    # a single column is the score of label 1, as the evaluator's AUC takes it
    one = read_scores(b"0,0.25\n1,0.75\n", scheme, "f", medmnist=found, known=truth).parts["test"]
    assert one.y_prob.tolist() == [[0.25, 0.75], [0.75, 0.25]]
    assert "4 scores in a row, expected 2" in str(refused("0,0.1,0.2,0.3,0.4\n", scheme, medmnist=found, known=truth))
    assert "row 2: '-1' is no image id" in str(
        refused("0,0.5,0.5\n-1,0.5,0.5\n", scheme, medmnist=found, known=known([1]))
    )


def test_medmnists_old_form_brings_its_own_truth_in_the_order_of_its_labels():
    found, scheme = scheme_of("breastmnist")
    text = "id,true_0,score_0,score_1\n0,0,0.9,0.1\n1,1,0.2,0.8\n"
    part = read_scores(text.encode("utf-8-sig"), scheme, "f", medmnist=found).parts["test"]
    assert part.y_true.tolist() == [1, 0]  # its label 0, malignant, is our class 1
    assert part.y_prob.tolist() == [[0.1, 0.9], [0.8, 0.2]]
    assert "name the data set medmnist" in str(refused(text, scheme))


def test_several_labels_per_image_are_read_by_column_and_need_no_sum_of_one():
    names = FINDINGS.class_names
    header = ",".join(["image_id", *(f"y_{n}" for n in names), *(f"p_{n}" for n in names)])
    row = ",".join(["a", *("1" if n in names[:2] else "0" for n in names), *(["0.5"] * len(names))])
    part = read_scores(f"{header}\n{row}\n".encode(), FINDINGS, "f").parts["test"]
    assert part.y_true[0].tolist() == [1, 1] + [0] * (len(names) - 2)
    assert "says neither 0 nor 1" in str(refused(f"{header}\n{row.replace('a,1', 'a,2')}\n", FINDINGS))
    # ChestMNIST has the same findings in another order
    found = medmnist_set("chestmnist")
    scores = [round(0.01 * (i + 1), 2) for i in range(14)]
    line = ",".join(map(str, [0, *scores]))
    truth = known([[0] * 14])
    mnist = read_scores(line.encode(), FINDINGS, "f", medmnist=found, known=truth).parts["test"]
    expected = [scores[[FINDINGS.mapping[label] for label in found.labels].index(name)] for name in names]
    assert mnist.y_prob[0].tolist() == expected
