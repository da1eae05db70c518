"""Training in steps: batches and pace are functions of seed and epoch, and a state taken up again changes nothing."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from core.errors import SpecInvalid, TrainingFailed
from core.registry.architectures import ARCHITECTURES
from core.registry.heads import HEADS

pytestmark = pytest.mark.keras

X = np.random.default_rng(0).normal(size=(50, 6)).astype("float32")
Y = (X[:, 0] + 0.3 * X[:, 1] > 0).astype(int)


@pytest.fixture
def settings():
    from core.nn.fit import FitSettings

    return FitSettings(
        epochs=4, batch_size=16, learning_rate=0.01, seed=3, task="binary", class_weight={0: 1.0, 1: 2.0}
    )


def head(key="castro_perez_dense"):
    """With dropout, or without anything: every layer costs time of tracing."""
    from core.nn.heads import build_head

    spec = HEADS[key]
    if key == "castro_perez_dense":
        spec = replace(spec, settings={"units": (4,), "dropout": 0.3})
    return build_head(spec, 6, 2, "binary", seed=3)


@pytest.mark.parametrize("losses", [
    [1.0, 0.9, 0.8, 0.79995, 0.7999, 0.81, 0.82, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6],
    [0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7],
    [1.0, 2.0, 0.5, 2.0, 0.4, 2.0, 0.3],
])  # fmt: skip
def test_the_pace_is_that_of_keras_own_callbacks(losses):
    """Rate after each epoch, best epoch and end, against EarlyStopping and ReduceLROnPlateau of Keras."""
    from core.nn.backend import keras
    from core.nn.fit_pace import Pace

    model = SimpleNamespace(
        optimizer=SimpleNamespace(learning_rate=np.float32(0.001)), stop_training=False, get_weights=list
    )
    stopping = keras.callbacks.EarlyStopping(patience=6, restore_best_weights=True, mode="min")
    falling = keras.callbacks.ReduceLROnPlateau(patience=2, factor=0.5, min_lr=1e-6, mode="min")
    for callback in (stopping, falling):
        callback.set_model(model)
        callback.on_train_begin()
    pace = Pace(0.001)
    for epoch, loss in enumerate(losses):
        falling.on_epoch_end(epoch, {"val_loss": loss})
        stopping.on_epoch_end(epoch, {"val_loss": loss})
        pace.after(loss, patience=6, falls=True, epochs=1000)
        assert pace.rate == pytest.approx(float(model.optimizer.learning_rate), rel=1e-6)
        assert pace.best_epoch == stopping.best_epoch + 1
        assert bool(pace.ended) == model.stop_training
        if pace.ended:
            return
    assert not model.stop_training


def test_the_order_of_the_images_is_a_function_of_seed_and_epoch():
    from core.nn.fit_data import Batches

    def epoch_of(number, seed=1):
        batches = Batches(X, np.eye(2, dtype="float32")[Y], batch_size=16, seed=seed)
        batches.epoch = number
        return np.concatenate([batches[i][0] for i in range(batches.num_batches)])

    np.testing.assert_array_equal(epoch_of(3), epoch_of(3))
    assert not np.array_equal(epoch_of(3), epoch_of(2))
    assert not np.array_equal(epoch_of(3), epoch_of(3, seed=2))
    np.testing.assert_array_equal(np.sort(epoch_of(3), axis=0), np.sort(X, axis=0))


def test_mixup_mixes_images_labels_and_weights_by_the_same_share():
    from core.nn.fit_data import Batches

    # the picture is its own label, so that what was mixed can be read from it: class 1 is white
    pictures = (255 * Y[:, None, None, None] * np.ones((1, 2, 2, 3))).astype("uint8")
    batches = Batches(
        pictures, np.eye(2, dtype="float32")[Y], batch_size=16, seed=1, mixup=0.4, class_weight={0: 1.0, 1: 3.0}
    )
    x, y, weights = batches[0]
    assert x.dtype == np.float32
    np.testing.assert_allclose(y.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(x[:, 0, 0, 0] / 255, y[:, 1], atol=1e-6)
    np.testing.assert_allclose(weights, y[:, 0] + 3 * y[:, 1], atol=1e-6)
    assert ((y[:, 1] > 0.05) & (y[:, 1] < 0.95)).any()
    np.testing.assert_array_equal(batches[0][0], x)
    assert len(batches[3][0]) == 50 - 3 * 16


@pytest.mark.parametrize("changes", [
    {"patience": 3},
    {"optimizer": "adamw", "weight_decay": 0.05, "schedule": "cosine", "mixup": 0.3, "label_smoothing": 0.1},
], ids=["today's", "everything"])  # fmt: skip
def test_a_training_taken_up_after_any_epoch_ends_with_the_same_weights(settings, changes):
    from core.nn.fit import fit
    from core.nn.fit_state import FitState

    states, rows = [], []
    settings = replace(settings, **changes)
    whole = head()
    outcome = fit(whole, X, Y, X[:20], Y[:20], replace(settings, on_state=states.append, on_epoch=rows.append))
    assert len(states) == len(rows) == outcome.epochs == 4
    state, again, model = FitState.from_bytes(states[1]), [], head()
    assert state.fits(model)
    model.set_weights([0 * w for w in model.get_weights()])
    resumed = fit(model, X, Y, X[:20], Y[:20], replace(settings, state=state, on_epoch=again.append))
    assert resumed == outcome
    for row, expected in zip(again, rows[2:], strict=True):
        assert {**row, "seconds": 0} == {**expected, "seconds": 0}
    for one, other in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_loss_that_is_no_number_ends_it_with_the_best_weights_before(settings):
    from core.nn.fit import fit, predict_array

    model, rows = head("linear"), []

    def poison(row):
        rows.append(row)
        if len(rows) == 2:
            model.set_weights([np.nan * w for w in model.get_weights()])

    outcome = fit(model, X, Y, X[:20], Y[:20], replace(settings, on_epoch=poison))
    assert len(rows) == outcome.epochs == 2
    assert "no longer a finite number (epoch 3, batch 1)" in outcome.ended
    assert outcome.ended.endswith(f"the weights are those of epoch {outcome.best_epoch}")
    assert np.isfinite(predict_array(model, X)).all()


def test_where_nothing_good_was_learnt_a_loss_that_is_no_number_fails(settings):
    from core.nn.fit import fit

    with pytest.raises(TrainingFailed, match="Lower learning_rates"):
        fit(head("linear"), np.nan * X, Y, X[:20], Y[:20], settings)


@pytest.mark.parametrize(
    ("name", "kind"), [("adam", "Adam"), ("adamw", "AdamW"), ("sgd", "SGD"), ("rmsprop", "RMSprop")]
)
def test_optimisers_come_by_name_with_clipping_and_decay(settings, name, kind):
    from core.nn.fit import _optimizer

    made = _optimizer(replace(settings, optimizer=name, weight_decay=0.0 if name == "adam" else 0.1), 10)
    assert (type(made).__name__, made.clipnorm) == (kind, 1.0)
    assert made.weight_decay == (None if name == "adam" else 0.1)
    assert _optimizer(replace(settings, gradient_clip=0.0), 10).clipnorm is None


def test_a_cosine_falls_to_nothing_at_the_end_of_the_last_epoch(settings):
    from core.nn.fit import _optimizer

    rate = _optimizer(replace(settings, schedule="cosine"), 10)._learning_rate
    assert [float(rate(step)) for step in (0, 20, 40)] == pytest.approx([0.01, 0.005, 0.0], abs=1e-9)


def test_of_the_base_the_last_layers_learn_and_no_normalisation():
    from core.nn.backbones import build_backbone
    from core.nn.heads import build_network
    from core.nn.weights import freeze_for_fine_tuning

    def learning(last):
        backbone = build_backbone(ARCHITECTURES["compact_cnn"], input_px=32, seed=1)
        model = build_network(backbone, HEADS["mlp"], 2, "binary", scaler=True)
        freeze_for_fine_tuning(model, last)
        return [layer.name for layer in model.layers if layer.trainable_weights]

    dense = ["head_dense1", "head_dense2", "logits"]
    assert learning(2) == ["block3_conv2", "block4_conv1", *dense]
    assert learning(0) == ["block1_conv1", "block2_conv1", "block3_conv1", "block3_conv2", "block4_conv1", *dense]
    with pytest.raises(SpecInvalid, match="has 5 layers"):
        learning(6)
