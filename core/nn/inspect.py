"""A network from outside, read without running it: what it takes, what it gives, what it costs, or why it is refused.

Neither Keras nor TensorFlow is imported here. `clean_file` also writes the file anew with nothing in it but what is
known (`inspect_clean.py`); only that copy is ever given to Keras.
"""

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from core import limits
from core.errors import ModelRefused
from core.language import said
from core.nn.inspect_clean import Network, clean
from core.nn.inspect_container import CONFIG, METADATA, WEIGHTS, Container, open_container
from core.nn.inspect_graph import Tally, Value, define, input_parts, run
from core.nn.inspect_guess import architecture_guess, behind, output_kind, pixel_guess, spatial_guess
from core.nn.inspect_outputs import InspectedOutput, choices_of, output_names, taken_output, units_of
from core.nn.inspect_view import Shape
from core.nn.inspect_weights import CONFIG_ATTRIBUTE, check_weights

DEFAULT_SIDE_PX = 224  # for networks that take any size
SMALLEST_SIDE = 8
MULTIPLE = 32  # of the side, where it is chosen here


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedInput:
    """One input: its shape without the batch (0 where a side is open), and whether it is the picture or numbers."""

    name: str
    shape: tuple[int, ...]
    role: Literal["image", "table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedModel:
    """What a file says of its network, and what can be guessed, with the reason.

    `outputs` counts the numbers that come out; `class_count` is 2 where one sigmoid gives yes or no. `output_kind` is
    the last activation; "linear" may mean logits. `pixel_scaling` is a key as in the registry of architectures, with
    its reason; `pixel_sure` says whether the file states it. `parameters` and `activations` are computed from the
    config, for one picture; `stored_numbers` stand in the file. `cam_layer` may be "": no layer has more than one cell.
    Of a network with several outputs one is taken, `output_name` at `output_index`; `choices` are those that give a
    number for each class, and empty where there is one output.
    """

    kind: Literal["keras", "h5"]
    keras_version: str
    name: str
    inputs: tuple[InspectedInput, ...]
    outputs: int
    class_count: int
    output_kind: str
    layers: int
    layer_kinds: dict[str, int]
    parameters: int
    activations: int
    stored_numbers: int
    size_px: int
    channels: int
    architecture: str
    pixel_scaling: str
    pixel_reason: str
    pixel_sure: bool
    cam_layer: str
    cam_grid: tuple[int, ...]
    class_names: tuple[str, ...]
    sha256: str
    file_bytes: int
    output_name: str = ""
    output_index: int = 0
    choices: tuple[InspectedOutput, ...] = ()

    @property
    def table_columns(self) -> int:
        """How many numbers go in beside the picture."""
        return sum(item.shape[0] for item in self.inputs if item.role == "table")


def inspect_model(file: Path, *, size_px: int | None = None, take: str = "", known_version: str = "") -> InspectedModel:
    """Read a `.keras` or `.h5` file without running it.

    Args:
        size_px: side of the picture, for networks that take any; 224 when None.
        take: name of the output that answers, of a network with several; "" takes the first that can.
        known_version: the Keras version here; a file of a newer one is refused. "" asks the installed package.
    Raises: ModelRefused, in one sentence that names the layer or the entry.
    """
    with TemporaryDirectory() as scratch:
        return _inspected(file, Path(scratch), size_px, take, known_version)[0]


def clean_file(
    file: Path, folder: Path, *, size_px: int | None = None, take: str = "", known_version: str = ""
) -> tuple[InspectedModel, Path]:
    """The same, and the path of a copy in `folder` that holds nothing but what is known here.

    Raises: ModelRefused.
    """
    found, config, container = _inspected(file, folder, size_px, take, known_version)
    text = json.dumps(config)
    if container.kind == "keras":
        target = folder / "clean.keras"
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr(METADATA, json.dumps({"keras_version": container.keras_version, "date_saved": ""}))
            archive.writestr(CONFIG, text)
            archive.write(container.weights, WEIGHTS)
        return found, target
    return found, _clean_hdf5(container, text, folder / "clean.h5")


def _clean_hdf5(container: Container, config: str, target: Path) -> Path:
    import h5py

    target.write_bytes(container.weights.read_bytes())
    with h5py.File(target, "r+") as copy:
        for name in (CONFIG_ATTRIBUTE, "training_config"):
            if name in copy.attrs:
                del copy.attrs[name]
        copy.attrs[CONFIG_ATTRIBUTE] = config
    return target


def _inspected(
    file: Path, scratch: Path, size_px: int | None, take: str, known: str
) -> tuple[InspectedModel, dict, Container]:
    container = open_container(file, scratch)
    _refuse_newer(container.keras_version, known)
    network, config = clean(container.config)
    define(network)
    places = input_parts(network)
    shapes = [part.shape for part in places]
    image, side = _image_of(shapes, size_px)
    inputs = tuple(
        InspectedInput(
            name=part.view.name[:60], shape=tuple(s or 0 for s in part.shape), role="image" if i == image else "table"
        )
        for i, part in enumerate(places)
    )
    given = [Value(_closed(shape, side) if i == image else shape) for i, shape in enumerate(shapes)]
    tally = Tally()
    outputs = run(network, given, tally)
    place, named = taken_output(outputs, output_names(network, len(outputs)), take)
    output = outputs[place]
    stored = check_weights(container.weights)
    units = units_of(output.shape)
    values = behind(output)
    architecture = architecture_guess(_names(network))
    scaling, reason, sure = pixel_guess(given[image], values, architecture)
    spatial = spatial_guess(output)
    final = output_kind(output)
    found = InspectedModel(
        kind=container.kind,  # type: ignore[arg-type]
        keras_version=container.keras_version,
        name=network.view.name[:60],
        inputs=inputs,
        outputs=units,
        class_count=2 if units == 1 else units,
        output_kind=final,
        layers=tally.layers,
        layer_kinds=dict(sorted(tally.kinds.items(), key=lambda item: -item[1])),
        parameters=tally.parameters,
        activations=tally.activations,
        stored_numbers=stored,
        size_px=side,
        channels=shapes[image][2] or 3 if len(shapes[image]) == 3 else 1,
        architecture=architecture,
        pixel_scaling=scaling,
        pixel_reason=reason,
        pixel_sure=sure,
        cam_layer=spatial.view.name[:60] if spatial is not None and spatial.view is not None else "",
        cam_grid=tuple(s or 0 for s in spatial.shape[:2]) if spatial is not None else (),
        class_names=("negative", "positive") if units == 1 else tuple(f"class {i + 1}" for i in range(units)),
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        file_bytes=file.stat().st_size,
        output_name=named[place].name,
        output_index=place,
        choices=choices_of(named) if len(named) > 1 else (),
    )
    return found, {**config, "compile_config": None}, container


def _refuse_newer(version: str, known: str) -> None:
    from importlib.metadata import version as installed

    here = known or installed("keras")
    try:
        found, mine = (tuple(int(part) for part in text.split(".")[:2]) for text in (version, here))
    except ValueError:  # no version, or none in numbers: old files
        return
    if found > mine:
        raise ModelRefused(
            said(
                "The file was saved by Keras {version}, and Keras {here} is installed here. Update "
                "Keras, or save the network with the older version.",
                version=version,
                here=here,
            )
        )


def _image_of(shapes: list[Shape], size_px: int | None) -> tuple[int, int]:
    """(which input is the picture, its side in pixels). Raises ModelRefused."""
    pictures = [i for i, shape in enumerate(shapes) if len(shape) > 1]
    if not pictures:
        shown = ", ".join(str(shape) for shape in shapes)
        raise ModelRefused(
            said("The network takes no picture: its input is {shown}, expected (height, width, 3).", shown=shown)
        )
    if len(pictures) > 1:
        raise ModelRefused(
            said("The network takes {n} pictures; MedLens gives it one, and numbers beside it.", n=len(pictures))
        )
    columns = [shape[0] for shape in shapes if len(shape) == 1]
    if None in columns or sum(column or 0 for column in columns) > limits.MAX_TABLE_COLUMNS:
        raise ModelRefused(
            said(
                "The network takes {columns} numbers beside the picture; at most {most} are entered.",
                columns=columns,
                most=limits.MAX_TABLE_COLUMNS,
            )
        )
    shape = shapes[pictures[0]]
    if len(shape) == 3 and shape[0] in (1, 3) and shape[2] not in (1, 3):
        raise ModelRefused(
            said("The network takes {shape}: the channels come first. Expected is (height, width, 3).", shape=shape)
        )
    if len(shape) == 3 and shape[2] not in (1, 3):
        raise ModelRefused(
            said("The network takes pictures with {n} channels; expected are 3 (colour) or 1 (grey).", n=shape[2])
        )
    if len(shape) > 3:
        raise ModelRefused(
            said("The network takes volumes or films {shape}; expected is a picture (height, width, 3).", shape=shape)
        )
    fixed = [side for side in shape[:2] if side is not None]
    side = max(fixed) if fixed else (size_px or DEFAULT_SIDE_PX)
    if not min([*fixed, side]) >= SMALLEST_SIDE or side > limits.MAX_MODEL_SIDE_PX:
        raise ModelRefused(
            said(
                "The network takes pictures of {height} x {width} pixels; from {smallest_side} to {most} are served.",
                height=shape[0],
                width=shape[1],
                smallest_side=SMALLEST_SIDE,
                most=limits.MAX_MODEL_SIDE_PX,
            )
        )
    return pictures[0], side


def _closed(shape: Shape, side: int) -> Shape:
    return tuple(side if value is None else value for value in shape[:2]) + shape[2:]


def _names(network: Network) -> list[str]:
    names = [network.view.name]
    for part in network.parts:
        names += _names(part.network) if part.network is not None else [part.view.name]
    return names
