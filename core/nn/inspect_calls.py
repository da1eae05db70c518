"""How the layers of a config call each other: references to tensors, constants and slices, and nothing else."""

from dataclasses import dataclass

from core.language import said
from core.nn.inspect_view import LayerView

INPUT_TYPES = ("float32", "float64", "float16", "bfloat16", "uint8", "int32", "int64")
MAX_TEXT = 1000
MAX_CALLS = 10_000  # calls of one layer, and outputs of one call
Call = tuple[list, dict]  # arguments and named arguments, tensors as Ref


@dataclass(frozen=True, slots=True)
class Ref:
    """A tensor inside a network: which output of which call of which layer."""

    layer: str
    call: int
    output: int


def plain_value(view: LayerView, key: str, value: object) -> object:
    """Numbers, short texts and lists of them. Raises ModelRefused for an object that Keras would build."""
    if isinstance(value, list):
        return [plain_value(view, key, item) for item in value]
    if isinstance(value, dict):
        kind = value.get("class_name")
        inner = value.get("config")
        if kind in ("__numpy__", "__tensor__") and isinstance(inner, dict):
            return plain_value(view, key, inner.get("value"))
        raise view.refuse(
            said("its {key} is an object ({kind}), expected a number or a word", key=key[:60], kind=str(kind)[:60])
        )
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise view.refuse(said("its {key} is a text of {n:,} letters", key=key[:60], n=len(value)))
    return value


def read_call(view: LayerView, node: object) -> tuple[Call, object]:
    """One call of a layer, and the same as it is written anew. Raises ModelRefused naming the layer."""
    if isinstance(node, list):  # legacy: [[layer, call, output, named arguments], ...]
        refs = [_ref(view, item[:3] if isinstance(item, list) else item) for item in node]
        for item in node:
            _named(view, item[3] if len(item) > 3 else {})
        return ([refs[0] if len(refs) == 1 else refs], {}), [[ref.layer, ref.call, ref.output, {}] for ref in refs]
    if not isinstance(node, dict) or not isinstance(node.get("args"), list):
        raise view.refuse(said("it is not said where its input comes from"))
    args, kwargs = node["args"], _named(view, node.get("kwargs") or {})
    read = [_argument(view, value) for value in args]
    named = {key: _argument(view, value) for key, value in kwargs.items()}
    call = ([value for value, _ in read], {key: value for key, (value, _) in named.items()})
    return call, {"args": [done for _, done in read], "kwargs": {key: done for key, (_, done) in named.items()}}


def _named(view: LayerView, kwargs: object) -> dict:
    """Named arguments of a call without those that mean nothing in use."""
    if not isinstance(kwargs, dict):
        raise view.refuse(said("it is called with something unreadable"))
    if kwargs.get("training"):
        raise view.refuse(said("it is called with training=True, so that its answers change from one call to the next"))
    return {key: value for key, value in kwargs.items() if value is not None and key != "training"}


def _argument(view: LayerView, value: object) -> tuple[object, object]:
    """(the argument as Python has it, the same as it is written anew)."""
    if isinstance(value, list):
        pairs = [_argument(view, item) for item in value]
        return [read for read, _ in pairs], [done for _, done in pairs]
    if not isinstance(value, dict):
        done = plain_value(view, "argument", value)
        return done, done
    kind, inner = value.get("class_name"), value.get("config")
    if kind is None:
        named = {str(key): _argument(view, item) for key, item in value.items()}
        return {key: read for key, (read, _) in named.items()}, {key: done for key, (_, done) in named.items()}
    if not isinstance(inner, dict):
        raise view.refuse(said("it is called with a {kind}", kind=str(kind)[:40]))
    if kind == "__keras_tensor__":
        ref = _ref(view, inner.get("keras_history"))
        shape = plain_value(view, "input", inner.get("shape"))
        dtype = inner.get("dtype") if inner.get("dtype") in INPUT_TYPES else "float32"
        written = {"shape": shape, "dtype": dtype, "keras_history": [ref.layer, ref.call, ref.output]}
        return ref, {"class_name": kind, "config": written}
    if kind == "__ellipsis__":
        return Ellipsis, {"class_name": kind, "config": {}}
    if kind == "__slice__":
        bounds = [inner.get(key) for key in ("start", "stop", "step")]
        if all(bound is None or isinstance(bound, int) for bound in bounds):
            return slice(*bounds), {
                "class_name": kind,
                "config": dict(zip(("start", "stop", "step"), bounds, strict=True)),
            }
    if kind in ("__numpy__", "__tensor__"):
        done = plain_value(view, "argument", value)
        return done, {"class_name": "__numpy__", "config": {"value": done, "dtype": "float32"}}
    raise view.refuse(said("it is called with a {kind}", kind=str(kind)[:40]))


def _ref(view: LayerView, history: object) -> Ref:
    if isinstance(history, list) and len(history) == 3 and isinstance(history[0], str):
        name, call, output = history
        if all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n < MAX_CALLS for n in (call, output)):
            return Ref(name, call, output)
    raise view.refuse(said("its input {history} is no output of a layer", history=str(history)[:60]))


def refs_of(view: LayerView, value: object) -> list[Ref]:
    """All tensors in a nested list or mapping, in the order of Keras (mappings by key)."""
    if isinstance(value, dict):
        return [ref for key in sorted(value) for ref in refs_of(view, value[key])]
    if not isinstance(value, list) or not value:
        raise view.refuse(said("its inputs or outputs are not named"))
    if isinstance(value[0], str):
        return [_ref(view, value)]
    return [ref for item in value for ref in refs_of(view, item)]


def written_refs(value: object, *, outermost: bool = True) -> object:
    """The same structure of references as `refs_of` has read, for the config that is written anew.

    A list of one tensor becomes that tensor: Keras up to 3.3 wrote the first for the second, and Keras 3.15 would hand
    a list to the next layer.
    """
    if outermost and isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        return written_refs(value[0])
    if isinstance(value, dict):
        return {str(key): written_refs(item, outermost=False) for key, item in value.items()}
    return [
        written_refs(item, outermost=False) if isinstance(item, list | dict) else item
        for item in value  # type: ignore[attr-defined]
    ]
