"""What a killed run goes on from: one file in the run's folder, replaced after every epoch, gone when the run is done.

It is written aside, flushed and renamed, so that a kill at any moment leaves this epoch's file or the one before.
A file of another spec, of other data or of other versions, or one that is damaged, counts as none.
"""

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.store.atomic import write_bytes

FILE = "checkpoint.bin"
VERSION = 1

Row = dict[str, float | int | str]


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """A checkpoint read back: history rows and seconds per stage so far, and the state of the training."""

    stage: str
    history: list[Row]
    seconds: dict[str, float]
    state: bytes


class Checkpoint:
    """The checkpoint file of one run; `identity` is what must be the same for it to count."""

    def __init__(self, folder: Path, identity: Mapping[str, str]) -> None:
        self.file = folder / FILE
        self.identity = {**identity, "version": str(VERSION)}

    def save(self, stage: str, history: Sequence[Row], seconds: Mapping[str, float], state: bytes) -> None:
        """Put this in the place of the one before. Raises OSError when the disk refuses."""
        about = {
            "identity": self.identity, "stage": stage, "history": list(history), "seconds": dict(seconds),
            "sha256": hashlib.sha256(state).hexdigest(),
        }  # fmt: skip
        write_bytes(self.file, json.dumps(about).encode("ascii") + b"\n" + state)

    def load(self) -> Saved | None:
        """The last one, or None where there is none that counts."""
        try:
            line, _, state = self.file.read_bytes().partition(b"\n")
            about: dict[str, Any] = json.loads(line)
            if about["identity"] != self.identity or about["sha256"] != hashlib.sha256(state).hexdigest():
                return None
            return Saved(about["stage"], about["history"], about["seconds"], state)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remove(self) -> None:
        """The run is done, or cannot be finished from here."""
        remove_checkpoint(self.file.parent)


def remove_checkpoint(folder: Path) -> None:
    """Take the checkpoint out of a run's folder, if there is one."""
    with contextlib.suppress(OSError):
        (folder / FILE).unlink(missing_ok=True)
