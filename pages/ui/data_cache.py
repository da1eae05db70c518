"""The cached functions of the Data page: pictures of a label, copies, and what a random split pretends."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core import paths
from core.errors import ImageRefused
from core.registry.labels import AS_IS, label_scheme
from core.types import Comparison, DatasetSpec, DatasetTable, RunRecord
from pages.ui import cache
from pages.ui.cache import Sample

if TYPE_CHECKING:
    from core.data.copies import CopyReport


def wall(table: DatasetTable, label: str, turn: int, count: int) -> tuple[Sample, ...]:
    """`count` pictures with the raw token `label` ("" for any), one per group; another draw for every `turn`.

    Pictures that cannot be read are passed over.
    """
    return _wall(table.spec.key, table.fingerprint, label, turn, count, table)


@st.cache_resource(max_entries=24, show_spinner=False)  # the arrays are never written into
def _wall(key: str, fingerprint: str, label: str, turn: int, count: int, _table: DatasetTable) -> tuple[Sample, ...]:
    from core.data.sources import read_image

    rows = _table.rows
    if label:
        rows = rows[[label in str(tokens).split("|") for tokens in rows["label"]]]
    rows = rows.iloc[np.random.default_rng(turn).permutation(len(rows))].drop_duplicates("group")
    in_turn = rows.groupby("label", sort=False).cumcount()  # each label once before any comes again
    rows = rows.iloc[np.argsort(in_turn.to_numpy(), kind="stable")]
    found: list[Sample] = []
    for row in rows.head(2 * count).to_dict("records"):
        boxes, mask = row.get("boxes"), row.get("mask_path")
        try:
            pixels = read_image(str(row["path"]))
        except ImageRefused:
            continue
        found.append(
            Sample(
                name=str(row["image_id"]), pixels=pixels, caption=label_words(str(row["label"]), _table.spec),
                boxes=tuple(boxes) if isinstance(boxes, (tuple, list)) else (),
                mask_path=mask if isinstance(mask, str) else "",
            )
        )  # fmt: skip
        if len(found) == count:
            break
    return tuple(found)


def label_words(label: str, spec: DatasetSpec) -> str:
    """Raw tokens in the words of the data set's most detailed task; a finding outweighs its absence."""
    schemes = [label_scheme(key, spec) for key in spec.label_schemes or (AS_IS,)]
    detailed = max(schemes, key=lambda scheme: len(scheme.class_names))
    tokens = label.split("|")
    words = [detailed.mapping.get(token) or token.replace("_", " ").capitalize() for token in tokens]
    found = [word for token, word in zip(tokens, words, strict=True) if token != "negative"]
    return ", ".join(found or words)


def copies(table: DatasetTable, scheme: str) -> "CopyReport":
    """Pairs that look alike, and what they do to the splits of a task. Raises MedLensError.

    The first call decodes every picture: some seconds for a thousand.
    """
    return _copies(table.spec.key, table.fingerprint, scheme, table)


@st.cache_resource(max_entries=4, show_spinner=False)
def _copies(key: str, fingerprint: str, scheme: str, _table: DatasetTable) -> "CopyReport":
    from core.data.copies import find_copies

    return find_copies(_table, label_scheme(scheme, _table.spec))


def leak_difference(honest: RunRecord, leaky: RunRecord, unit: str) -> Comparison:
    """The AUC of the random split minus that of the honest one. Raises MedLensError."""
    ids = tuple((r.run_id, tuple(sorted(r.artifacts.items()))) for r in (honest, leaky))
    return _leak_difference(ids, unit, str(paths.results_folder()), honest, leaky)


@st.cache_resource(max_entries=16, show_spinner=False)
def _leak_difference(
    runs: tuple[object, ...], unit: str, folder: str, _honest: RunRecord, _leaky: RunRecord
) -> Comparison:
    from core.evaluation.leakage import leak_difference as difference

    return difference(cache.predictions(_honest), cache.predictions(_leaky), unit=unit)
