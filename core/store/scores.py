"""Scores of many unlabelled images in one file, as `python -m core score` writes it: the contract and the reader.

`FILE` (`.csv` or `.parquet`) has one row per image: `image_id` (path below the folder, or name in the ZIP, with
slashes), one `p_<class>` per class (calibrated, full precision), `decided` (what the card's threshold calls, several
of a multilabel model joined by "|", maybe none), `width_px`, `height_px`; for a model with a gate `unlike` too, how far
the picture lies from the training images: above `gate` of the sidecar its answer should not be believed.
`FILE.meta.json` says once what made them, `FILE.refused.csv` names what could not be read. Only a finished output has
the name FILE: see `score_writer.py`.

In CSV a text that a spreadsheet would run as a formula gets an apostrophe in front, and the reader takes it off
again; Parquet holds the names as they are.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core import limits
from core.errors import PredictionsInvalid, SpecInvalid, StoreError
from core.store.codec import SCHEMA_VERSION, from_json
from core.store.names import read_limited
from core.store.tables import csv_line
from core.tables import SUM_TOLERANCE
from core.types import PreprocessSpec, Task, Threshold

FORMATS = (".csv", ".parquet")
# OWASP, "CSV Injection": what makes a spreadsheet run a cell; and the apostrophe itself, so that it can be undone
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
SEVERAL = "|"
REFUSED_HEADER = ("image_id", "reason")
UNLIKE = "unlike"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreMeta:
    """What made the scores; `FILE.meta.json`. `n_scored` and `n_refused` count once `finished` is true.

    `source` is the folder or ZIP; `source_digest` is that of a ZIP's directory, empty for a folder; `listing` names
    the rule by which files were found, `limit` the most that were taken (None: all); `frame` says which frame or slice
    of DICOM and NIfTI files was taken; `gate` is the threshold on the column `unlike` (None: there is no such column);
    `numbers_sha256` is that of the table of numbers beside the pictures, empty for a network that takes none.
    """

    schema_version: int = SCHEMA_VERSION
    model: str
    run_id: str
    model_sha256: str
    engine: str
    task: Task
    class_names: tuple[str, ...]
    positive_class: str | None
    preprocess: PreprocessSpec
    temperature: float
    threshold: Threshold
    source: str
    source_digest: str
    listing: str
    limit: int | None
    frame: str = "middle"
    gate: float | None = None
    numbers_sha256: str = ""
    n_files: int
    n_scored: int = 0
    n_refused: int = 0
    finished: bool = False
    created_utc: str
    notice: str = ""


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that has no score, and one sentence that says why."""

    image_id: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ScoreTable:
    """All scores of one file, in its order.

    Args:
        image_ids, decided: (n,) strings; several decided classes of a multilabel model are joined by "|".
        y_prob: (n, C) float64 in the order of `meta.class_names`; rows sum to 1 unless multilabel.
        width_px, height_px: (n,) int64, of the picture as read (upright).
        unlike: (n,) float64 scores of the gate; None for a model without one.
    Raises: PredictionsInvalid naming the row when the columns differ in length, an image stands twice, a score is
        no probability, a row does not sum to 1, or `decided` is no class.
    """

    meta: ScoreMeta
    image_ids: np.ndarray
    y_prob: np.ndarray
    decided: np.ndarray
    width_px: np.ndarray
    height_px: np.ndarray
    unlike: np.ndarray | None = None

    def __post_init__(self) -> None:
        n, names = len(self.image_ids), self.meta.class_names
        columns = (self.decided, self.width_px, self.height_px)
        if self.y_prob.shape != (n, len(names)) or any(len(column) != n for column in columns):
            raise PredictionsInvalid(
                f"{n} image ids, but scores of shape {self.y_prob.shape} (expected {(n, len(names))}) and columns of "
                f"{', '.join(str(len(column)) for column in columns)} rows."
            )
        if (self.unlike is None) != (self.meta.gate is None) or (self.unlike is not None and len(self.unlike) != n):
            raise PredictionsInvalid(
                f"the column {UNLIKE!r} does not fit the sidecar (gate {self.meta.gate}, {n} rows)."
            )
        first: dict[str, int] = {}
        for row, image_id in enumerate(self.image_ids, start=1):
            if first.setdefault(image_id, row) != row:
                raise PredictionsInvalid(f"row {row}: {image_id} stands in row {first[image_id]} already.")
        self._check_scores()
        known = set(names)
        for row, called in enumerate(self.decided, start=1):
            classes = called.split(SEVERAL) if called else []
            if not known.issuperset(classes) or (len(classes) != 1 and self.meta.task != "multilabel"):
                raise PredictionsInvalid(
                    f"row {row} ({self.image_ids[row - 1]}): decided is {called!r}; the classes are {', '.join(names)}."
                )

    def _check_scores(self) -> None:
        bad = ~((self.y_prob >= 0) & (self.y_prob <= 1 + SUM_TOLERANCE)).all(axis=1)  # NaN compares false
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise PredictionsInvalid(
                f"row {row + 1} ({self.image_ids[row]}): {self.y_prob[row].tolist()} are no probabilities from 0 to 1."
            )
        if self.meta.task != "multilabel" and len(self.y_prob):
            sums = self.y_prob.sum(axis=1)
            row = int(np.abs(sums - 1).argmax())
            if abs(sums[row] - 1) > SUM_TOLERANCE:
                raise PredictionsInvalid(
                    f"row {row + 1} ({self.image_ids[row]}): the scores sum to {sums[row]:.6f}, expected 1."
                )

    def __len__(self) -> int:
        return len(self.image_ids)


