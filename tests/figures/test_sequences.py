"""What a run's record says of histories, in words."""

from core.figures.sequences import history_words, settings_words
from core.types import RunRecord, RunSpec

RUN = RunRecord(
    schema_version=1, run_id="r", status="done", created_utc="now",
    spec=RunSpec(dataset="nih-chest-xray", label_scheme="nih_any", architecture="mobilenet_v2", head="gru"),
    chosen_settings={
        "best_epoch": 4, "history_order": "visit", "images_with_history": {"train": 1530, "validation": 50, "test": 51},
        "history_length_auc": {"Finding": 0.454, "No finding": 0.546, "Other": None},
        "auc_with_history_test": {"value": 0.961, "low": 0.882, "high": 1.0, "n_images": 51, "n_groups": 27},
        "auc_without_history_test": {"value": None, "low": None, "high": None, "n_images": 109, "n_groups": 109},
    },
)  # fmt: skip


def test_histories_are_told_with_their_order_their_number_and_the_doubt():
    assert history_words(RUN) == (
        "Images with an earlier one: 1,530 in train, 50 in validation and 51 in test. Ordered by visit. "
        "Test AUC with an earlier image 0.96 (0.88–1.00), 51 images of 27 groups, without not defined (109 images of "
        "109 groups). AUC of the mere number of earlier images: Finding 0.45 and No finding 0.55."
    )


def test_other_settings_are_told_apart_from_them_and_other_runs_have_no_histories():
    assert settings_words(RUN) == "best_epoch = 4"
    plain = RunRecord(schema_version=1, run_id="r", status="done", created_utc="now", spec=RUN.spec)
    assert (history_words(plain), settings_words(plain)) == ("", "none")
