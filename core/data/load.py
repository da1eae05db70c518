"""From a folder to a `DatasetTable`: read, check every file's header, hash every file, refuse or go on.

All problems of a data set are found in one go. With policy "stop" they are raised together; with "skip" the
rows concerned are left out and each is listed in `table.refused`. Nothing is ever dropped unsaid; what the options
`keep` and `keep_seed` leave out (core/data/thin.py) is counted in `table.notes`.
"""

import hashlib
import importlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import pandas as pd

from core.data.images import read_header
from core.data.phantom_path import is_phantom
from core.data.readers.common import ReadResult, listed
from core.data.sources import content_hash
from core.data.thin import Thinning, taken_out, thinned
from core.errors import DatasetInvalid, ImageRefused
from core.language import message_of, said, said_together
from core.paths import data_folder
from core.registry.datasets import dataset_spec
from core.types import DatasetSpec, DatasetTable

Policy = Literal["stop", "skip"]
HASH_THREADS = 8  # waiting for the disk, not the processor, is what takes the time
COLUMNS = ("image_id", "path", "label", "group", "split")


def load_table(
    key: str,
    root: Path | None = None,
    *,
    policy: Policy = "stop",
    options: Mapping[str, int | float | str] | None = None,
) -> DatasetTable:
    """Read the data set `key` from `root`.

    Args:
        root: the folder (or file) as downloaded; without it `folder_of`.
        policy: "stop" raises one error with every problem; "skip" leaves the rows concerned out and lists
            them in `table.refused`. What makes the whole folder unusable stops in either case.
        options: arguments of the reader, such as `name` of `medmnist`; besides, for every data set, `keep` and
            `keep_seed`.
    Returns: the table, in the order of the source, with `content_hash` per row.
    Raises: UnknownKey for an unknown `key`; SpecInvalid for an unknown option; DatasetInvalid otherwise.
    """
    spec = dataset_spec(key)
    of_reader, thinning = taken_out(options or {})
    folder = folder_of(spec) if root is None else Path(root).expanduser()
    if not folder.exists() and not spec.synthetic:
        raise DatasetInvalid(_absent(spec, folder, given=root is not None))
    reader = importlib.import_module(f"core.data.readers.{spec.reader}")
    result: ReadResult = reader.read(spec, folder, of_reader)
    if result.structural:
        raise DatasetInvalid(
            said("{title} cannot be read from {folder}.", title=said(spec.title), folder=folder),
            (*result.structural, *result.refused),
        )
    return _checked_table(result, folder, policy, thinning)


def folder_of(spec: DatasetSpec) -> Path:
    """Where a data set lies without a root: `<data folder>/<key>`, or all of it for one that joins others."""
    return data_folder() if spec.joins else data_folder() / spec.key


def _absent(spec: DatasetSpec, folder: Path, *, given: bool) -> str:
    if spec.manual_download:
        way_out = said("Get it by hand: {how}", how=said(spec.manual_download))
    else:
        way_out = said("Source: {address}", address=spec.source_url)
    if given:
        where = said("Check the path given as --root.")
    else:
        where = said("Give its folder with --root, or set MEDLENS_DATA.")
    absent = said("{title}: {folder} does not exist.", title=said(spec.title), folder=folder)
    return said_together(" ", [absent, where, way_out])


def _checked_table(result: ReadResult, folder: Path, policy: Policy, thinning: Thinning | None) -> DatasetTable:
    spec, rows = result.spec, result.rows.reset_index(drop=True)
    refused = list(result.refused)
    if len(rows):
        rows, found = _without_unknown_labels(spec, rows)
        refused += found
        rows, found = _without_repeated_ids(rows)
        refused += found
        rows, found = _with_content_hash(rows)
        refused += found
    if refused and policy == "stop":
        raise DatasetInvalid(
            said(
                "{title} in {folder} has {n} problem(s). Mend them, or load the set with policy 'skip', "
                "which leaves these images out and lists them.",
                title=said(spec.title),
                folder=folder,
                n=len(refused),
            ),
            refused,
        )
    if rows.empty:
        raise DatasetInvalid(
            said("{title}: no usable image in {folder}.", title=said(spec.title), folder=folder), refused
        )
    rows, left_out = (rows.reset_index(drop=True), ()) if thinning is None else thinned(rows, thinning, spec)
    notes = (*result.notes, *left_out)
    return DatasetTable(spec=spec, rows=rows, fingerprint=table_fingerprint(rows), refused=tuple(refused), notes=notes)


def _without_unknown_labels(spec: DatasetSpec, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    known = set(spec.class_names)
    if not known:
        return rows, []
    bad = {label: [t for t in label.split("|") if t not in known] for label in rows["label"].unique()}
    unknown = rows["label"].map(lambda label: bool(bad[label])).astype(bool)
    sentences = [
        said(
            "{image_id}: unknown label {listed}; known: {listed_2}",
            image_id=image_id,
            listed=listed(map(repr, bad[label])),
            listed_2=listed(spec.class_names, 20),
        )
        for image_id, label in zip(rows.loc[unknown, "image_id"], rows.loc[unknown, "label"], strict=True)
    ]
    return rows[~unknown], sentences


def _without_repeated_ids(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The first of several identical rows stays; where they contradict each other, none does."""
    repeated = rows["image_id"].duplicated(keep=False)
    drop: list[int] = []
    sentences: list[str] = []
    for image_id, same in rows[repeated].groupby("image_id", sort=True):
        agree = len(same[list(COLUMNS)].drop_duplicates()) == 1
        drop += list(same.index[1:] if agree else same.index)
        places = listed(same["path"].drop_duplicates())
        how = said("the rows are equal, the first counts") if agree else said("the rows contradict each other")
        sentences.append(
            said(
                "{image_id}: the id stands {n} times ({places}); {how}",
                image_id=image_id,
                n=len(same),
                places=places,
                how=how,
            )
        )
    return rows.drop(index=drop), sentences


def _with_content_hash(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Adds `content_hash`; rows whose file is absent, empty or no image by its header are left out."""
    if "content_hash" in rows.columns:
        return rows, []
    with ThreadPoolExecutor(HASH_THREADS) as pool:
        answers = list(pool.map(_hash_or_reason, rows["path"]))
    sentences = [
        said_together(": ", [image_id, reason])
        for image_id, (_, reason) in zip(rows["image_id"], answers, strict=True)
        if reason
    ]
    hashed = rows.assign(content_hash=[value for value, _ in answers])
    return hashed[hashed["content_hash"] != ""], sentences


def _hash_or_reason(path: str) -> tuple[str, str]:
    try:
        if not is_phantom(path) and ".npz#" not in path:  # those two have no file of their own
            read_header(Path(path))
        return content_hash(path), ""
    except ImageRefused as error:
        return "", message_of(error)
    except OSError as error:
        return "", said("{path} cannot be read: {reason}", path=path, reason=error.strerror or error)


def table_fingerprint(rows: pd.DataFrame) -> str:
    """32 hex digits that change with any row's id, label, group, split or content, and with nothing else."""
    columns = ("image_id", "label", "group", "split", "content_hash")
    digest = hashlib.blake2b(digest_size=16)
    for record in sorted(zip(*(rows[c].astype(str) for c in columns), strict=True)):
        digest.update("\x1f".join(record).encode() + b"\x1e")
    return digest.hexdigest()