def score_columns(meta: ScoreMeta) -> list[str]:
    """The columns of a score file, in order."""
    always = ["image_id", *(f"p_{name}" for name in meta.class_names), "decided", "width_px", "height_px"]
    return always if meta.gate is None else [*always, UNLIKE]


def beside(path: Path, ending: str) -> Path:
    """`path` with `ending` after its whole name: scores.csv -> scores.csv.meta.json."""
    return path.with_name(path.name + ending)


def check_format(path: Path) -> str:
    """ ".csv" or ".parquet". Raises SpecInvalid when `path` ends otherwise."""
    if path.suffix.lower() not in FORMATS:
        raise SpecInvalid(
            f"{path.name}: expected a name that ends in {' or '.join(FORMATS)}; the ending is the format."
        )
    return path.suffix.lower()


def guarded_text(text: str) -> str:
    """`text` for a CSV cell, with an apostrophe in front where a spreadsheet would run it as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def unguarded_text(cell: str) -> str:
    """What `guarded_text` was given."""
    return cell.removeprefix("'")


def score_line(
    image_id: str, probabilities: Sequence[float], decided: str, width_px: int, height_px: int, *unlike: float
) -> str:
    """One row of CSV, with its line end; `unlike` is one score for a model with a gate, none for another."""
    numbers = [float(p) for p in probabilities]
    return csv_line([guarded_text(image_id), *numbers, guarded_text(decided), width_px, height_px, *unlike])


def parse_score_row(cells: Sequence[str], meta: ScoreMeta) -> tuple[object, ...]:
    """image_id, each score, decided, width and height in pixels, and `unlike` of a model with a gate, in order.

    Raises: ValueError with what is wrong.
    """
    width, expected = len(meta.class_names), len(score_columns(meta))
    if len(cells) != expected:
        raise ValueError(f"{len(cells)} cells, expected {expected}")
    scores = [float(cell) for cell in cells[1 : 1 + width]]
    decided, sides = unguarded_text(cells[1 + width]), [int(cell) for cell in cells[2 + width : 4 + width]]
    return unguarded_text(cells[0]), *scores, decided, *sides, *(float(cell) for cell in cells[4 + width :])


def load_meta(path: Path) -> ScoreMeta:
    """`FILE.meta.json` of the score file `path`. Raises StoreError when it is missing or not readable."""
    sidecar = beside(path, ".meta.json")
    try:
        return from_json(ScoreMeta, read_limited(sidecar, limits.MAX_RUN_JSON_BYTES))
    except StoreError as error:
        text = str(error)
        raise StoreError(text if text.startswith(sidecar.name) else f"{sidecar.name}: {text}") from error


def load_scores(path: Path) -> ScoreTable:
    """A finished score file with its sidecar, checked.

    Raises: StoreError when a file is missing, too large, not finished or not readable; PredictionsInvalid naming
        the row when the scores contradict themselves; SpecInvalid when `path` is neither .csv nor .parquet.
    """
    path = Path(path)
    kind = check_format(path)
    if not path.is_file():
        unfinished = beside(path, ".part").exists()
        way_out = "it is not finished: the same `score` command goes on from there" if unfinished else "check the path"
        raise StoreError(f"{path.name} does not exist; {way_out}.")
    meta = load_meta(path)
    size = path.stat().st_size
    if size > limits.MAX_PREDICTIONS_BYTES:
        raise StoreError(f"{path.name} has {size:,} bytes, the limit is {limits.MAX_PREDICTIONS_BYTES:,}.")
    try:
        read = _read_csv if kind == ".csv" else _read_parquet
        table = read(path, meta)
    except PredictionsInvalid as error:
        raise PredictionsInvalid(f"{path.name}, {error}") from error
    if not meta.finished or len(table) != meta.n_scored:
        raise StoreError(
            f"{path.name} has {len(table):,} rows, but its sidecar says "
            f"{f'{meta.n_scored:,}' if meta.finished else 'that it is not finished'}. Score the images again."
        )
    return table


def load_refused(path: Path) -> tuple[RefusedFile, ...]:
    """What `FILE.refused.csv` of the score file `path` names. Raises StoreError when it is missing or damaged."""
    refused = beside(Path(path), ".refused.csv")
    try:
        rows = [[unguarded_text(cell) for cell in cells] for cells in _csv_rows(refused, REFUSED_HEADER)]
        return tuple(RefusedFile(image_id, reason) for image_id, reason in rows)
    except (PredictionsInvalid, ValueError) as error:
        raise StoreError(f"{refused.name} cannot be read ({error})") from error


def _csv_rows(path: Path, header: Sequence[str]) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = csv.reader(stream, strict=True)
            found = next(rows, [])
            if found != list(header):
                raise PredictionsInvalid(f"the header is {','.join(found)[:200]!r}, expected {','.join(header)!r}.")
            yield from rows
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StoreError(f"{path.name} cannot be read ({error})") from error


def _read_csv(path: Path, meta: ScoreMeta) -> ScoreTable:
    expected = score_columns(meta)
    rows = []
    for number, cells in enumerate(_csv_rows(path, expected), start=1):
        try:
            rows.append(parse_score_row(cells, meta))
        except ValueError as error:
            raise PredictionsInvalid(f"row {number} cannot be read ({error}).") from error
    return _table(list(zip(*rows, strict=True)) if rows else [()] * len(expected), meta)


def _read_parquet(path: Path, meta: ScoreMeta) -> ScoreTable:
    import pyarrow
    import pyarrow.parquet

    expected = score_columns(meta)
    try:
        columns = pyarrow.parquet.read_table(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise StoreError(f"{path.name} cannot be read as Parquet ({str(error)[:200]})") from error
    if columns.column_names != expected:
        raise PredictionsInvalid(f"the columns are {columns.column_names}, expected {expected}.")
    try:
        return _table([columns.column(name).to_numpy() for name in expected], meta)
    except (TypeError, ValueError) as error:
        raise PredictionsInvalid(f"a column has values of another kind ({error}).") from error


def _table(columns: Sequence[Sequence[object] | np.ndarray], meta: ScoreMeta) -> ScoreTable:
    """The table of columns in the order of `score_columns`. Raises TypeError or ValueError for other kinds."""
    width = len(meta.class_names)
    ids, decided = (np.array([str(cell) for cell in columns[at]], dtype=object) for at in (0, 1 + width))
    scores = np.array(columns[1 : 1 + width], dtype=np.float64).T.reshape(len(ids), width)
    widths, heights = (np.asarray(columns[at], dtype=np.int64) for at in (2 + width, 3 + width))
    unlike = None if meta.gate is None else np.asarray(columns[4 + width], dtype=np.float64)
    return ScoreTable(
        meta=meta, image_ids=ids, y_prob=scores, decided=decided, width_px=widths, height_px=heights, unlike=unlike
    )  # fmt: skip
