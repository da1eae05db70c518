"""Shipped models: `models/<name>/` with model.keras, model.onnx and explain.onnx where there are any, and card.json.

A model counts only with a card whose sha256 and size are those of model.keras. Listing looks at the size
alone; whoever loads a network takes its bytes from `verified_bytes`, or calls `verify_model` first.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as replaced
from pathlib import Path

from core import limits, paths
from core.errors import ModelDamaged, ModelError, StoreError
from core.language import message_of, said
from core.store.atomic import is_temporary, only_writer, write_text, write_together
from core.store.codec import from_json, to_json
from core.store.names import Damaged, check_file_name, check_folder_name, is_folder_name, read_limited, sha256_of
from core.types import LocalisationRecord, ModelCard

MODEL, CARD = "model.keras", "card.json"
GRAPH, EXPLAIN = "model.onnx", "explain.onnx"  # core/nn/runtime.py says what they hold
GATE = "ood.npz"  # core/nn/ood.py


_MARKS = re.compile(r"[<>\[\]`]")  # of Markdown and HTML: these words stand in sentences of pages and reports


@dataclass(frozen=True, slots=True)
class ModelListing:
    """All models of a folder: the readable cards by name, and what cannot be used."""

    cards: tuple[ModelCard, ...]
    damaged: tuple[Damaged, ...]


def model_folder(name: str, folder: Path | None = None) -> Path:
    """Where a model lies. Raises ModelError when `name` is no model name."""
    try:
        return (folder or paths.models_folder()) / check_folder_name(name, "model name")
    except StoreError as error:
        raise ModelError(message_of(error)) from error


def model_path(name: str, folder: Path | None = None) -> Path:
    """The network's file. Raises ModelError when `name` is no model name, ModelDamaged when the file is missing."""
    path = model_folder(name, folder) / MODEL
    if not path.is_file():
        raise ModelDamaged(
            said("{name}: {path} is missing. `python -m core export RUN_ID {name}` writes it.", name=name, path=path)
        )
    return path


def load_card(name: str, folder: Path | None = None) -> ModelCard:
    """The card of one model; the network's file is looked at by size only.

    Raises: ModelDamaged with the reason; ModelError when `name` is no model name.
    """
    where = model_folder(name, folder)
    try:
        card = from_json(ModelCard, read_limited(where / CARD, limits.MAX_CARD_BYTES))
        if card.name != name:
            raise StoreError(
                said("the folder is called {name}, but the card says {stated}", name=repr(name), stated=repr(card.name))
            )
        for text in (card.title, *card.class_names, *(item.name for item in card.tabular_inputs)):
            if not text.isprintable() or _MARKS.search(text):
                raise StoreError(
                    said(
                        "its word {text} holds marks of a language of its own; expected is plain text",
                        text=repr(text[:40]),
                    )
                )
        path = where / MODEL
        if not path.is_file():
            raise StoreError(said("{model} is missing", model=MODEL))
        size = path.stat().st_size
    except StoreError as error:
        raise ModelDamaged(said("{name}: {reason}", name=name, reason=error)) from error
    except OSError as error:
        raise ModelDamaged(
            said("{name}: {model} cannot be read ({reason})", name=name, model=MODEL, reason=error.strerror or error)
        ) from error
    if size != card.model_bytes:
        raise ModelDamaged(
            said(
                "{name}: {model} has {size:,} bytes, its card says {model_bytes:,}",
                name=name,
                model=MODEL,
                size=size,
                model_bytes=card.model_bytes,
            )
        )
    return card


def verify_model(name: str, folder: Path | None = None) -> ModelCard:
    """The card, once every file that it names has been read and its sha256 compared. Raises ModelDamaged."""
    card = load_card(name, folder)
    for file in (MODEL, *card.other_sha256):
        verified_bytes(card, file, folder)
    return card


def verified_bytes(card: ModelCard, file: str, folder: Path | None = None) -> bytes:
    """The content of one of a model's files, compared with the card as it is read: nothing can change in between.

    Args:
        file: "model.keras", or a name in `card.other_sha256`.
    Raises: ModelDamaged.
    """
    expected = card.sha256 if file == MODEL else card.other_sha256.get(file)
    if expected is None:
        known = ", ".join((MODEL, *card.other_sha256))
        raise ModelDamaged(
            said("{name}: its card knows no {file} (it knows {known}).", name=card.name, file=file, known=known)
        )
    try:
        content = read_limited(model_folder(card.name, folder) / file, limits.MAX_MODEL_BYTES)
    except StoreError as error:
        raise ModelDamaged(said("{name}: {reason}", name=card.name, reason=error)) from error
    found = sha256_of(content)
    if found != expected:
        raise ModelDamaged(
            said(
                "{name}: {file} has the sha256 {found}…, its card says {expected}…; the file is not the "
                "one that was exported.",
                name=card.name,
                file=file,
                found=found[:12],
                expected=expected[:12],
            )
        )
    return content


