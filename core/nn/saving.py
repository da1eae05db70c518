"""Keras models to bytes and back, so that the store can write them like any other file."""

import tempfile
from pathlib import Path

from core.errors import ModelDamaged
from core.language import said
from core.nn.backend import keras


def model_bytes(model: keras.Model) -> bytes:
    """The model as the content of a `.keras` file, without optimiser state."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        bare = keras.Model(model.input, model.output, name=model.name)  # not compiled: no optimiser state is saved
        bare.save(file)
        return file.read_bytes()


def model_from_bytes(content: bytes) -> keras.Model:
    """The model back, not compiled. Raises ModelDamaged when the bytes are no `.keras` file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        file.write_bytes(content)
        return load(file)


def load(file: Path) -> keras.Model:
    """A `.keras` file of this project, not compiled, with Keras' safe mode on."""
    try:
        return keras.models.load_model(file, compile=False, safe_mode=True)
    except (ValueError, OSError, TypeError, KeyError) as error:
        raise ModelDamaged(
            said(
                "{name} cannot be read as a Keras model: {reason}",
                name=file.name,
                reason=str(error).splitlines()[0][:200],
            )
        ) from error
