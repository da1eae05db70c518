"""The MedMNIST catalogue: twelve sets, whose facts agree with each other."""

import pytest

from core.errors import UnknownKey
from core.registry.labels import AS_IS, LABEL_SCHEMES
from core.registry.medmnist import MEDMNIST, set_of_file


def test_there_are_twelve_two_dimensional_sets():
    assert len(MEDMNIST) == 12


@pytest.mark.parametrize("entry", MEDMNIST.values(), ids=lambda e: e.key)
def test_facts_of_a_set_agree(entry):
    assert len(set(entry.labels)) == len(entry.labels)
    assert not any("|" in label for label in entry.labels)  # the sign that joins several labels
    assert min(entry.images) > 0
    assert (entry.task == "binary") == (len(entry.labels) == 2) == (entry.positive is not None)
    if entry.task == "binary":
        assert entry.class_names[1] == entry.positive
    for key in entry.label_schemes:
        assert key == AS_IS or set(entry.class_names) <= set(LABEL_SCHEMES[key].mapping)


@pytest.mark.parametrize(
    ("stem", "expected"), [("breastmnist", ("breastmnist", 28)), ("chestmnist_224", ("chestmnist", 224))]
)
def test_the_file_name_tells_set_and_size(stem, expected):
    assert set_of_file(stem) == expected


@pytest.mark.parametrize("stem", ["catmnist", "breastmnist_99", "breastmnist_", "organmnist3d"])
def test_other_names_are_unknown(stem):
    with pytest.raises(UnknownKey):
        set_of_file(stem)
