"""Scores from `python -m core score`, found again for the rows of a labelled data set.

A row's image is looked for by its path below the data set's folder, then below the folder that was scored, then by
its file name without ending where that is unique. A row is never given the score of another image by guessing.
"""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from core.data.phantom_path import is_phantom
from core.errors import DatasetInvalid, SpecInvalid
from core.store.scores import ScoreTable, load_refused, load_scores
from core.types import ModelCard

NAMED = 5


def stored_scores(
    file: Path, card: ModelCard, rows: pd.DataFrame, root: Path | None, *, skip_bad: bool = False
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """The scores of the data set's rows.

    Args:
        rows: with `image_id` and `path`.
        root: the data set's folder, where it has one.
        skip_bad: leave out rows whose images were refused when they were scored, by name.
    Returns: positions (m,) of the rows that are scored, in order; their scores (m, C); a sentence per row left out.
    Raises: SpecInvalid when another model or another file of it made the scores; DatasetInvalid with the first ids
        when images have no score, or two rows would share one; what `load_scores` raises.
    """
    table = load_scores(file)
    _check_model(file, table, card)
    refused = {entry.image_id: entry.reason for entry in load_refused(file)}
    found = _match(rows, root, table, list(map(str, table.image_ids)))
    left_out: dict[int, str] = {}
    if missing := [row for row, at in enumerate(found) if at is None]:
        among = _match(rows.iloc[missing], root, table, list(refused))
        ids, reasons = list(rows["image_id"]), list(refused.values())
        left_out = {row: f"{ids[row]}: {reasons[at]}" for row, at in zip(missing, among, strict=True) if at is not None}
        without = [str(ids[row]) for row in missing if not (skip_bad and row in left_out)]
        if without:
            raise DatasetInvalid(_missing_text(file, without, len(rows), 0 if skip_bad else len(left_out)))
    kept = np.array([row for row in range(len(rows)) if row not in left_out], dtype=np.int64)
    at = np.array([found[row] for row in kept], dtype=np.int64)
    for score, count in Counter(at.tolist()).items():
        if count > 1:
            raise DatasetInvalid(
                f"{file.name}: {table.image_ids[score]} would be the score of {count} rows of the data set, whose file "
                "names are alike. Score the data set's own folder (--root), so that paths tell them apart."
            )
    return kept, table.y_prob[at], tuple(left_out.values())


def _check_model(file: Path, table: ScoreTable, card: ModelCard) -> None:
    meta = table.meta
    if (meta.model_sha256, meta.class_names) != (card.sha256, card.class_names):
        raise SpecInvalid(
            f"{file.name} was made by {meta.model} ({meta.model_sha256[:12]}…, {', '.join(meta.class_names)}), not by "
            f"{card.name} ({card.sha256[:12]}…, {', '.join(card.class_names)}). Score the images with {card.name}."
        )


def _missing_text(file: Path, without: Sequence[str], total: int, n_refused: int) -> str:
    some = ", ".join(without[:NAMED]) + (", …" if len(without) > NAMED else "")
    text = f"{len(without):,} of {total:,} images have no score in {file.name}: {some}."
    if n_refused:
        text += f" {n_refused:,} of them were refused (see {file.name}.refused.csv); --skip-bad leaves those out."
    return f"{text} Images are matched by their path below --root, or by file name where that is unique."


def _match(rows: pd.DataFrame, root: Path | None, table: ScoreTable, names: Sequence[str]) -> list[int | None]:
    """For each row the position of its image in `names`, or None."""
    by_name = {name: at for at, name in enumerate(names)}
    stems = [PurePosixPath(name).stem for name in names]
    once = {stem for stem, count in Counter(stems).items() if count == 1}
    by_stem = {stem: at for at, stem in enumerate(stems) if stem in once}
    folders = [f"{os.path.realpath(folder)}{os.sep}" for folder in (root, table.meta.source) if folder is not None]
    found: list[int | None] = []
    for image_id, path in zip(rows["image_id"].astype(str), rows["path"].astype(str), strict=True):
        if is_phantom(path) or ".npz#" in path:  # no file of their own: written out under their id, if at all
            found.append(by_name.get(image_id, by_stem.get(image_id)))
            continue
        full = os.path.realpath(path)
        below = (by_name.get(Path(full[len(f) :]).as_posix()) for f in folders if full.startswith(f))
        found.append(next((at for at in below if at is not None), by_stem.get(Path(path).stem)))
    return found
