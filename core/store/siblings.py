"""Heads beside a shipped network: `siblings.json` and one skops file each, in the model's own folder.

They are bound to the network by its sha256: exported anew, it has other features, and the old heads no longer count.
The files are read and compared here, never opened; `core/nn/siblings.py` does that.
"""

from collections.abc import Mapping
from pathlib import Path

from core import limits
from core.errors import ModelDamaged, StoreError
from core.language import said
from core.store.atomic import only_writer, write_together
from core.store.codec import from_json, to_json
from core.store.models import load_card, model_folder
from core.store.names import check_file_name, read_limited, sha256_of
from core.types import ModelCard, Sibling, SiblingSet

SIBLINGS = "siblings.json"


def load_siblings(card: ModelCard, folder: Path | None = None) -> SiblingSet | None:
    """The siblings of a model, None where it has none; their files are not read yet.

    Raises: ModelDamaged when they cannot be read, or belong to another network.
    """
    path = model_folder(card.name, folder) / SIBLINGS
    if not path.is_file():
        return None
    try:
        found = from_json(SiblingSet, read_limited(path, limits.MAX_CARD_BYTES))
        for sibling in found.siblings:
            check_file_name(sibling.file)
    except StoreError as error:
        raise ModelDamaged(
            said(
                "{name}: its heads cannot be used, {siblings} is {reason}",
                name=card.name,
                siblings=SIBLINGS,
                reason=error,
            )
        ) from error
    if found.model_sha256 != card.sha256:
        raise ModelDamaged(
            said(
                "{name}: its heads were fitted on another network (sha256 {model_sha256}…, the card says "
                "{sha256}…). Fit them again: python -m core models siblings {name} --write",
                name=card.name,
                model_sha256=found.model_sha256[:12],
                sha256=card.sha256[:12],
            )
        )
    if not 1 <= len(found.siblings) <= limits.MAX_SIBLINGS:
        raise ModelDamaged(
            said(
                "{name}: {siblings} names {n} heads; expected are 1 to {most}.",
                name=card.name,
                siblings=SIBLINGS,
                n=len(found.siblings),
                most=limits.MAX_SIBLINGS,
            )
        )
    return found


def sibling_bytes(card: ModelCard, sibling: Sibling, folder: Path | None = None) -> bytes:
    """The file of one sibling, compared with its sha256 as it is read. Raises ModelDamaged."""
    try:
        content = read_limited(model_folder(card.name, folder) / sibling.file, limits.MAX_SIBLING_BYTES)
    except StoreError as error:
        raise ModelDamaged(said("{name}: {reason}", name=card.name, reason=error)) from error
    if sha256_of(content) != sibling.sha256:
        raise ModelDamaged(
            said(
                "{name}: {file} is not the one of {siblings}: its sha256 is another.",
                name=card.name,
                file=sibling.file,
                siblings=SIBLINGS,
            )
        )
    return content


def save_siblings(
    name: str, found: SiblingSet, files: Mapping[str, bytes], folder: Path | None = None
) -> tuple[Path, int]:
    """Put siblings beside a model, in place of older ones; its card is not touched.

    Returns: the model's folder, and how many bytes it holds with them.
    Raises: ModelDamaged when the files are not those of `found`, it is of another network, or the folder would grow
        over the limit; OSError when the disk refuses.
    """
    target = model_folder(name, folder)
    card = load_card(name, folder)  # before the lock, which would make a folder for a model that is not there
    if found.model_sha256 != card.sha256:
        raise ModelDamaged(
            said("{name}: the model was replaced while its heads were fitted. Fit them again.", name=name)
        )
    for sibling in found.siblings:
        content = files.get(sibling.file)
        if content is None or sha256_of(content) != sibling.sha256:
            raise ModelDamaged(
                said("{name}: {file} is not among the files to store, or another one.", name=name, file=sibling.file)
            )
    with only_writer(target):
        old = {path.name for path in target.glob("sibling-*.skops")}
        kept = sum(p.stat().st_size for p in target.iterdir() if p.is_file() and p.name not in {*old, SIBLINGS})
        text = to_json(found).encode("utf-8")
        total = kept + len(text) + sum(map(len, files.values()))
        if total > limits.MAX_SHIPPED_BYTES:
            raise ModelDamaged(
                said(
                    "{name}: with its heads the folder would have {total:.1f} MB; at most {most:.0f} MB are "
                    "shipped. Leave a head out with --head.",
                    name=name,
                    total=total / 1e6,
                    most=limits.MAX_SHIPPED_BYTES / 1e6,
                )
            )
        write_together(target, {**files, SIBLINGS: text}, last=SIBLINGS)
        for stale in old - set(files):
            (target / stale).unlink(missing_ok=True)
    return target, total
