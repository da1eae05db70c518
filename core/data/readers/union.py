"""`union`: a target data set and others beside it, whose labels meet in "none" and "opacity".

The test part is of the target alone, and is the one that a run on the target alone has; the others only teach. Their
own test parts are left alone, so that whoever keeps them for a judgement still can.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from core.data.labelling import apply_scheme
from core.data.readers.common import Findings, ReadResult, check_options, listed
from core.data.splits import assign_splits, default_kind
from core.data.stratify import allocate, units_of
from core.errors import DatasetInvalid, SpecInvalid
from core.language import message_of, said, said_together
from core.registry.labels import label_scheme
from core.registry.unions import DEFAULTS, MEETING, SEPARATOR, meeting_labels
from core.types import DatasetSpec, DatasetTable

OUTSIDE_PARTS = ("train", "validation")
OUTSIDE_FRACTIONS = (0.75, 0.25)  # as in the target, where train to validation is 60 to 20


def read(spec: DatasetSpec, root: Path, options: Mapping[str, int | float | str]) -> ReadResult:
    """Read `root`/<key> of every data set in the union. Metadata: `source` (a key), `source_label` (raw, there).

    Options: `target`, `outside` (several joined by ","), `split_seed` (of all parts). Ids and groups are
    <source>/<its own>.
    Raises: SpecInvalid for options that make no union; UnknownKey for a data set whose labels meet no other's.
    """
    check_options(spec, options, DEFAULTS)
    target, outside, seed = _checked({**DEFAULTS, **options})
    findings = Findings()
    frames = []
    for key in (target, *outside):
        table = _table(key, root / key, findings)
        if table is not None:
            frames.append(_met(_target_rows(table, seed) if key == target else _outside_rows(table, findings), key))
    joined = []
    for frame in frames:
        kept = _counted(frame, findings)
        joined.append(kept if frame["source"].iloc[0] == target else _divided(kept, seed))
    if findings.structural:
        return findings.result(spec, [])
    rows = pd.concat(joined, ignore_index=True)
    return ReadResult(spec=spec, rows=rows, refused=tuple(findings.refused), notes=tuple(findings.notes))


def _checked(options: Mapping[str, int | float | str]) -> tuple[str, tuple[str, ...], int]:
    target, names, seed = options["target"], options["outside"], options["split_seed"]
    outside = tuple(name.strip() for name in str(names).split(",") if name.strip())
    for key in (str(target), *outside):
        meeting_labels(key)
    if not outside or len(set(outside)) < len(outside) or target in outside:
        raise SpecInvalid(
            said(
                "union: target {target} and outside {names} make none; expected a target and, joined by "
                "a comma, one or more others of {listed}.",
                target=repr(target),
                names=repr(names),
                listed=", ".join(MEETING),
            )
        )
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SpecInvalid(said("union: split_seed = {seed}; expected a whole number from 0.", seed=repr(seed)))
    return str(target), outside, seed


def _table(key: str, folder: Path, findings: Findings) -> DatasetTable | None:
    """The table of one data set, faulty rows left out; what is wrong with it goes to `findings`."""
    from core.data.load import load_table  # which imports the readers by name

    try:
        table = load_table(key, folder, policy="skip")
    except DatasetInvalid as error:
        findings.structural.append(said_together(": ", [key, message_of(error)]))
        return None
    findings.refused += [said_together(": ", [key, sentence]) for sentence in table.refused]
    findings.notes += [said_together(": ", [key, sentence]) for sentence in table.notes]
    return table


def _target_rows(table: DatasetTable, seed: int) -> pd.DataFrame:
    """All rows of the target in the parts that a run on it alone draws, whatever the labels are called."""
    scheme = label_scheme(meeting_labels(table.spec.key).split_scheme, table.spec)
    labelled = assign_splits(apply_scheme(table, scheme), default_kind(table), seed)
    return labelled.rows.assign(split=labelled.splits)


def _outside_rows(table: DatasetTable, findings: Findings) -> pd.DataFrame:
    """The rows that may teach: all but the source's own test part."""
    kept = table.rows[table.rows["split"] != "test"]
    if len(kept) < len(table):
        findings.notes.append(
            said(
                "{key}: the {n:,} images of its own test part were left alone",
                key=table.spec.key,
                n=len(table) - len(kept),
            )
        )
    return kept


def _met(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """The rows under names of their own; `label` is the label in which data sets meet, "" where it is neither."""
    meeting = meeting_labels(key)
    met = {raw: meeting.meeting_label(raw) or "" for raw in rows["label"].unique()}
    return pd.DataFrame(
        {
            "image_id": key + SEPARATOR + rows["image_id"].astype(str),
            "path": rows["path"],
            "label": rows["label"].map(met),
            "group": key + SEPARATOR + rows["group"].astype(str),
            "split": rows["split"],
            "content_hash": rows["content_hash"],
            "source": key,
            "source_label": rows["label"],
        }
    )


def _counted(rows: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """The rows whose label is an opacity or none; what is left out is counted by label."""
    neither = rows.loc[rows["label"] == "", "source_label"].value_counts()
    if len(neither):
        some = listed([f"{label} ({count:,})" for label, count in neither.items()], 5)
        findings.notes.append(
            said(
                "{source}: {n:,} of {n_2:,} images were left out, as their labels are neither an opacity "
                "nor none: {some}",
                source=rows["source"].iloc[0],
                n=neither.sum(),
                n_2=len(rows),
                some=some,
            )
        )
    return rows[rows["label"] != ""]


def _divided(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Outside rows in train and validation: by group, stratified by label, whatever the order of the rows."""
    units = units_of(rows["group"].tolist(), rows["content_hash"].astype(str).tolist())
    one_hot = pd.get_dummies(rows["label"]).to_numpy(dtype=np.int64)
    strata = np.zeros((int(units.max()) + 1, one_hot.shape[1]), dtype=np.int64)
    np.add.at(strata, units, one_hot)
    # each source draws for itself, so that another one beside it changes nothing
    rng = np.random.default_rng([seed, *rows["source"].iloc[0].encode()])
    part = allocate(strata, strata, OUTSIDE_FRACTIONS, rng)
    return rows.assign(split=np.array(OUTSIDE_PARTS, dtype=object)[part[units]])
