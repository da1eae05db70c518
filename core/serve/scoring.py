"""A folder or ZIP of images of any size through a model, into one score file: bounded memory, resumable.

Threads take a batch each, decode it and run the network on it, a few batches ahead and never more; rows are appended
in the order of the listing. Which images share a batch depends on the listing alone, so that a work that was killed
and gone on with gives the same bytes as one that was not.
"""

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

import numpy as np

from core.data.ahead import in_order
from core.data.frames import FrameChoice
from core.data.images import MIDDLE, fit_image
from core.data.numbers import NumberTable, table_beside
from core.data.walk import FolderImages
from core.data.zips import ZipImages
from core.errors import DataError, ImageRefused, SpecInvalid
from core.evaluation.decision import decided_rows
from core.store.score_work import is_control, printable_name, work_files
from core.store.score_writer import Row, ScoreWriter
from core.store.scores import SEVERAL, RefusedFile, ScoreMeta
from core.types import ModelCard

if TYPE_CHECKING:
    from core.nn.serving import Predictor

BATCH_SIZE = 16  # larger batches are no faster on two cores
AT_ONCE = 8  # images that a worker hands to the network, which then needs no threads of its own
AHEAD = 4  # answered batches that may wait for a slow one before them
NOTICE = "Research and teaching only: not a medical device, not a diagnosis."
LOADING, LISTING, SCORING, WRITING = "loading the model", "listing the files", "scoring", "writing the file"


Report = Callable[[str, int, int], None]  # stage, done, of how many


