"""What several runs were asked for differently, and nothing of what they share."""

import dataclasses
from collections.abc import Mapping, Sequence

import pandas as pd

from core.figures.names import split_kind_of
from core.language import t
from core.types import RunRecord

NONE = "–"


def spec_differences(records: Sequence[RunRecord], titles: Mapping[str, str]) -> pd.DataFrame:
    """One row per field of the spec that differs, one column per run in the order given; empty where all are alike.

    Beside the spec stand the kind of split in fact, the data's fingerprint and the number of test images: where these
    differ, the runs' numbers are of different images.
    """
    told = {r.run_id: _fields(r) for r in records}
    names = list(dict.fromkeys(name for fields in told.values() for name in fields))
    differing = [n for n in names if len({fields.get(n, NONE) for fields in told.values()}) > 1]
    return pd.DataFrame(
        {
            t("Field"): differing,
            **{titles[run_id]: [fields.get(n, NONE) for n in differing] for run_id, fields in told.items()},
        }
    )


def _fields(record: RunRecord) -> dict[str, str]:
    """Every field of the spec as text, nested ones as "preprocess.size_px"."""
    found: dict[str, str] = {}
    for field in dataclasses.fields(record.spec):
        value = getattr(record.spec, field.name)
        if dataclasses.is_dataclass(value):
            for inner in dataclasses.fields(value):
                found[f"{field.name}.{inner.name}"] = str(getattr(value, inner.name))
        elif isinstance(value, Mapping):
            for key, inner_value in value.items():
                found[f"{field.name}.{key}"] = str(inner_value)
        else:
            found[field.name] = NONE if value is None else str(value)
    test = next((c for c in record.counts if c.split == "test"), None)
    found[t("kind of split, in fact")] = split_kind_of(record)
    found[t("data fingerprint")] = record.dataset_fingerprint[:8]
    found[t("test images")] = NONE if test is None else f"{test.n_images:,}"
    return found
