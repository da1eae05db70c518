"""Every file below a folder, by name: the same list every time, and nothing left out unsaid.

The rule: all levels, sorted by path; names that begin with a dot are hidden and left out. Links to files are
followed, links to folders are not, so that no loop can be walked: they stand in the list and are refused when read.
"""

import os
import stat
from collections.abc import Collection
from pathlib import Path

import numpy as np

from core.data.frames import FrameChoice
from core.data.images import MIDDLE, decode_image
from core.errors import DataError, ImageRefused
from core.language import said

RULE = "files of all levels by path, hidden ones left out, links to folders not followed"


class FolderImages:
    """The files of a folder as pictures. Safe for several threads."""

    kind, rule, digest = "folder", RULE, ""

    def __init__(self, folder: Path, leave_out: Collection[Path] = (), frame: FrameChoice = MIDDLE) -> None:
        """Look at nothing yet.

        Args:
            leave_out: files that are not listed, such as the output when it lies in the folder.
            frame: which frame or slice of DICOM and NIfTI files is read.
        Raises: DataError when `folder` is no folder.
        """
        if not folder.is_dir():
            raise DataError(
                said("{folder} is no folder; expected a folder of images, or a ZIP of them.", folder=folder)
            )
        self.folder, self._frame = folder, frame
        self._leave_out = {str(path.parent.resolve() / path.name) for path in leave_out}

    def names(self) -> list[str]:
        """Paths below the folder with slashes, sorted; folders that cannot be read or are links stand among them."""
        names: list[str] = []
        top = str(self.folder.resolve())
        waiting = [""]
        while waiting:
            below = waiting.pop()
            try:
                with os.scandir(f"{top}/{below}") as entries:
                    for entry in entries:
                        name = f"{below}{entry.name}"
                        if entry.name.startswith("."):
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(f"{name}/")
                        elif f"{top}/{name}" not in self._leave_out:
                            names.append(name)
            except OSError:
                names.append(below or ".")  # `read` says why
        return sorted(names)

    def read(self, name: str) -> np.ndarray:
        """The picture of one name of the list: uint8 (H, W, 3) RGB. Raises ImageRefused with one sentence."""
        path = self.folder / name
        try:
            kind = path.stat().st_mode
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or said("not a usable path")
            raise ImageRefused(said("{name}: the file cannot be read ({reason}).", name=name, reason=reason)) from error
        if stat.S_ISDIR(kind):
            if path.is_symlink():
                raise ImageRefused(
                    said("{name}: a link to a folder is not followed; score that folder itself.", name=name)
                )
            raise ImageRefused(said("{name}: the folder cannot be listed; check who may read it.", name=name))
        if not stat.S_ISREG(kind):  # opening a pipe would wait for ever
            raise ImageRefused(said("{name}: it is no file but a pipe, a socket or a device.", name=name))
        return decode_image(path, name, self._frame)

    def close(self) -> None:
        """Nothing stays open between pictures."""
