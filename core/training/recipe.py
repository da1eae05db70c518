"""How a spec wants its network trained: checked in words before any work, and handed to `core/nn/fit.py`.

Heads of scikit-learn pass over these fields; they are checked all the same, so that a spelling mistake is found.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.errors import SpecInvalid
from core.evaluation.thresholds import parse_rule
from core.language import said
from core.registry.views import ONE
from core.types import AugmentationSpec, RunSpec

if TYPE_CHECKING:
    from core.nn.fit import FitSettings

OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop")
SCHEDULES = ("plateau", "cosine", "constant")
# field -> smallest, largest, and whether it counts something
RANGES: Mapping[str, tuple[float, float, bool]] = {
    "epochs": (1, 100_000, True),
    "batch_size": (1, 65_536, True),
    "patience": (1, 100_000, True),
    "trainable_layers": (0, 100_000, True),
    "weight_decay": (0, 1, False),
    "gradient_clip": (0, math.inf, False),
    "label_smoothing": (0, 0.5, False),  # beyond a half, the label is no longer what the image is taken for
    "mixup": (0, 10, False),
}
# fractions of `AugmentationSpec` may reach 1, where an image is gone or turned by a whole circle
STRONGEST = {"rotation": 0.5, "sharpness": 5.0}


def check_recipe(spec: RunSpec, where: str = "") -> None:
    """Raises SpecInvalid that names the field, what was found and what is expected."""
    before = f"{where}: " if where else ""
    for name, value, known in (
        ("optimizer", spec.optimizer, OPTIMIZERS),
        ("schedule", spec.schedule, SCHEDULES),
    ):
        if value not in known:
            raise SpecInvalid(
                said(
                    "{before}{name} = {value}; expected one of {listed}.",
                    before=before,
                    name=name,
                    value=repr(value),
                    listed=", ".join(known),
                )
            )
    for name, (low, high, whole) in RANGES.items():
        _check_number(f"{before}{name}", getattr(spec, name), low, high, whole)
    try:
        parse_rule(str(spec.threshold_rule))
    except SpecInvalid as error:
        raise SpecInvalid(said("{before}threshold_rule: {reason}", before=before, reason=error)) from error
    for rate in spec.learning_rates:
        _check_number(f"{before}learning_rates", rate, 0, math.inf, False)
    for field in dataclasses.fields(AugmentationSpec):
        value = getattr(spec.augmentation, field.name)
        if not isinstance(field.default, bool):
            _check_number(f"{before}augmentation.{field.name}", value, 0, STRONGEST.get(field.name, 1.0), False)
        elif not isinstance(value, bool):
            raise SpecInvalid(
                said(
                    "{before}augmentation.{name} = {value}; expected true or false.",
                    before=before,
                    name=field.name,
                    value=repr(value),
                )
            )
    if spec.optimizer == "adamw" and not spec.weight_decay:
        raise SpecInvalid(
            said(
                "{before}optimizer = 'adamw' is Adam with weight decay: set weight_decay, such as 0.01.", before=before
            )
        )
    if spec.optimizer == "adam" and spec.weight_decay:
        raise SpecInvalid(
            said("{before}weight_decay needs optimizer = 'adamw', 'sgd' or 'rmsprop'; 'adam' has none.", before=before)
        )
    if bool(spec.members) != (spec.strategy == "ensemble"):
        raise SpecInvalid(
            said(
                "{before}members and strategy = 'ensemble' belong together: neither means anything alone.",
                before=before,
            )
        )
    if spec.views != ONE and spec.strategy in ("frozen", "ensemble"):
        raise SpecInvalid(
            said(
                "{before}views = {views} is for whole networks; strategy = {strategy} takes what was made of each "
                "picture as it is. Take strategy = 'as_trained' on a run that trained a whole network.",
                before=before,
                views=repr(spec.views),
                strategy=repr(spec.strategy),
            )
        )
    if spec.trainable_layers and spec.strategy != "fine_tune":
        raise SpecInvalid(
            said(
                "{before}trainable_layers = {trainable_layers} is for strategy = 'fine_tune'; {strategy} "
                "trains {value}.",
                before=before,
                trainable_layers=spec.trainable_layers,
                strategy=repr(spec.strategy),
                value=said("no layer of the base") if spec.strategy == "frozen" else said("all layers"),
            )
        )


def _check_number(name: str, value: Any, low: float, high: float, whole: bool) -> None:
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high or math.isinf(value):
        what = said("a whole number") if whole else said("a number")
        raise SpecInvalid(
            said("{name} = {value}; expected {what} from {low:g}.", name=name, value=repr(value), what=what, low=low)
            if math.isinf(high)
            else said(
                "{name} = {value}; expected {what} from {low:g} to {high:g}.",
                name=name,
                value=repr(value),
                what=what,
                low=low,
                high=high,
            )
        )


def fit_settings(spec: RunSpec, **more: Any) -> "FitSettings":
    """The settings of one training stage; `more` holds what the spec does not say (task, rate, who is told)."""
    from core.nn.fit import FitSettings

    same = ("epochs", "batch_size", "seed", "optimizer", "schedule", "weight_decay", "gradient_clip", "patience",
            "label_smoothing", "mixup")  # fmt: skip
    return FitSettings(**{name: getattr(spec, name) for name in same}, **more)
