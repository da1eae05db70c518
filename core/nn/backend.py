"""The one door to Keras: sets what must be set before its import, then imports it quietly.

Other files of `core/nn` write `from core.nn.backend import keras`.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Hold back what native code writes to standard error; show it when the block fails.

    TensorFlow logs two lines about CPU instructions at import, before any of its log settings count.
    """
    try:
        saved = os.dup(2)
    except OSError:  # no standard error at all, as under some service managers
        yield
        return
    with tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


with _quiet_stderr():
    import keras

__all__ = ["backend_name", "keras", "versions"]


def backend_name() -> str:
    """The numerical backend in use: "tensorflow", "jax" or "torch"."""
    return str(keras.backend.backend())


def versions() -> dict[str, str]:
    """Versions that enter a run's environment record."""
    return {"keras": str(keras.__version__), "backend": backend_name()}
