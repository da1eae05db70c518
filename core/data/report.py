"""One report on a data set: counts, splits, copies, and everything that is wrong with it.

Faulty images are left out and listed, so that the rest can still be counted; only a folder that cannot be
read at all raises.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.data.labelling import apply_scheme
from core.data.load import load_table
from core.data.quality import check_images, without_bad_images
from core.data.splits import KINDS, assign_splits, audit_overlap, class_counts, default_kind
from core.errors import DatasetInvalid, SpecInvalid
from core.registry.labels import label_scheme
from core.types import ClassCounts, DatasetTable, LabelScheme, OverlapAudit, SplitKind

Progress = Callable[[str, int, int], None]  # (stage, done, in all)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReport:
    """What `data check` prints.

    `labels` counts images per raw label (an image with several counts for each), `expected` the published ones.
    `problems` concern the set as a whole, `refused` single images that were left out of the counts.
    """

    dataset: str
    title: str
    fingerprint: str
    n_images: int
    n_groups: int
    group_field: str
    labels: Mapping[str, int]
    expected: Mapping[str, int]
    official_splits: Mapping[str, int]
    widths_px: tuple[int, int, int]
    heights_px: tuple[int, int, int]
    scheme: str
    split_kind: str
    seed: int
    splits: tuple[ClassCounts, ...]
    audit: OverlapAudit | None
    dropped: Mapping[str, int]
    duplicates: tuple[tuple[str, ...], ...]
    duplicates_across_groups: tuple[tuple[str, ...], ...]
    label_conflicts: tuple[tuple[str, ...], ...]
    problems: tuple[str, ...]
    refused: tuple[str, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def check_dataset(
    key: str,
    root: Path | None = None,
    *,
    scheme: str | None = None,
    split: str | None = None,
    seed: int = 0,
    options: Mapping[str, int | float | str] | None = None,
    progress: Progress | None = None,
) -> DatasetReport:
    """Read, decode, label and split a data set, and report what was found.

    Args:
        scheme: a label scheme; None takes the first that is made for the set.
        split: "group", "official" or "random"; None takes "official" where the source has a test part.
    Raises: UnknownKey, SpecInvalid; DatasetInvalid when the folder as a whole cannot be read.
    """
    if split is not None and split not in KINDS:
        raise SpecInvalid(f"Unknown split {split!r}; expected {', '.join(KINDS)}.")
    tell = progress or (lambda stage, done, total: None)
    tell("reading the data set", 0, 1)
    table = load_table(key, root, policy="skip", options=options)
    chosen = label_scheme(scheme or table.spec.label_schemes[0], table.spec)
    quality = check_images(table, progress=lambda done, total: tell("decoding every image", done, total))
    table = without_bad_images(table, quality)
    kind = next((k for k in KINDS if k == split), default_kind(table))
    parts, audit, dropped, problems = _split_up(table, chosen, kind, seed)
    labels = Counter(token for label in table.rows["label"] for token in str(label).split("|"))
    order = table.spec.class_names or tuple(sorted(labels))
    return DatasetReport(
        dataset=key,
        title=table.spec.title,
        fingerprint=table.fingerprint,
        n_images=len(table),
        n_groups=int(table.rows["group"].nunique()),
        group_field=table.spec.group_field,
        labels={name: labels[name] for name in order if labels[name]},
        expected=dict(table.spec.expected_counts),
        official_splits={str(k): int(v) for k, v in table.rows["split"].value_counts(sort=False).items() if k},
        widths_px=quality.widths_px,
        heights_px=quality.heights_px,
        scheme=chosen.key,
        split_kind=kind,
        seed=seed,
        splits=parts,
        audit=audit,
        dropped=dropped,
        duplicates=quality.duplicates,
        duplicates_across_groups=quality.across_groups,
        label_conflicts=quality.label_conflicts,
        problems=problems,
        refused=table.refused,
        warnings=quality.warnings,
        notes=table.notes,
    )


def _split_up(
    table: DatasetTable, scheme: LabelScheme, kind: SplitKind, seed: int
) -> tuple[tuple[ClassCounts, ...], OverlapAudit | None, Mapping[str, int], tuple[str, ...]]:
    """Counts per part, the audit, what the scheme dropped, and why none of this was possible."""
    try:
        labelled = assign_splits(apply_scheme(table, scheme), kind, seed)
    except DatasetInvalid as error:
        return (), None, {}, (error.summary, *error.problems)
    return class_counts(labelled), audit_overlap(labelled), labelled.dropped, ()
