"""What a reader writes about a run: notes and tags on images, and the statements that no run can know.

One JSON file per run in a folder of the reader's own, never inside the run: a finished run is not changed by what
someone thinks of it. No picture and no score is written, only image ids as the run has them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from core import limits, paths
from core.errors import RunDamaged, StoreError
from core.language import said
from core.store.atomic import only_writer, write_text
from core.store.codec import from_json, to_json
from core.store.names import check_folder_name, read_limited

MOST_LETTERS = 2_000  # of one note or statement
MOST_TAGS = 8
MOST_NOTES = 5_000  # of one run


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageNote:
    """A reader's note on one image: free text, tags, and when it was written (UTC)."""

    image_id: str
    text: str
    tags: tuple[str, ...] = ()
    updated_utc: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNotes:
    """All notes on one run; `statements` maps an item of the model card to what a person states for it."""

    schema_version: int = 1
    run_id: str = ""
    notes: tuple[ImageNote, ...] = ()
    statements: Mapping[str, str] = field(default_factory=dict)

    def of(self, image_id: str) -> ImageNote | None:
        """The note on one image, if there is one."""
        return next((note for note in self.notes if note.image_id == image_id), None)


def notes_file(run_id: str, folder: Path | None = None) -> Path:
    """Where the notes on a run lie. Raises StoreError when `run_id` is no run id."""
    return (folder or paths.notes_folder()) / f"{check_folder_name(run_id, 'run id')}.json"


def load_notes(run_id: str, folder: Path | None = None) -> RunNotes:
    """The notes on a run, empty where there are none. Raises RunDamaged when the file cannot be read."""
    path = notes_file(run_id, folder)
    if not path.exists():
        return RunNotes(run_id=run_id)
    try:
        return from_json(RunNotes, read_limited(path, limits.MAX_RUN_JSON_BYTES))
    except StoreError as error:
        raise RunDamaged(
            said(
                "The notes on {run_id} in {path} cannot be read ({reason}). Mend or remove the file.",
                run_id=run_id,
                path=path,
                reason=error,
            )
        ) from error


def write_note(run_id: str, image_id: str, text: str, tags: Sequence[str] = (), folder: Path | None = None) -> RunNotes:
    """Keep a note on one image, in place of an earlier one; empty text without tags removes it.

    Raises: StoreError when the note is too long or there are too many; OSError when the disk refuses.
    """
    kept = tuple(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    if len(text) > MOST_LETTERS or len(kept) > MOST_TAGS or any(len(tag) > 60 for tag in kept):
        raise StoreError(
            said(
                "A note holds up to {most_letters:,} letters and {most_tags} tags of 60 letters; this "
                "one has {n:,} letters and {n_2} tags. Shorten it.",
                most_letters=MOST_LETTERS,
                most_tags=MOST_TAGS,
                n=len(text),
                n_2=len(kept),
            )
        )
    with only_writer(folder or paths.notes_folder()):
        told = load_notes(run_id, folder)
        others = tuple(note for note in told.notes if note.image_id != image_id)
        if len(others) >= MOST_NOTES:
            raise StoreError(
                said("There are {n:,} notes on this run, which is the limit; remove some first.", n=len(others))
            )
        new = ImageNote(image_id=image_id, text=text.strip(), tags=kept, updated_utc=_now())
        notes = (*others, new) if new.text or new.tags else others
        return _stored(replace(told, run_id=run_id, notes=notes), folder)


def write_statement(run_id: str, item: str, text: str, folder: Path | None = None) -> RunNotes:
    """Keep what a person states for an item of the model card; empty text removes it. Raises as `write_note`."""
    if len(text) > MOST_LETTERS:
        raise StoreError(
            said(
                "A statement holds up to {most_letters:,} letters; this one has {n:,}. Shorten it.",
                most_letters=MOST_LETTERS,
                n=len(text),
            )
        )
    with only_writer(folder or paths.notes_folder()):
        told = load_notes(run_id, folder)
        statements = {**told.statements, item: text.strip()}
        return _stored(
            replace(told, run_id=run_id, statements={k: v for k, v in statements.items() if v}), folder
        )  # fmt: skip


def _stored(notes: RunNotes, folder: Path | None) -> RunNotes:
    write_text(notes_file(notes.run_id, folder), to_json(notes))
    return notes


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
