"""From a RunSpec to labelled images in their splits, checked before any training.

The same data serve all runs of a plan, so the last few are remembered within the process.
"""

import json
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from core.data.fewer import fewer_training_groups
from core.data.labelling import apply_scheme
from core.data.load import load_table
from core.data.quality import check_images
from core.data.splits import assign_splits, audit_overlap, class_counts, default_kind, parts_of
from core.data.thin import KEEP, taken_out
from core.errors import DatasetInvalid, SpecInvalid
from core.registry.datasets import dataset_spec
from core.registry.labels import label_scheme
from core.training.progress import Report, silent
from core.types import ClassCounts, DatasetTable, LabelledSet, OverlapAudit, RunRecord, RunSpec

KEPT = 4  # data sets in memory at once: rows of text, a few MB each


@dataclass(frozen=True, slots=True, eq=False)
class PreparedData:
    """Labelled rows with splits, the overlap audit and the counts that are stored with every run."""

    labelled: LabelledSet
    audit: OverlapAudit
    counts: tuple[ClassCounts, ...]

    def part(self, split: str) -> tuple[list[str], list[str], np.ndarray]:
        """Paths, content hashes and truth of one split."""
        rows = self.labelled.indices(split)
        frame = self.labelled.rows
        return (
            frame["path"].iloc[rows].astype(str).tolist(),
            frame["content_hash"].iloc[rows].astype(str).tolist(),
            self.labelled.y_true[rows],
        )


_PREPARED: OrderedDict[str, PreparedData] = OrderedDict()


def prepare_data(spec: RunSpec, root: Path | None, report: Report = silent) -> PreparedData:
    """Load, check, label and split the data of `spec`.

    Raises: DatasetInvalid when images cannot be read (each by name), or a group would cross splits.
    """
    facts = [
        spec.dataset,
        dict(spec.dataset_options),
        str(root),
        spec.label_scheme,
        spec.split_scheme,
        spec.split_whole,
        spec.train_share,
        spec.split,
        spec.split_seed,
        spec.fold,
    ]
    key = json.dumps(facts, sort_keys=True)
    if key not in _PREPARED:
        _PREPARED[key] = _prepare(spec, root, report)
        while len(_PREPARED) > KEPT:
            _PREPARED.popitem(last=False)
    _PREPARED.move_to_end(key)
    return _PREPARED[key]


def _prepare(spec: RunSpec, root: Path | None, report: Report) -> PreparedData:
    report("reading the data set", 0, 1)
    table = load_table(spec.dataset, root, options=reader_options(spec))
    report("reading the data set", 1, 1)
    if not table.spec.synthetic:  # phantoms are drawn, there is no file that could be broken
        quality = check_images(table, progress=lambda done, total: report("checking every image", done, total))
        if quality.problems:
            raise DatasetInvalid(
                f"{table.spec.title}: {len(quality.problems)} images cannot be used. Mend or remove them; "
                "`python -m core data check` lists them all.",
                quality.problems,
            )
    labelled = apply_scheme(table, label_scheme(spec.label_scheme, table.spec))
    labelled = divided(labelled, spec, whole=whole_table(spec, root))
    labelled = fewer_training_groups(labelled, spec.train_share, spec.split_seed)
    audit = audit_overlap(labelled)
    if labelled.split_kind != "random" and (audit.groups_in_several_splits or audit.images_in_several_splits):
        raise DatasetInvalid(
            f"{table.spec.title}: {audit.groups_in_several_splits} groups and {audit.images_in_several_splits} "
            "identical images stand in more than one split. Only split = 'random' may do that, and it is marked.",
            audit.examples,
        )
    return PreparedData(labelled=labelled, audit=audit, counts=class_counts(labelled))


def reader_options(spec: RunSpec) -> dict[str, int | float | str]:
    """What the reader is told: a data set that joins others draws its parts itself, and so learns the `split_seed`."""
    own = {"split_seed": spec.split_seed} if dataset_spec(spec.dataset).joins else {}
    return {**own, **spec.dataset_options}


def whole_table(spec: RunSpec, root: Path | None) -> DatasetTable | None:
    """The table with nothing left out, where `split_whole` asks for it and the run's own is thinned; else None."""
    if not spec.split_whole or KEEP not in spec.dataset_options:
        return None
    return load_table(spec.dataset, root, options=taken_out(reader_options(spec))[0])


def divided(labelled: LabelledSet, spec: RunSpec, *, whole: DatasetTable | None = None) -> LabelledSet:
    """`labelled` in the parts that `spec` asks for, drawn by the classes of its `split_scheme` where it names one.

    Args:
        whole: the table whose images are divided, when it is not the run's own (see `RunSpec.split_whole`).
    """
    kind = default_kind(labelled.table) if spec.split == "auto" else spec.split
    if whole is None and spec.split_scheme in ("", labelled.scheme.key):
        return assign_splits(labelled, kind, spec.split_seed, fold=spec.fold)
    table = labelled.table if whole is None else whole
    other = apply_scheme(table, label_scheme(spec.split_scheme or labelled.scheme.key, table.spec))
    return parts_of(labelled, assign_splits(other, kind, spec.split_seed, fold=spec.fold))


@lru_cache(maxsize=KEPT)
def _fingerprint(dataset: str, root: Path, options: tuple[tuple[str, int | float | str], ...]) -> str:
    return load_table(dataset, root, options=dict(options)).fingerprint


def refuse_other_data(stored: RunRecord, root: Path | None) -> None:
    """A finished run answers for the data that it was made from, not for another copy under `root`.

    Raises: SpecInvalid when the fingerprints differ, for instance because one copy has the official test part.
    """
    spec = stored.spec
    if root is None or dataset_spec(spec.dataset).synthetic:
        return
    found = _fingerprint(spec.dataset, root, tuple(sorted(reader_options(spec).items())))
    if found != stored.dataset_fingerprint:
        raise SpecInvalid(
            f"{stored.run_id} is stored, but was made from other data than the folder holds (fingerprint "
            f"{stored.dataset_fingerprint[:8]}, here {found[:8]}). Give it another seed (--seed 1), "
            "or set MEDLENS_RESULTS to a folder of its own."
        )
