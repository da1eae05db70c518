"""Named grids of RunSpec, read from TOML files.

    title = "..."                      what it compares, for people
    [defaults]                         fields of RunSpec shared by all runs
    dataset = "chest_xray"
    [[runs]]                           lists are multiplied out: 3 architectures x 5 heads = 15 runs
    architecture = ["mobilenet_v2", "xception", "vgg16"]
    head = ["mlp", "random_forest"]
    [[runs]]
    name = "cnn"                       a single run that others can start from: weights = "run:cnn"

`augmentation` is a table of `AugmentationSpec`, or a preset by name: augmentation = "garcia-boronat-2021".
A plan is a list of independent runs: nothing is shared between them but the feature cache and `results/`.
A run that starts from another names it by run id once read, so that it stands alone.
"""

import dataclasses
import itertools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core import paths
from core.errors import SpecInvalid
from core.language import said
from core.registry.architectures import architecture_spec
from core.registry.augmentations import augmentation_preset
from core.registry.datasets import dataset_spec
from core.registry.heads import head_spec
from core.registry.labels import AS_IS, label_scheme
from core.registry.views import VIEWS
from core.store.codec import run_id_of
from core.training.recipe import check_recipe
from core.types import AugmentationSpec, PreprocessSpec, RunSpec

FIELDS = {field.name for field in dataclasses.fields(RunSpec)}
SEQUENCES = ("learning_rates", "members")  # a list here is one value, not a grid


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """A titled list of runs, in the order in which they are trained."""

    key: str
    title: str
    runs: tuple[RunSpec, ...]


def plan_files() -> dict[str, Path]:
    """The plans that ship with the library, by key."""
    return {file.stem: file for file in sorted(paths.plans_folder().glob("*.toml"), key=lambda file: file.stem)}


def load_plan(name: str, overrides: Mapping[str, Any] | None = None) -> Plan:
    """A shipped plan by key, or a TOML file by path; `overrides` replace fields of every run.

    Raises: SpecInvalid that names the file, the run and the field; UnknownKey for a key that no catalogue has.
    """
    shipped = plan_files()
    file = shipped.get(name, Path(name))
    if not file.is_file():
        raise SpecInvalid(
            said(
                "No plan {name}. Known: {listed}; or give the path of a TOML file.",
                name=repr(name),
                listed=", ".join(shipped),
            )
        )
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecInvalid(said("{name} is not a TOML file: {reason}.", name=file.name, reason=error)) from error
    unknown = sorted(set(content) - {"title", "defaults", "runs"})
    if unknown or not content.get("runs"):
        what = said("unknown entries {listed}", listed=", ".join(unknown)) if unknown else said("no [[runs]]")
        raise SpecInvalid(
            said("{name}: {what}. A plan has title, [defaults] and one or more [[runs]].", name=file.name, what=what)
        )
    return Plan(file.stem, str(content.get("title", file.stem)), _expand(content, file.name, overrides or {}))


def _expand(content: Mapping[str, Any], file_name: str, overrides: Mapping[str, Any]) -> tuple[RunSpec, ...]:
    named: dict[str, str] = {}
    specs: list[RunSpec] = []
    for number, entry in enumerate(content["runs"], start=1):
        where = said("{file_name}, run {number}", file_name=file_name, number=number)
        fields = {**content.get("defaults", {}), **entry, **overrides}
        name = fields.pop("name", None)
        expanded = [_spec(values, named, where) for values in _multiply(fields)]
        if name is not None:
            if len(expanded) != 1:
                raise SpecInvalid(
                    said(
                        "{where}: the name {name} stands for {n} runs; a named run is a single one.",
                        where=where,
                        name=repr(name),
                        n=len(expanded),
                    )
                )
            named[str(name)] = run_id_of(expanded[0])
        specs += expanded
    ids = [run_id_of(spec) for spec in specs]
    if len(set(ids)) != len(ids):
        twice = sorted({i for i in ids if ids.count(i) > 1})
        raise SpecInvalid(
            said("{file_name}: the same run stands twice: {listed}.", file_name=file_name, listed=", ".join(twice))
        )
    return tuple(specs)


def _multiply(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All combinations of the fields that are lists."""
    many = [key for key, value in fields.items() if isinstance(value, list) and key not in SEQUENCES]
    return [
        {**fields, **dict(zip(many, values, strict=True))} for values in itertools.product(*(fields[k] for k in many))
    ]


def _spec(values: Mapping[str, Any], named: Mapping[str, str], where: str) -> RunSpec:
    unknown = sorted(set(values) - FIELDS)
    if unknown:
        raise SpecInvalid(
            said(
                "{where}: unknown fields {listed}. Known: {listed_2}, name.",
                where=where,
                listed=", ".join(unknown),
                listed_2=", ".join(sorted(FIELDS)),
            )
        )
    fields = dict(values)
    try:
        if isinstance(fields.get("preprocess"), Mapping):
            fields["preprocess"] = PreprocessSpec(**fields["preprocess"])
        if isinstance(fields.get("augmentation"), Mapping):
            fields["augmentation"] = AugmentationSpec(**fields["augmentation"])
        elif "augmentation" in fields:
            fields["augmentation"] = augmentation_preset(str(fields["augmentation"])).changes
        if "learning_rates" in fields:
            fields["learning_rates"] = tuple(float(rate) for rate in fields["learning_rates"])
        weights = str(fields.get("weights", ""))
        if weights.startswith("run:") and weights[4:] in named:
            fields["weights"] = f"run:{named[weights[4:]]}"
        if "members" in fields:
            fields["members"] = tuple(named.get(name, name) for name in map(str, fields["members"]))
        spec = RunSpec(**fields)
    except (TypeError, ValueError) as error:
        raise SpecInvalid(said("{where}: {reason}.", where=where, reason=error)) from error
    _check_choices(spec, where)
    architecture_spec(spec.architecture)
    head_spec(spec.head)
    for name in filter(None, (spec.label_scheme, spec.split_scheme)):
        if name != AS_IS and name not in dataset_spec(spec.dataset).label_schemes:
            label_scheme(name)
            raise SpecInvalid(
                said(
                    "{where}: the labels {name} are not of {dataset}; it has {listed}.",
                    where=where,
                    name=repr(name),
                    dataset=spec.dataset,
                    listed=", ".join(dataset_spec(spec.dataset).label_schemes),
                )
            )
    return spec


def _check_choices(spec: RunSpec, where: str) -> None:
    """Fields with a closed set of values: a spelling mistake is found before any training."""
    for name, value, known in (
        ("split", spec.split, ("auto", "group", "official", "random")),
        ("stated_shares", spec.stated_shares, ("true", "equal")),
        ("views", spec.views, tuple(VIEWS)),
        ("strategy", spec.strategy, ("frozen", "fine_tune", "scratch", "as_trained", "ensemble")),
        ("preprocess.resize_mode", spec.preprocess.resize_mode, ("stretch", "pad", "crop")),
        ("preprocess.contrast", spec.preprocess.contrast, ("none", "equalize", "clahe", "gamma", "log")),
    ):
        if value not in known:
            raise SpecInvalid(
                said(
                    "{where}: {name} = {value}; expected one of {listed}.",
                    where=where,
                    name=name,
                    value=repr(value),
                    listed=", ".join(known),
                )
            )
    if not 0 < spec.train_share <= 1:
        raise SpecInvalid(
            said(
                "{where}: train_share = {train_share}; expected a number above 0 and up to 1.",
                where=where,
                train_share=repr(spec.train_share),
            )
        )
    check_recipe(spec, where)