def list_models(folder: Path | None = None) -> ModelListing:
    """Every model of the folder, by name; never raises. What cannot be used is listed as Damaged."""
    root = folder or paths.models_folder()
    cards: list[ModelCard] = []
    damaged: list[Damaged] = []
    try:
        entries = sorted((p for p in root.iterdir() if not p.name.startswith(".")), key=lambda p: p.name)
    except OSError:  # no models folder, or none that may be read
        return ModelListing((), ())
    for entry in entries:
        if not entry.is_dir() or is_temporary(entry):
            continue
        if not is_folder_name(entry.name):
            damaged.append(Damaged(entry.name, said("the name of the folder is no model name")))
            continue
        try:
            cards.append(load_card(entry.name, root))
        except ModelError as error:
            damaged.append(Damaged(entry.name, message_of(error).without(f"{entry.name}: ")))
    return ModelListing(tuple(cards), tuple(damaged))


def save_localisation(name: str, record: LocalisationRecord, folder: Path | None = None) -> ModelCard:
    """Put a measurement of heat maps on a model's card, in place of one of the same data set and split.

    Returns: the card as it stands now; nothing else of the model is touched.
    Raises: ModelDamaged when the model cannot be read; OSError when the disk refuses, and the card is what it was.
    """
    where = model_folder(name, folder)
    load_card(name, folder)  # before the lock, which would make a folder for a model that is not there
    with only_writer(where):
        card = load_card(name, folder)
        others = (r for r in card.localisation if (r.dataset, r.split) != (record.dataset, record.split))
        kept = tuple(sorted((*others, record), key=lambda r: (r.dataset, r.split)))
        changed = replaced(card, localisation=kept)
        write_text(where / CARD, to_json(changed))
    return changed


def save_gate(changed: ModelCard, content: bytes, folder: Path | None = None) -> ModelCard:
    """Put a gate beside a model: `ood.npz`, and the card that names it, in place of an older gate.

    Args:
        changed: the model's card with `ood`, `referral` and the sha256 of `content`; other fields stay as stored.
    Raises: ModelDamaged when the model cannot be read, or the sha256 is another; OSError when the disk refuses, and
        what stood there before stands there still.
    """
    expected = changed.other_sha256.get(GATE)
    if changed.ood is None or expected != sha256_of(content):
        raise ModelDamaged(said("{name}: the card does not name this {gate}.", name=changed.name, gate=GATE))
    where = model_folder(changed.name, folder)
    load_card(changed.name, folder)  # before the lock, which would make a folder for a model that is not there
    with only_writer(where):
        card = load_card(changed.name, folder)
        if card.sha256 != changed.sha256:
            raise ModelDamaged(
                said("{name}: the model was replaced while its gate was fitted. Fit it again.", name=card.name)
            )
        card = replaced(
            card, ood=changed.ood, referral=changed.referral, other_sha256={**card.other_sha256, GATE: expected},
        )  # fmt: skip
        write_together(where, {GATE: content, CARD: to_json(card).encode("utf-8")}, last=CARD)
    return card


def save_model(
    card: ModelCard, files: Mapping[str, bytes | Path], folder: Path | None = None, *, replace: bool = False
) -> Path:
    """Store a model; card.json is written last, so that a model without it does not count.

    Args:
        card: `sha256` and `model_bytes` must be those of `files["model.keras"]`.
        files: file name -> content, or a file to copy; must hold "model.keras".
        replace: whether a model of this name may be overwritten.
    Returns: the folder of the model.
    Raises: ModelError when the name is no model name or is taken; ModelDamaged when the card does not fit the
        file; OSError when the disk refuses, and what stood there before stands there still.
    """
    target = model_folder(card.name, folder)
    model = files.get(MODEL)
    if model is None:
        raise ModelDamaged(
            said(
                "{name}: no {model} among the files to store ({listed}).",
                name=card.name,
                model=MODEL,
                listed=", ".join(files) or said("none"),
            )
        )
    size = len(model) if isinstance(model, bytes) else model.stat().st_size
    if size != card.model_bytes or sha256_of(model) != card.sha256:
        raise ModelDamaged(
            said("{name}: the card's sha256 or size is not that of {model}.", name=card.name, model=MODEL)
        )
    for file, expected in card.other_sha256.items():
        if file not in files or sha256_of(files[file]) != expected:
            raise ModelDamaged(
                said(
                    "{name}: {file} is not among the files to store, or not the one of the card.",
                    name=card.name,
                    file=file,
                )
            )
    if CARD in files:
        raise ModelDamaged(
            said(
                "{name}: {card} is written from the card itself and cannot be given as a file.",
                name=card.name,
                card=CARD,
            )
        )
    try:
        named: dict[str, bytes | Path] = {check_file_name(name): data for name, data in files.items()}
        named[CARD] = to_json(card).encode("utf-8")
    except StoreError as error:
        raise ModelDamaged(said("{name}: {reason}", name=card.name, reason=error)) from error
    with only_writer(target):
        if not replace and (target / CARD).exists():
            raise ModelError(
                said(
                    "A model {name} exists in {target}. Choose another name, or replace it on purpose.",
                    name=repr(card.name),
                    target=target,
                )
            )
        write_together(target, named, last=CARD)
    return target
