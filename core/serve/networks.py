"""Networks that visitors bring along: an upload tried in a process of its own, and made a model folder."""

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO

from core.serve.adding import room_for
from core.types import ModelCard

if TYPE_CHECKING:
    from core.nn.foreign import ForeignReport

Report = Callable[[str], None]


def check_upload(upload: BinaryIO, report: Report, take: str = "") -> "ForeignReport":
    """What stands in an uploaded network, and what it gave for fixed pictures. Raises ModelRefused.

    Args:
        take: which of several outputs answers.
    """
    from core.nn.foreign import check_model, read_in_pieces

    with TemporaryDirectory(prefix="medlens-") as folder:
        file = Path(folder) / "upload"
        upload.seek(0)
        read_in_pieces(upload, file)
        return check_model(file, take=take, report=report)


def add_upload(upload: BinaryIO, stated: Mapping[str, object], report: Report) -> ModelCard:
    """A model folder made of an uploaded network; nothing is written over. Raises ModelError.

    Args:
        stated: fields of `core.nn.foreign_answers.ForeignAnswers`.
    """
    from core.nn.foreign import add_model, read_in_pieces
    from core.nn.foreign_answers import ForeignAnswers

    size = upload.seek(0, 2)
    with TemporaryDirectory(prefix="medlens-") as folder, room_for(size):
        file = Path(folder) / "upload"
        upload.seek(0)
        read_in_pieces(upload, file)
        return add_model(file, ForeignAnswers(**stated), report=report)
