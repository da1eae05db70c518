"""The HDF5 file of the weights, looked at by h5py alone: plain numbers inside the file itself, or refused.

HDF5 can name other files (external storage, external links, virtual data sets) and declare shapes that are not
stored; a file of weights needs none of it.
"""

from pathlib import Path

import numpy as np

from core import limits
from core.errors import ModelRefused
from core.language import said

MAX_ATTRIBUTE_BYTES = limits.MAX_MODEL_CONFIG_BYTES
PLAIN_FILTERS = (1, 2, 3)  # deflate, shuffle, checksum: what h5py itself can unpack
CONFIG_ATTRIBUTE = "model_config"


def _opened(file: Path):
    import h5py

    try:
        return h5py.File(file, "r")
    except (OSError, RuntimeError, ValueError) as error:
        text = str(error)
        if "truncated" in text or "eof" in text:
            raise ModelRefused(
                said("The weights are cut off: the file ends before its last number. Copy it again.")
            ) from error
        raise ModelRefused(said("The weights cannot be read as HDF5: the file is damaged. Copy it again.")) from error


def config_of_hdf5(file: Path) -> tuple[str, str]:
    """(config as JSON text, Keras version) of a legacy `.h5` file. Raises ModelRefused."""
    with _opened(file) as source:
        try:
            text, version = _attribute(source, CONFIG_ATTRIBUTE), _attribute(source, "keras_version")
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise ModelRefused(said("The attributes of the .h5 file cannot be read: the file is damaged.")) from error
    if text is None:
        raise ModelRefused(
            said(
                "The .h5 file holds weights without a network (save_weights). Save all of it: model.save('name.keras')."
            )
        )
    return text, (version or "")[:40]


def _attribute(source, name: str) -> str | None:
    if name not in source.attrs:
        return None
    if source.attrs.get_id(name).get_storage_size() > MAX_ATTRIBUTE_BYTES:
        raise ModelRefused(said("Its {name} has more than 10 MB.", name=name))
    value = source.attrs[name]
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if not isinstance(value, str):
        raise ModelRefused(said("Its {name} is no text: the file is damaged.", name=name))
    return value


def check_weights(file: Path) -> int:
    """How many numbers the file stores, once every one of them is known to be plain, inside it, and finite.

    Raises: ModelRefused naming the data set.
    """
    with _opened(file) as source:
        try:
            return _walk(source)
        except (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise ModelRefused(said("The weights cannot be read: the HDF5 file is damaged. Copy it again.")) from error


def _walk(source) -> int:
    """Every link is looked at before it is followed; a group that was seen is not entered again."""
    import h5py

    open_groups, seen, total, objects = [(source.id, "")], set(), 0, 0
    while open_groups:
        group, path = open_groups.pop()
        address = h5py.h5o.get_info(group).addr
        if address in seen:
            raise ModelRefused(
                said("The weights hold the group {path} twice, as no file of Keras does.", path=repr(path))
            )
        seen.add(address)
        for raw in group:
            objects += 1
            if objects > limits.MAX_MODEL_OBJECTS:
                raise ModelRefused(said("The weights hold more than {most:,} entries.", most=limits.MAX_MODEL_OBJECTS))
            name = f"{path}/{raw.decode('utf-8', 'replace')}"
            if group.links.get_info(raw).type != h5py.h5l.TYPE_HARD:
                raise ModelRefused(
                    said(
                        "The weights hold a link at {name} that leads elsewhere; this is refused.",
                        name=repr(name[:120]),
                    )
                )
            found = h5py.h5o.open(group, raw)
            if isinstance(found, h5py.h5g.GroupID):
                open_groups.append((found, name))
            elif isinstance(found, h5py.h5d.DatasetID):
                total += _numbers(found, name[:120])
                # the state of the optimiser is stored beside the parameters, up to three times as many
                if total > 4 * limits.MAX_MODEL_PARAMETERS:
                    raise ModelRefused(
                        said("The weights declare more than {most:,} numbers.", most=4 * limits.MAX_MODEL_PARAMETERS)
                    )
            else:
                raise ModelRefused(
                    said("The weights hold {name}, which is neither a group nor a data set.", name=repr(name[:120]))
                )
    return total


def _numbers(dataset, name: str) -> int:
    """How many numbers a data set holds, all of them read. Raises ModelRefused."""
    import h5py

    plan = dataset.get_create_plist()
    layout = plan.get_layout()
    if layout == h5py.h5d.VIRTUAL or plan.get_external_count():
        raise ModelRefused(
            said(
                "The weights {name} lie in another file (external or virtual storage); this is refused.",
                name=repr(name),
            )
        )
    for index in range(plan.get_nfilters()):
        if plan.get_filter(index)[0] not in PLAIN_FILTERS:
            raise ModelRefused(
                said("The weights {name} are packed by a method that Keras does not use.", name=repr(name))
            )
    space = dataset.get_space()
    shape = space.get_simple_extent_dims() if space.get_simple_extent_type() == h5py.h5s.SIMPLE else ()
    count = int(np.prod([int(side) for side in shape], dtype=object)) if shape else 1
    kind = dataset.dtype
    if kind.kind not in "fiub" and not (kind.kind == "V" and kind.itemsize == 2):  # bfloat16 is stored as two bytes
        if count <= 64 and kind.kind in "SO" and not _is_weight(name):
            return 0  # names of layers, as some old files keep them
        raise ModelRefused(
            said("The weights {name} are of the type {kind}; expected are numbers.", name=repr(name), kind=kind)
        )
    if count * kind.itemsize > limits.MAX_MODEL_BYTES * 2:
        raise ModelRefused(
            said(
                "The weights {name} declare {count:,} numbers, more than any network here may have.",
                name=repr(name),
                count=count,
            )
        )
    stored = dataset.get_storage_size()
    if count * kind.itemsize > limits.MAX_MODEL_MEMBER_RATIO * max(stored, 64):
        raise ModelRefused(
            said(
                "The weights {name} declare {count:,} numbers, and the file does not hold them.",
                name=repr(name),
                count=count,
            )
        )
    if kind.kind == "f" and not name.startswith("/optimizer"):  # what trained it is not read
        values = np.empty(shape, kind)
        dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, values)
        if not np.isfinite(values).all():
            raise ModelRefused(
                said(
                    "The weights {name} hold NaN or infinity: the training went wrong before it was saved.",
                    name=repr(name),
                )
            )
    return count


def _is_weight(name: str) -> bool:
    """Does a data set of this name hold weights (and not names)?"""
    return "/vars/" in name or ":" in name
