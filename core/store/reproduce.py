"""A run's spec as a plan file that `python -m core benchmark` reads: the same run again, from one file."""

import json
from collections.abc import Mapping

from core.registry.datasets import DATASETS
from core.store.codec import encode
from core.types import RunSpec


def plan_text(spec: RunSpec, title: str) -> str:
    """A TOML plan with this one run; every field is written out, so that later defaults change nothing."""
    lines = [f"title = {_toml(title)}", "", "[[runs]]"]
    fields: Mapping[str, object] = encode(spec)
    lines += [f"{name} = {_toml(value)}" for name, value in fields.items() if value is not None]
    return "\n".join(lines) + "\n"


def plan_name(run_id: str) -> str:
    """What the plan file of a run is called."""
    return f"{run_id}.toml"


def command(spec: RunSpec, run_id: str) -> str:
    """The command that makes the run again from its plan file."""
    root = "" if spec.dataset in DATASETS and DATASETS[spec.dataset].synthetic else " --root DIR"
    return f"python -m core benchmark {plan_name(run_id)}{root}"


def _toml(value: object) -> str:
    """A JSON value as TOML; numbers and texts are written alike in both, tables are inline."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(name)} = {_toml(item)}" for name, item in value.items() if item is not None)
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else json.dumps(name)
