"""A training between two epochs as bytes, and back: weights, random states, optimiser, pace, best weights so far.

With it the next epoch is the one that an unbroken training would have had.
"""

import dataclasses
import io
import json
import zipfile
from collections.abc import Sequence

import numpy as np

from core.nn.backend import keras
from core.nn.fit_pace import Pace


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class FitState:
    """`variables` are all of the network (random states included), `best` its weights in the best epoch."""

    pace: Pace
    variables: list[np.ndarray]
    optimizer: list[np.ndarray]
    best: list[np.ndarray]

    def to_bytes(self) -> bytes:
        """An `.npz` file, without pickled objects."""
        buffer = io.BytesIO()
        groups = {"v": self.variables, "o": self.optimizer, "b": self.best}
        arrays = {f"{name}{i}": array for name, group in groups.items() for i, array in enumerate(group)}
        counts = {name: len(group) for name, group in groups.items()}
        text = json.dumps({"pace": dataclasses.asdict(self.pace), "counts": counts})
        np.savez(buffer, about=np.frombuffer(text.encode(), dtype=np.uint8), **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "FitState | None":
        """None where the bytes are no such file."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                about = json.loads(stored["about"].tobytes())
                parts = {name: [stored[f"{name}{i}"] for i in range(n)] for name, n in about["counts"].items()}
                return cls(Pace(**about["pace"]), parts["v"], parts["o"], parts["b"])
        except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile):
            return None

    @classmethod
    def of(cls, model: keras.Model, pace: Pace, best: Sequence[np.ndarray]) -> "FitState":
        """The state of a compiled network that is being trained."""
        return cls(dataclasses.replace(pace), _values(model.variables), _values(model.optimizer.variables), list(best))

    def fits(self, model: keras.Model) -> bool:
        """Whether this is a state of such a network: as many variables, of the same shapes."""
        return _shapes(self.variables) == [tuple(v.shape) for v in model.variables]

    def put_into(self, model: keras.Model) -> None:
        """Give a compiled network this state. Raises ValueError when it is one of another network or optimiser."""
        model.optimizer.build(model.trainable_variables)
        for targets, values in ((model.variables, self.variables), (model.optimizer.variables, self.optimizer)):
            if _shapes(values) != [tuple(t.shape) for t in targets]:
                raise ValueError(f"a state of {len(values)} arrays does not fit {len(targets)} variables")
            for target, value in zip(targets, values, strict=True):
                target.assign(value)


def _values(variables) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _shapes(arrays: Sequence[np.ndarray]) -> list[tuple[int, ...]]:
    return [tuple(array.shape) for array in arrays]
