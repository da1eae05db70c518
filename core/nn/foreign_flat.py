"""A network of any nesting as one flat graph: every layer copied, called once, with the weights that it had.

A network used as a layer twice is laid out twice: each copy has one place in the graph, so that a heat map knows which
one it looks at.
"""

from core.errors import ModelRefused
from core.language import said
from core.nn.backend import keras
from core.nn.onnx_layers import is_silent

NOTHING_IN_USE = (keras.layers.GaussianNoise, keras.layers.GaussianDropout, keras.layers.AlphaDropout)
RESERVED = ("pixels", "logits", "probabilities", "pooled", "standardise", "picture")


class Flattener:
    """Lays networks out on given tensors; `names` maps every layer of the flat graph to where it came from."""

    def __init__(self) -> None:
        """Nothing is laid out yet."""
        self.names: dict[str, str] = {}

    def lay_out(self, model: keras.Model, tensors: list, path: str = "") -> list:
        """The outputs of `model` on `tensors`, in order, by copies of its layers.

        Raises: ModelRefused naming a layer that cannot be copied.
        """
        if isinstance(model, keras.Sequential):
            values = tensors
            for layer in model.layers:
                values = self._applied(layer, [values[0] if len(values) == 1 else values], {}, path)
            return values
        made = {id(old): new for old, new in zip(model.inputs, tensors, strict=True)}
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for node in model._nodes_by_depth[depth]:
                if node.is_input:
                    continue
                args, kwargs = node.arguments.fill_in(made)
                values = self._applied(node.operation, list(args), dict(kwargs), path)
                for old, new in zip(node.outputs, values, strict=True):
                    made[id(old)] = new
        return [made[id(tensor)] for tensor in model.outputs]

    def _applied(self, operation, args: list, kwargs: dict, path: str) -> list:
        if isinstance(operation, keras.Model):
            given = keras.tree.flatten([args, {k: v for k, v in kwargs.items() if _has_tensor(v)}])
            tensors = [value for value in given if keras.backend.is_keras_tensor(value)]
            return self.lay_out(operation, tensors, f"{path}{operation.name}/")
        kwargs.pop("training", None)
        kwargs = {key: value for key, value in kwargs.items() if value is not None}
        if isinstance(operation, keras.layers.Layer) and _passes(operation, args):
            return [args[0]]
        copy = self._copy(operation, path)
        outputs = keras.tree.flatten(copy(*args, **kwargs))
        if isinstance(operation, keras.layers.Layer) and operation.weights:
            copy.set_weights(operation.get_weights())
            if isinstance(copy, keras.layers.Normalization):
                copy.finalize_state()
        return outputs

    def _copy(self, operation, path: str):
        name = self._free_name(operation.name)
        try:
            copy = type(operation).from_config({**operation.get_config(), "name": name})
        except (TypeError, ValueError, NotImplementedError) as error:
            kind = type(operation).__name__
            why = said(
                "Refused because of the layer {name} ({kind}): it cannot be copied.",
                name=repr(operation.name),
                kind=kind,
            )
            raise ModelRefused(why) from error
        self.names[name] = f"{path}{operation.name}"
        return copy

    def _free_name(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self.names or name in RESERVED:
            number += 1
            name = f"{wanted}_{number}"
        return name


def _has_tensor(value: object) -> bool:
    return any(keras.backend.is_keras_tensor(item) for item in keras.tree.flatten(value))


def _passes(layer, args: list) -> bool:
    """Does this layer hand on what it is given, in use?"""
    if not args or not keras.backend.is_keras_tensor(args[0]):
        return False
    if isinstance(layer, keras.layers.RandomCrop):
        return tuple(args[0].shape[1:3]) == (layer.height, layer.width)
    return is_silent(layer) or isinstance(layer, NOTHING_IN_USE)
