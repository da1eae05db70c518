"""The file around a network: which kind it is, what it may hold, and its parts, without Keras.

A `.keras` file is a ZIP of config.json, metadata.json and model.weights.h5; a legacy `.h5` holds its config in an
attribute. Sizes are counted while a part is unpacked, never believed.
"""

import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from core import limits
from core.errors import ModelRefused
from core.language import said
from core.nn.inspect_weights import config_of_hdf5

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
ALLOWED = (CONFIG, METADATA, WEIGHTS)
HDF5 = b"\x89HDF\r\n\x1a\n"
CHUNK = 1024**2
SMALL_BYTES = 64 * 1024  # a small part may shrink as it likes: it harms nobody
ASK = said("Expected is a .keras file as model.save() of Keras 3 writes it, or a legacy .h5 file of a whole model.")
# what else people keep networks in: first bytes, or a name inside a ZIP
OTHERS = (
    (b"\x80\x02", "a Python pickle"), (b"\x80\x03", "a Python pickle"), (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"), (b"%PDF", "a PDF"), (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8", "a JPEG picture"),
    (b"\x1f\x8b", "gzip data"), (b"MZ", "a Windows program"), (b"\x7fELF", "a program"), (b"<", "an HTML or XML page"),
    (b"\x93NUMPY", "a NumPy array"), (b"{", "JSON text"), (b"GGUF", "a GGUF file"),
)  # fmt: skip
INSIDE = (
    ("saved_model.pb", "a TensorFlow SavedModel; load it in Python and save it with model.save('name.keras')"),
    ("data.pkl", "a PyTorch file, and PyTorch networks cannot be read"),
    ("word/document.xml", "a Word document"),
    ("model.json", "a TensorFlow.js network; convert it to .keras"),
)


@dataclass(frozen=True, slots=True)
class Container:
    """What a file holds: the config as JSON gave it, the Keras version that wrote it, the HDF5 file of the weights."""

    config: dict
    keras_version: str
    weights: Path
    kind: str  # "keras" or "h5"


def open_container(file: Path, scratch: Path) -> Container:
    """The parts of a model file; the weights are laid down in `scratch`.

    Raises: ModelRefused in one sentence: no model, cut off, too large, or with entries that do not belong there.
    """
    size = file.stat().st_size
    if size == 0:
        raise ModelRefused(said("The file is empty. {ask}", ask=ASK))
    if size > limits.MAX_MODEL_BYTES:
        raise ModelRefused(
            said(
                "The file has {size:,.0f} MB; at most {most:,.0f} are read.",
                size=size / 1e6,
                most=limits.MAX_MODEL_BYTES / 1e6,
            )
        )
    with file.open("rb") as source:
        start = source.read(512)
    if start.startswith(HDF5):
        text, version = config_of_hdf5(file)
        return Container(parsed(text), version, file, "h5")
    if start.startswith(b"PK"):
        return _from_zip(file, scratch)
    raise ModelRefused(said("This is no Keras model but {described}. {ask}", described=_described(start), ask=ASK))


def parsed(text: str | bytes) -> dict:
    """A JSON object of limited size and depth. Raises ModelRefused."""
    if len(text) > limits.MAX_MODEL_CONFIG_BYTES:
        raise ModelRefused(said("Its config has {n:.0f} MB; at most 10 MB are read.", n=len(text) / 1e6))
    try:
        config = json.loads(text)
    except RecursionError as error:
        raise ModelRefused(_too_deep()) from error
    except ValueError as error:  # decoding errors are ValueErrors too
        raise ModelRefused(said("Its config is not readable as JSON: the file is damaged.")) from error
    if not isinstance(config, dict):
        raise ModelRefused(said("Its config is no JSON object: the file is damaged."))
    level: list[object] = [config]
    for _ in range(limits.MAX_MODEL_CONFIG_DEPTH):
        nested: list[object] = []
        for item in level:
            nested.extend(item.values() if isinstance(item, dict) else item)  # type: ignore[attr-defined]
        level = [item for item in nested if isinstance(item, dict | list)]
        if not level:
            return config
    raise ModelRefused(_too_deep())


def _too_deep() -> str:
    return said(
        "Its config is nested deeper than {most} levels, as no real network's is.", most=limits.MAX_MODEL_CONFIG_DEPTH
    )


