"""The one door to Keras: sets what must be set before its import, then imports it.

Other files of `core/nn` write `from core.nn.backend import keras`. TensorFlow's chatter on standard
error is switched off unless the user has asked for it.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # informational lines about CPU instructions help nobody here
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras

__all__ = ["backend_name", "keras", "versions"]


def backend_name() -> str:
    """The numerical backend in use: "tensorflow", "jax" or "torch"."""
    return str(keras.backend.backend())


def versions() -> dict[str, str]:
    """Versions that enter a run's environment record."""
    return {"keras": str(keras.__version__), "backend": backend_name()}
