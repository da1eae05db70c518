"""Where pretrained weights come from: a folder, Keras' own download, a shipped model, or another run.

A network whose weights cannot be found is never built with random ones instead.
"""

import hashlib
import warnings
from pathlib import Path

from core import paths
from core.errors import WeightsUnavailable
from core.nn.backend import keras
from core.types import ArchitectureSpec


def imagenet_file(spec: ArchitectureSpec) -> Path | None:
    """`<MEDLENS_WEIGHTS>/<architecture>_notop.weights.h5`, or None when the folder or the file is not there."""
    folder = paths.weights_folder()
    file = folder / f"{spec.key}_notop.weights.h5" if folder else None
    return file if file is not None and file.is_file() else None


def load_imagenet(spec: ArchitectureSpec) -> keras.Model:
    """The network of `keras.applications` with ImageNet weights, without its top.

    Raises: WeightsUnavailable with both ways out when there is neither a folder nor a network.
    """
    build = getattr(keras.applications, spec.builder)
    shape = (spec.input_px, spec.input_px, spec.input_channels)
    file = imagenet_file(spec)
    if file is not None:
        base = build(include_top=False, weights=None, input_shape=shape)
        _load_every_layer(base, file, spec)
        return base
    try:
        return build(include_top=False, weights="imagenet", input_shape=shape)
    except Exception as error:
        raise WeightsUnavailable(
            f"ImageNet weights of {spec.title} could not be downloaded ({str(error).splitlines()[0][:120]}). "
            f"Either connect to the internet once, so that Keras downloads them, or set MEDLENS_WEIGHTS to a folder "
            f"that holds {spec.key}_notop.weights.h5."
        ) from error


def _load_every_layer(base: keras.Model, file: Path, spec: ArchitectureSpec) -> None:
    """Load a weight file, and refuse one that leaves a kernel as it was: Keras only warns of missing layers."""
    kernels = {w.path: _bytes_hash(w) for w in base.weights if len(w.shape) >= 2}
    cause: Exception | None = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            base.load_weights(file)
        untouched = [w.path for w in base.weights if kernels.get(w.path) == _bytes_hash(w)]
        reason = f"it has nothing for {untouched[0]}" if untouched else ""
    except (ValueError, OSError, KeyError) as error:
        cause, reason = error, str(error).splitlines()[0]
    if reason:
        raise WeightsUnavailable(
            f"{file.name} in MEDLENS_WEIGHTS does not hold weights of {spec.title} without its top: {reason}. "
            f"Write it with model.save_weights on keras.applications.{spec.builder}(include_top=False)."
        ) from cause


def _bytes_hash(weight) -> bytes:
    return hashlib.blake2b(keras.ops.convert_to_numpy(weight).tobytes(), digest_size=16).digest()


def copy_by_name(source: keras.Model, target: keras.Model) -> None:
    """Give every layer of `target` with weights those of the layer of the same name in `source`.

    Layers that only one of the two has are left alone; a layer whose shapes differ raises WeightsUnavailable.
    """
    named = {layer.name: layer for layer in source.layers}
    for layer in target.layers:
        if not layer.weights or layer.name not in named:
            continue
        values = named[layer.name].get_weights()
        if [v.shape for v in values] != [tuple(w.shape) for w in layer.weights]:
            raise WeightsUnavailable(
                f"The weights of layer {layer.name!r} have other shapes than this network expects; "
                "they belong to another architecture or input."
            )
        layer.set_weights(values)


def digest(model: keras.Model) -> str:
    """blake2b (16 hex digits) over all weights, in layer order: enters the fingerprint of a feature cache."""
    total = hashlib.blake2b(digest_size=8)
    for weight in model.weights:
        total.update(weight.path.rsplit("/", 1)[-1].encode())
        total.update(keras.ops.convert_to_numpy(weight).tobytes())
    return total.hexdigest()
