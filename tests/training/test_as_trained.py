"""A trained network asked otherwise: from more sides, or at other shares of the classes. Nothing is learnt."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import MedLensError, SpecInvalid
from core.store.models import load_card
from core.store.runs import load_predictions
from core.types import PreprocessSpec

pytestmark = pytest.mark.keras


def asked(network, **changes):
    """The run of `network` asked again."""
    settings = {"strategy": "as_trained", "weights": f"run:{network.run_id}"}
    return replace(network.spec, **(settings | changes))


def test_as_it_is_it_gives_the_scores_of_its_own_run_and_learns_nothing(study):
    from core.training.runner import run

    _, network = study
    again = run(asked(network))
    assert (again.params_trained, again.params_total) == (0, network.params_total)
    assert again.model_bytes < 1.2 * network.model_bytes  # the same network, counted once
    for split in ("validation", "test"):
        ours, theirs = load_predictions(again.run_id, split), load_predictions(network.run_id, split)
        assert ours.image_ids.tolist() == theirs.image_ids.tolist()
        np.testing.assert_allclose(ours.y_prob, theirs.y_prob, atol=1e-6)


def test_equal_shares_divide_by_the_shares_that_it_was_trained_with_and_two_steps_are_one(study):
    from core.training.runner import run

    _, network = study
    equal = run(asked(network, stated_shares="equal"))
    counts = next(c for c in network.counts if c.split == "train")
    shares = np.array([counts.images_per_class[name] for name in network.class_names]) / counts.n_images
    theirs = load_predictions(network.run_id, "test").y_prob / shares
    expected = theirs / theirs.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(load_predictions(equal.run_id, "test").y_prob, expected, atol=1e-5)
    # from equal shares back to those of the training part
    back = run(asked(equal, stated_shares="true"))
    np.testing.assert_allclose(
        load_predictions(back.run_id, "test").y_prob, load_predictions(network.run_id, "test").y_prob, atol=1e-5
    )


def test_thinned_data_bring_their_own_shares(study):
    """Fewer negatives: the odds of the others rise by the change of the shares, and by nothing else."""
    from core.training.runner import run

    _, network = study
    options = {**network.spec.dataset_options, "keep": "negative=0.5"}
    thin = run(asked(network, dataset_options=options, split_whole=True))

    def odds_of_training(record):
        counts = next(c for c in record.counts if c.split == "train").images_per_class
        return counts[network.class_names[1]] / counts[network.class_names[0]]

    ours, theirs = load_predictions(thin.run_id, "test"), load_predictions(network.run_id, "test")
    at = {image: row for row, image in enumerate(theirs.image_ids)}
    whole = theirs.y_prob[[at[image] for image in ours.image_ids]]
    ratio = (ours.y_prob[:, 1] / ours.y_prob[:, 0]) / (whole[:, 1] / whole[:, 0])
    np.testing.assert_allclose(ratio, odds_of_training(thin) / odds_of_training(network), rtol=1e-4)
    assert odds_of_training(thin) > 1.1 * odds_of_training(network)


def test_more_views_are_the_mean_of_the_logits_in_the_run_the_model_and_its_card(study):
    from core.data.sources import read_image
    from core.evaluation.calibration import apply_temperature
    from core.nn.serving import Predictor
    from core.training.exporting import export_run
    from core.training.prepared import prepare_data
    from core.training.runner import run

    _, network = study
    record = run(asked(network, views="mirrored"))
    export_run(network.run_id, "one-side")
    export_run(record.run_id, "two-sides")
    assert (load_card("one-side").views, load_card("two-sides").views) == ("one", "mirrored")
    one, two = Predictor.load("one-side"), Predictor.load("two-sides")
    paths, _, _ = prepare_data(record.spec, None).part("test")
    stored = load_predictions(record.run_id, "test")
    for row, path in enumerate(paths[:6]):
        picture = read_image(path)
        answer = two.predict(picture)
        seen = [one.run(side[None]) for side in (answer.prepared, np.ascontiguousarray(answer.prepared[:, ::-1]))]
        logits = (seen[0].logits + seen[1].logits) / 2
        odds = np.exp(logits[0, 1] - logits[0, 0])
        assert stored.y_prob[row, 1] == pytest.approx(odds / (1 + odds), abs=1e-5)
        calm = apply_temperature(stored, two.card.temperature).y_prob[row]
        np.testing.assert_allclose(answer.probabilities, calm, atol=1e-5)
        by_library = two.predict(picture, method="gradcam_reference").heatmaps  # over the same two sides
        assert [m.is_empty for m in by_library] == [m.is_empty for m in answer.heatmaps]
        for fast, slow in zip(answer.heatmaps, by_library, strict=True):
            np.testing.assert_allclose(fast.values, slow.values, atol=1e-4)
    np.testing.assert_array_equal(two.features(answer.prepared[None]), one.features(answer.prepared[None]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights": "imagenet"}, "takes the network of a stored run"),
        ({"preprocess": PreprocessSpec(size_px=48)}, "preprocess is .*48.* and the network of .* has .*32"),
        ({"head": "mlp"}, "head is 'mlp', and the network of .* has 'linear'"),
        ({"weights": "run:nothing-here"}, "nothing-here"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_in_words(study, changes, words):
    from core.training.runner import run

    _, network = study
    with pytest.raises(MedLensError, match=words):
        run(asked(network, **changes))


def test_it_meets_no_test_image_that_its_network_has_seen(study):
    from core.training.runner import run

    _, network = study
    with pytest.raises(SpecInvalid, match="has learnt or been tuned on"):
        run(asked(network, split_seed=1))
