"""Which score belongs to which labelled image: by path, then by a file name that is unique, never by guessing."""

from dataclasses import replace

import pandas as pd
import pytest

from core.errors import DatasetInvalid, SpecInvalid
from core.store.models import load_card
from core.store.score_writer import ScoreWriter
from core.store.scores import RefusedFile, ScoreMeta
from core.training.stored_scores import stored_scores

CARD = load_card("phantom-nodule")


@pytest.fixture
def scores(tmp_path):
    """scores(names, refused=(), source="/in"): a finished file in which the second class of image i has i / 10."""

    def make(names, refused=(), source="/in"):
        meta = ScoreMeta(
            model=CARD.name, run_id=CARD.run_id, model_sha256=CARD.sha256, engine="ONNX Runtime", task=CARD.task,
            class_names=CARD.class_names, positive_class=CARD.positive_class, preprocess=CARD.preprocess,
            temperature=CARD.temperature, threshold=CARD.threshold, source=source, source_digest="", listing="sorted",
            limit=None, n_files=0, created_utc="2026-01-01T00:00:00+00:00",
        )  # fmt: skip
        path = tmp_path / "s.csv"
        with ScoreWriter.open(path, meta, lambda: [*names, *refused], batch_size=99) as writer:
            rows = [(name, [1 - i / 10, i / 10], CARD.class_names[0], 20, 20) for i, name in enumerate(names)]
            writer.append(rows, [RefusedFile(name, f"{name}: plain text.") for name in refused])
            writer.finish()
        return path

    return make


def rows(*paths, ids=None):
    return pd.DataFrame({"image_id": ids or [f"id{i}" for i in range(len(paths))], "path": list(paths)})


def positive(found):
    return [round(10 * p) for p in found[1][:, 1]]


def test_paths_below_the_root_come_first(scores):
    file = scores(["test/a.png", "train/a.png", "train/b.png"])
    found = stored_scores(file, CARD, rows("/data/train/b.png", "/data/train/a.png", "/data/test/a.png"), "/data")
    assert positive(found) == [2, 1, 0]
    assert found[0].tolist() == [0, 1, 2]


def test_paths_below_the_scored_folder_come_next(scores):
    file = scores(["x/a.png", "y/a.png"], source="/data/test")
    assert positive(stored_scores(file, CARD, rows("/data/test/y/a.png", "/data/test/x/a.png"), "/data")) == [1, 0]


def test_a_file_name_without_ending_serves_where_it_is_unique(scores):
    file = scores(["copy/ISIC_1.jpeg", "copy/ISIC_2.jpeg"])
    assert positive(stored_scores(file, CARD, rows("/data/p1/ISIC_2.jpg", "/data/p2/ISIC_1.jpg"), "/data")) == [1, 0]


def test_two_files_of_one_name_are_not_guessed_between(scores):
    file = scores(["u/a.png", "v/a.png"])
    with pytest.raises(DatasetInvalid, match=r"1 of 1 images have no score in s\.csv: id0\."):
        stored_scores(file, CARD, rows("/data/a.png"), "/data")


def test_two_rows_never_share_a_score(scores):
    file = scores(["a.png"])
    with pytest.raises(DatasetInvalid, match=r"a\.png would be the score of 2 rows"):
        stored_scores(file, CARD, rows("/data/x/a.png", "/data/y/a.png"), "/data")


def test_a_folder_whose_name_begins_alike_is_another_one(scores):
    file = scores(["2/a.png"])
    with pytest.raises(DatasetInvalid, match="no score"):
        stored_scores(file, CARD, rows("/data2/b.png"), "/data")


def test_images_without_a_file_are_found_by_their_id(scores):
    file = scores(["p-7.png", "p-8.png"])
    frame = rows("phantom://1/8/0", "mnist.npz#test/3", ids=["p-8", "p-7"])
    assert positive(stored_scores(file, CARD, frame, None)) == [1, 0]


def test_missing_images_are_counted_and_the_first_ones_named(scores):
    file = scores(["a.png"])
    frame = rows(*(f"/data/{i}.png" for i in range(9)))
    with pytest.raises(DatasetInvalid, match=r"9 of 9 images have no score in s\.csv: id0, id1, id2, id3, id4, …\."):
        stored_scores(file, CARD, frame, "/data")


def test_images_that_were_refused_are_left_out_only_when_asked(scores):
    file = scores(["a.png", "b.png"], refused=["notes.png"])
    frame = rows("/data/a.png", "/data/notes.png", "/data/b.png")
    with pytest.raises(DatasetInvalid, match=r"1 of them were refused .*--skip-bad leaves those out"):
        stored_scores(file, CARD, frame, "/data")
    found = stored_scores(file, CARD, frame, "/data", skip_bad=True)
    assert found[0].tolist() == [0, 2]
    assert positive(found) == [0, 1]
    assert found[2] == ("id1: notes.png: plain text.",)


@pytest.mark.parametrize("change", [{"sha256": "ab" * 32}, {"class_names": ("Nodule", "No nodule")}])
def test_the_scores_of_another_network_are_refused(change, scores):
    file = scores(["a.png"])
    with pytest.raises(SpecInvalid, match="was made by phantom-nodule"):
        stored_scores(file, replace(CARD, **change), rows("/data/a.png"), "/data")
