"""The plans that ship, and what stands in the way of starting one: a door for pages, which may not import training."""

from collections.abc import Collection, Sequence

from core.registry.datasets import dataset_spec
from core.training.plan import Plan, load_plan, plan_files
from core.types import RunSpec


def shipped_plans() -> dict[str, Plan]:
    """Every plan that ships, by key, with its runs. Raises SpecInvalid that names the file, run and field."""
    return {key: load_plan(key) for key in plan_files()}


def missing_data(specs: Sequence[RunSpec], at_hand: Collection[str]) -> tuple[str, ...]:
    """Keys of the data sets that the runs need and this machine does not have.

    Args:
        at_hand: keys of the data sets in the data folder. Drawn ones always are; of one that joins others, the reader
            says what it lacks.
    """
    needed = dict.fromkeys(spec.dataset for spec in specs)
    known = {key: dataset_spec(key) for key in needed}
    return tuple(key for key, spec in known.items() if not (spec.synthetic or spec.joins or key in at_hand))
