"""Where pretrained weights come from: a folder, Keras' own download, a shipped model, or another run.

A network whose weights cannot be found is never built with random ones instead.
"""

import hashlib
import warnings
from pathlib import Path

from core import paths
from core.errors import SpecInvalid, WeightsUnavailable
from core.nn.backend import keras
from core.registry.architectures import weights_key
from core.types import ArchitectureSpec

# the names by which the parts of a whole network are told apart; `backbones.py` and `heads.py` give them
HEAD_LAYERS = ("head_", "standardise", "logits", "probabilities", "pooled")
OUTSIDE_BACKBONE = (*HEAD_LAYERS, "to_", "augment_")


def imagenet_file(spec: ArchitectureSpec) -> Path | None:
    """`<MEDLENS_WEIGHTS>/<architecture>_notop.weights.h5`, or None when the folder or the file is not there.

    A variant of a network takes the file of its network.
    """
    folder = paths.weights_folder()
    file = folder / f"{weights_key(spec)}_notop.weights.h5" if folder else None
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
            f"that holds {weights_key(spec)}_notop.weights.h5."
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


def copy_backbone(source: keras.Model, target: keras.Model) -> None:
    """Give the backbone of `target` the weights of the backbone of `source`, layer by layer in graph order.

    By order and not by name: Keras numbers the unnamed layers of Xception and InceptionV3 anew in every build.
    Pixel scaling, augmentation and head are left out on both sides; every other layer must have its counterpart.
    Raises: WeightsUnavailable when the two are not of the same architecture.
    """
    theirs, ours = backbone_layers(source), backbone_layers(target)
    if len(theirs) != len(ours):
        raise WeightsUnavailable(
            f"The weights are of a network with {len(theirs)} layers, and this one has {len(ours)}: "
            f"they are no {target.name}. Take weights of the same architecture."
        )
    for layer, other in zip(ours, theirs, strict=True):
        values = other.get_weights()
        if type(layer) is not type(other) or [v.shape for v in values] != [tuple(w.shape) for w in layer.weights]:
            raise WeightsUnavailable(
                f"The weights of {other.name!r} do not fit {layer.name!r}: they are no {target.name}. "
                "Take weights of the same architecture."
            )
        layer.set_weights(values)


def backbone_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers with weights between pixel scaling and head, in graph order."""
    return [layer for layer in model.layers if layer.weights and not layer.name.startswith(OUTSIDE_BACKBONE)]


def freeze_for_fine_tuning(model: keras.Model, last: int) -> None:
    """Leave the head and the `last` layers of the base to learn (0: all of it); normalisations stay as they are.

    Layers without weights do not count, nor do normalisations.
    Raises: SpecInvalid when the base has fewer layers.
    """
    normalising = keras.layers.BatchNormalization
    base = [layer for layer in backbone_layers(model) if not isinstance(layer, normalising)]
    if last > len(base):
        raise SpecInvalid(f"trainable_layers = {last}, but the base has {len(base)} layers with weights; 0 is all.")
    for layer in model.layers:
        if isinstance(layer, normalising):
            layer.trainable = False
    for layer in base[: len(base) - last] if last else ():
        layer.trainable = False


def copy_head(source: keras.Model, target: keras.Model) -> None:
    """Give the head of `target` the weights of the head in `source`, by the fixed names of `core/nn/heads.py`.

    Raises: WeightsUnavailable when a layer is missing or has another shape.
    """
    named = {layer.name: layer for layer in source.layers}
    for layer in target.layers:
        if not layer.weights or not layer.name.startswith(HEAD_LAYERS):
            continue
        values = named[layer.name].get_weights() if layer.name in named else []
        if [v.shape for v in values] != [tuple(w.shape) for w in layer.weights]:
            raise WeightsUnavailable(f"The stored head has nothing that fits the layer {layer.name!r}.")
        layer.set_weights(values)


def digest(model: keras.Model) -> str:
    """blake2b (16 hex digits) over all weights, in layer order: enters the fingerprint of a feature cache."""
    total = hashlib.blake2b(digest_size=8)
    for weight in model.weights:
        total.update(weight.path.rsplit("/", 1)[-1].encode())
        total.update(keras.ops.convert_to_numpy(weight).tobytes())
    return total.hexdigest()