class ImageSource(Protocol):
    """Where the pictures are: `core.data.walk.FolderImages` or `core.data.zips.ZipImages`."""

    rule: str
    digest: str

    def names(self) -> list[str]: ...
    def read(self, name: str) -> np.ndarray: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """What became of the files: `n_before` of them were done when this call began. `seconds` are of scoring alone."""

    meta: ScoreMeta
    n_before: int
    seconds: float

    @property
    def images_per_second(self) -> float:
        """Files of this call, refused ones included, per second of scoring."""
        return (self.meta.n_files - self.n_before) / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some files after decoding: pictures (k, S, S, 3) with name, width, height and numbers (k, j); and the rest."""

    pixels: np.ndarray
    read: tuple[tuple[str, int, int], ...]
    refused: tuple[RefusedFile, ...]
    table: np.ndarray | None


@dataclass(frozen=True, slots=True)
class _Work:
    """What all batches share; `named` counts the files of each name, whatever their folder."""

    images: ImageSource
    predictor: "Predictor"
    numbers: NumberTable | None
    named: Counter[str]


def score_images(
    source: Path,
    model: str,
    out: Path,
    *,
    batch_size: int = BATCH_SIZE,
    restart: bool = False,
    limit: int | None = None,
    frame: FrameChoice = MIDDLE,
    table: Path | None = None,
    report: Report = lambda _stage, _done, _total: None,
    predictor: "Predictor | None" = None,
) -> ScoreSummary:
    """Score every image of a folder (all levels) or ZIP with models/<model> into `out`, or go on where that stopped.

    Args:
        out: a name that ends in .csv or .parquet; its sidecar and its list of refused files appear beside it.
        restart: throw away what an earlier call wrote to `out`, finished or not.
        limit: take only the first so many files of the sorted listing.
        frame: which frame or slice of DICOM and NIfTI files is scored, by default the middle one; the sidecar says it.
        table: for a network that takes numbers beside the picture: CSV with a column `file` (path below the folder, or
            the name where only one picture has it) and one for each number; a picture without a row is refused.
        report: called after each batch with ("scoring", files done, files).
        predictor: used in place of the model's own.
    Raises: SpecInvalid or DataError when there is nothing to score or an argument is out of range, the latter with
        every row of `table` that is wrong; RunFinished
        when `out` is finished; StoreError when it cannot be written or gone on with; ModelError.
    """
    if batch_size < 1 or (limit is not None and limit < 1):
        raise SpecInvalid(f"batch size {batch_size}, limit {limit}: expected whole numbers of at least 1.")
    with closing(open_source(source, work_files(out), frame)) as images:
        report(LOADING, 0, 1)
        predictor = predictor or _load(model)
        numbers = table_beside(predictor.card, table)

        def listed() -> list[str]:
            report(LISTING, 0, 1)
            names = images.names()[:limit]
            if not names:
                raise DataError(f"{source} holds no file (hidden ones do not count); there is nothing to score.")
            return names

        meta = _meta(predictor, source, images, limit, frame, numbers)
        with ScoreWriter.open(out, meta, listed, batch_size=batch_size, restart=restart) as writer:
            n_before = writer.done
            started = datetime.now(UTC)
            work = _Work(images, predictor, numbers, Counter(PurePosixPath(name).name for name in writer.names))
            _score_rest(writer, work, batch_size, report)
            seconds = (datetime.now(UTC) - started).total_seconds()
            report(WRITING, 0, 1)
            return ScoreSummary(writer.finish(), n_before, seconds)


def open_source(source: Path, leave_out: Sequence[Path] = (), frame: FrameChoice = MIDDLE) -> ImageSource:
    """The pictures of a folder or of a ZIP (told by its content). Raises DataError when it is neither."""
    if source.is_file():
        return ZipImages(source, frame)
    if not source.exists():
        raise DataError(f"{source} does not exist; expected a folder of images, or a ZIP of them.")
    return FolderImages(source, leave_out, frame)


def _load(model: str) -> "Predictor":
    from core.nn.pool import shared_predictor

    return shared_predictor(model)


def _meta(
    predictor: "Predictor",
    source: Path,
    images: ImageSource,
    limit: int | None,
    frame: FrameChoice,
    numbers: NumberTable | None,
) -> ScoreMeta:
    card: ModelCard = predictor.card
    if any(is_control(c) or c == SEVERAL for name in card.class_names for c in name):
        raise SpecInvalid(f"{card.name}: a class name holds {SEVERAL!r}, a line break or another control character.")
    return ScoreMeta(
        model=card.name, run_id=card.run_id, model_sha256=card.sha256, engine=predictor.engine, task=card.task,
        class_names=card.class_names, positive_class=card.positive_class, preprocess=card.preprocess,
        temperature=card.temperature, threshold=card.threshold, source=printable_name(str(source.resolve())),
        source_digest=images.digest, listing=images.rule, limit=limit, frame=frame.text or "middle", n_files=0,
        gate=None if card.ood is None else card.ood.threshold, numbers_sha256=numbers.sha256 if numbers else "",
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"), notice=NOTICE,
    )  # fmt: skip


def _score_rest(writer: ScoreWriter, work: _Work, batch_size: int, report: Report) -> None:
    total = len(writer.names)
    report(SCORING, writer.done, total)
    with closing(_answered(writer.names, writer.done, work, batch_size)) as batches:
        for rows, refused in batches:
            writer.append(rows, refused)
            report(SCORING, writer.done, total)


def _answered(
    names: Sequence[str], start: int, work: _Work, batch_size: int
) -> Generator[tuple[list[Row], tuple[RefusedFile, ...]], None, None]:
    """Rows and refusals of the files from `start` on, batch by batch and in order, made ahead of whoever wants them."""

    def answer(at: int) -> tuple[list[Row], tuple[RefusedFile, ...]]:
        batch = _decode(names[at : at + batch_size], work)
        return _rows(batch, work.predictor), batch.refused

    # who decodes a batch also runs it: nothing is handed over, and every core is at work all the time
    return in_order(answer, range(start, len(names), batch_size), workers=workers(), ahead=AHEAD)


def workers() -> int:
    """Batches in work at the same time: one per core."""
    from core.nn.runtime import cores

    return cores()


def _decode(names: Sequence[str], work: _Work) -> _Batch:
    preprocess, numbers = work.predictor.card.preprocess, work.numbers
    pixels, read, refused, rows = [], [], [], []
    for name in names:
        try:
            if any(map(is_control, name)):
                raise ImageRefused("its name holds control characters or bytes that are no Unicode; rename the file.")
            row = numbers.of(name, alone=work.named[PurePosixPath(name).name] == 1) if numbers else ()
            rgb = work.images.read(name)
            pixels.append(fit_image(rgb, preprocess))
        except ImageRefused as error:
            refused.append(RefusedFile(printable_name(name), printable_name(str(error))))
            continue
        read.append((name, rgb.shape[1], rgb.shape[0]))
        rows.append(row)
    side = preprocess.size_px
    stacked = np.stack(pixels) if pixels else np.empty((0, side, side, 3), np.uint8)
    table = np.asarray(rows, dtype=np.float64) if numbers and rows else None
    return _Batch(stacked, tuple(read), tuple(refused), table)


def _rows(batch: _Batch, predictor: "Predictor") -> list[Row]:
    if not batch.read:
        return []
    parts = [slice(at, at + AT_ONCE) for at in range(0, len(batch.pixels), AT_ONCE)]
    judged = [
        predictor.judged(batch.pixels[part], table=None if batch.table is None else batch.table[part]) for part in parts
    ]
    probabilities = np.concatenate([found for found, _ in judged])
    unlike: list[tuple[float, ...]] = [()] * len(batch.read)
    if predictor.card.ood is not None:
        unlike = [(answer.score,) for _, answers in judged for answer in answers]
    decided = decided_rows(probabilities, predictor.card)
    return [
        (name, scores, SEVERAL.join(called), width_px, height_px, *far)
        for (name, width_px, height_px), scores, called, far in zip(
            batch.read, probabilities.tolist(), decided, unlike, strict=True
        )
    ]