def _described(start: bytes) -> str:
    for first, words in OTHERS:
        if start.lstrip().startswith(first):
            return said(words)
    if start[4:8] == b"TFL3":
        return said("a TensorFlow Lite file, which holds no gradients")
    try:
        start[:256].decode("ascii")
    except UnicodeDecodeError:
        return said("a file of another kind (or the beginning is missing)")
    return said("a text file")


def _from_zip(file: Path, scratch: Path) -> Container:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = _checked(archive.infolist())
            config = parsed(_unpacked(archive, entries[CONFIG], limits.MAX_MODEL_CONFIG_BYTES))
            about = parsed(_unpacked(archive, entries[METADATA], SMALL_BYTES)) if METADATA in entries else {}
            weights = scratch / WEIGHTS
            _unpack_to(archive, entries[WEIGHTS], weights)
    except zipfile.BadZipFile as error:
        raise ModelRefused(
            said("The file is cut off or damaged: its ZIP directory cannot be read. Copy it again.")
        ) from error
    except (zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise ModelRefused(said("The file is damaged: a part of it cannot be unpacked. Copy it again.")) from error
    with weights.open("rb") as source:
        if source.read(8) != HDF5:
            raise ModelRefused(said("Its {weights} is no HDF5 file: the file is damaged.", weights=WEIGHTS))
    return Container(config, str(about.get("keras_version", ""))[:40], weights, "keras")


def _checked(found: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    names = [info.filename for info in found]
    for name in names:
        if name in ALLOWED:
            continue
        for ending, words in INSIDE:
            if name.endswith(ending):
                raise ModelRefused(said("This ZIP is {words}.", words=said(words)))
        if name.startswith("assets"):
            raise ModelRefused(
                said("The file brings assets, such as vocabularies; a network for images has none, so it is refused.")
            )
        raise ModelRefused(
            said(
                "The file holds {name}, which does not belong into a .keras file. {ask}", name=repr(name[:80]), ask=ASK
            )
        )
    if len(set(names)) < len(names):
        raise ModelRefused(said("The file holds two entries of one name; which one counts cannot be told."))
    for needed in (CONFIG, WEIGHTS):
        if needed not in names:
            raise ModelRefused(
                said("The file holds no {needed}. Save the whole model with model.save('name.keras').", needed=needed)
            )
    end = 0
    for info in sorted(found, key=lambda entry: entry.header_offset):
        if info.flag_bits & 1:
            raise ModelRefused(
                said("{filename} is encrypted; a model is read without a password.", filename=info.filename)
            )
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ModelRefused(
                said("{filename} is packed by a method that Keras does not use.", filename=info.filename)
            )
        if info.header_offset < end:
            raise ModelRefused(said("Entries of the file lie over each other, as in a ZIP bomb."))
        end = info.header_offset + 30 + info.compress_size
        ratio = info.file_size / max(info.compress_size, 1)
        if info.file_size > SMALL_BYTES and ratio > limits.MAX_MODEL_MEMBER_RATIO:
            raise ModelRefused(
                said(
                    "{filename} would unpack to {ratio:.0f} times its size; at most {most} times is allowed.",
                    filename=info.filename,
                    ratio=ratio,
                    most=limits.MAX_MODEL_MEMBER_RATIO,
                )
            )
    return {info.filename: info for info in found}


def _pieces(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int):
    """The unpacked content piece by piece. Raises ModelRefused as soon as there is more than `limit`, or than said."""
    seen = 0
    if info.file_size > limit:
        raise ModelRefused(
            said(
                "{filename} has {file_size:,.0f} MB; at most {limit:,.0f} are read.",
                filename=info.filename,
                file_size=info.file_size / 1e6,
                limit=limit / 1e6,
            )
        )
    with archive.open(info) as source:
        while piece := source.read(CHUNK):
            seen += len(piece)
            if seen > limit:
                raise ModelRefused(said("{filename} is larger than it says.", filename=info.filename))
            yield piece


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    return b"".join(_pieces(archive, info, limit))


def _unpack_to(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    with target.open("wb") as sink:
        for piece in _pieces(archive, info, limits.MAX_MODEL_BYTES):
            sink.write(piece)
