"""The single measurements: what counts as a crossed answer, a lost row, grown memory or other work."""

import json
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module", autouse=True)
def bench():
    """The modules of this folder, which is no package: found by path, and the path taken back afterwards."""
    before = list(sys.path)
    sys.path.insert(0, str(HERE))
    yield
    sys.path[:] = before


def test_copies_of_a_shipped_model_are_models_of_their_own(tmp_path):
    from generated import SMALL
    from processes import copy_models

    from core.store.models import list_models, verify_model

    names = copy_models(tmp_path, SMALL, 2)
    assert names == [SMALL, f"{SMALL}-2"]
    assert [card.name for card in list_models(tmp_path).cards] == names
    assert verify_model(names[1], tmp_path).name == names[1]


def test_a_form_is_what_the_api_takes_apart():
    from client import FORM, form

    from core.serve.forms import parse_form

    content = bytes(range(256))
    found = parse_form(FORM["Content-Type"], form(content, "a.jpg", model="m", explain="maps"), ("file",))
    assert [(upload.name, upload.content) for upload in found.files] == [("a.jpg", content)]
    assert dict(found.fields) == {"model": "m", "explain": "maps"}


def answer(name, positive, cell=0.5):
    maps = {"Clear": {"values": [[0.0, 1.0]]}, "Nodule": {"values": [[cell, 1.0]]}}
    found = {"file": name, "probabilities": {"Clear": 1 - positive, "Nodule": positive}, "maps": maps}
    return json.dumps({"predictions": [found]}).encode()


def load_of(seconds, processor_seconds, *answers):
    from loading import Load

    return Load(seconds, processor_seconds, (seconds,) * len(answers), answers)


def test_an_answer_is_crossed_when_it_names_or_describes_another_picture():
    import crowding
    from loading import numbers

    alone = dict(numbers(answer(*given)) for given in (("a", 0.2), ("b", 0.8)))
    assert alone["a"] == pytest.approx((0.8, 0.2, 0.0, 1.0, 0.5, 1.0))
    crowding.check_apart(alone)
    rounding = load_of(1, 1, ("a", answer("a", 0.2004)), ("b", answer("b", 0.8)))
    assert crowding.crossed(rounding, alone) == 0
    assert crowding.crossed(load_of(1, 1, ("a", answer("b", 0.8))), alone) == 1
    assert crowding.crossed(load_of(1, 1, ("a", answer("a", 0.8))), alone) == 1
    assert crowding.crossed(load_of(1, 1, ("a", answer("a", 0.2, cell=0.6))), alone) == 1


def test_pictures_that_are_answered_alike_prove_nothing():
    import crowding
    from settings import MeasurementFailed

    with pytest.raises(MeasurementFailed, match="a and b are answered alike"):
        crowding.check_apart({"a": (0.2, 0.8), "b": (0.205, 0.795)})


def test_a_crowd_is_measured_by_the_clients_that_the_machine_could_carry():
    import crowding

    ten, nine = [("a", b"")] * 10, [("a", b"")] * 9
    # one client: 10 answers a second with 1 of 2 cores; two of it fit, so 18 a second are 90 %
    assert crowding.shares([load_of(1, 1, *ten)], [load_of(0.5, 1, *nine)], 2) == pytest.approx([0.9])
    # it already keeps both cores busy: as many a second as before are all that fit
    assert crowding.shares([load_of(1, 2.2, *ten)], [load_of(1, 2, *nine)], 2) == pytest.approx([0.9])


def test_memory_grows_from_a_settled_median_and_never_backwards():
    import bulk
    import holding
    from settings import MeasurementFailed

    # bytes written, MB: what is loaded at the start is no growth
    seen = [(0, 50.0), (10, 90.0), (30, 100.0), (40, 100.0), (60, 500.0), (80, 104.0), (100, 106.0)]
    assert bulk.memory_growth(seen) == (100.0, 106.0, pytest.approx(5.0))
    assert bulk.memory_growth([(30, 100.0), (100, 80.0)]) == (100.0, 80.0, 0.0)
    for nothing in ([], [(0, 50.0)], [(100, 50.0)]):
        with pytest.raises(MeasurementFailed, match="watched"):
            bulk.memory_growth(nothing)
    assert holding.growth(200.0, 206.0) == pytest.approx(3.0)
    assert holding.growth(200.0, 150.0) == 0.0


def test_lost_doubled_and_foreign_rows_are_each_counted(tmp_path):
    import bulk

    file = tmp_path / "scores.csv"
    file.write_text("image_id,Normal\na,0.1\nb,0.2\nb,0.2\nx,0.3\n", encoding="utf-8")
    assert bulk.lost_or_doubled(file, ["a", "b"]) == 2  # b twice, and x
    assert bulk.lost_or_doubled(file, ["a", "b", "c", "x"]) == 2  # b twice, and no c


def test_the_images_to_score_are_files_of_their_own_names(tmp_path, monkeypatch):
    import bulk

    from core.data.walk import FolderImages

    monkeypatch.setattr(bulk, "DRAWN", 2)
    names = bulk.write_folder(tmp_path, 5)
    assert names == ["0000/0000.jpeg", "0000/0001.jpeg", "0001/0000.jpeg", "0001/0001.jpeg", "0002/0000.jpeg"]
    assert FolderImages(tmp_path).names() == names


def test_other_features_than_the_bare_loops_are_no_speed():
    import extraction
    import numpy as np

    bare = np.array([[0.0, 100.0], [1.0, 2.0]])
    extraction.check_same({"bare": bare, "library": bare + 0.009})
    for other in (bare + 0.011, bare[:1], bare * np.nan):
        with pytest.raises(ValueError, match="not the same work"):
            extraction.check_same({"bare": bare, "library": other})


def test_the_goals_are_those_that_were_set():
    import answering
    import crowding
    import extraction
    import holding
    import prediction
    import waking

    limits = [(case.architecture, case.goal.sense, case.goal.limit) for case in extraction.CASES]
    assert limits == [
        ("mobilenet_v2", "at least", 3.0), ("xception", "at least", 1.35), ("resnet50", "at least", 1.3),
        ("vgg16", "at least", 1.05),
    ]  # fmt: skip
    most = [prediction.MAPS_GOAL, answering.GOAL, waking.FIRST_GOAL, holding.MEMORY_GOAL, crowding.SLOWEST_GOAL]
    assert [(goal.sense, goal.limit) for goal in most] == [
        ("at most", limit) for limit in (0.6, 1.0, 1.5, 500, 16)
    ]  # fmt: skip
    assert (crowding.RATE_GOAL.sense, crowding.RATE_GOAL.limit) == ("at least", 0.9)
