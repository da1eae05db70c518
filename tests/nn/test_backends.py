"""Training speaks Keras' backend-neutral language: what JAX or torch has trained, TensorFlow runs."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.keras
ROOT = Path(__file__).resolve().parents[2]

CODE = """
import json, sys
from pathlib import Path
import numpy as np
from core.nn.augment import with_augmentation
from core.nn.backbones import build_backbone
from core.nn.backend import backend_name
from core.nn.fit import FitSettings, fit, predict_array
from core.nn.fit_state import FitState
from core.nn.heads import build_network
from core.nn.saving import model_bytes
from core.registry.architectures import architecture_spec
from core.registry.heads import head_spec
from core.types import AugmentationSpec

folder, rng = Path(sys.argv[1]), np.random.default_rng(0)
x, y = rng.integers(0, 256, (24, 32, 32, 3)).astype("uint8"), np.arange(24) % 2
changes = AugmentationSpec(flip_horizontal=True, rotation=0.02, zoom=0.1, darker=0.1, contrast=0.1, blur=0.5)

def train(**more):
    backbone = build_backbone(architecture_spec("compact_cnn"), input_px=32, seed=0)
    model = build_network(backbone, head_spec("linear"), 2, "binary", scaler=False)
    settings = FitSettings(epochs=2, batch_size=8, learning_rate=1e-3, seed=0, task="binary", optimizer="adamw",
                           weight_decay=0.01, schedule="cosine", mixup=0.2, class_weight={0: 1.0, 1: 2.0}, **more)
    fit(with_augmentation(model, changes, 1), x, y, x[:8], y[:8], settings)
    return model

states = []
model = train(on_state=states.append)
resumed = train(state=FitState.from_bytes(states[0]))
(folder / "model.keras").write_bytes(model_bytes(model))
np.save(folder / "scores.npy", predict_array(model, x))
difference = float(np.abs(predict_array(resumed, x) - predict_array(model, x)).max())
print(json.dumps({"backend": backend_name(), "difference": difference}))
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_network_trained_on_another_backend_predicts_the_same_under_tensorflow(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed; it is no requirement (checked by issue 4, 2026-11-21)")
    settings = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)], capture_output=True, text=True, timeout=300, env=settings
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["backend"] == backend
    assert told["difference"] <= 1e-6, "a training taken up again ends elsewhere"

    from core.nn.fit import predict_array
    from core.nn.saving import load

    x = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3)).astype("uint8")
    np.testing.assert_allclose(
        predict_array(load(tmp_path / "model.keras"), x), np.load(tmp_path / "scores.npy"), atol=1e-4
    )
