"""What came out: estimates, curves, evaluations, run records, and heat maps.

Fractions are never percent, and class order is always `class_names`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from core.specs import RunSpec, SplitKind, Task

RunStatus = Literal["done", "failed", "interrupted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One number with its doubt. `value` is None where it is not defined; `class_name` None means overall."""

    metric: str
    value: float | None
    low: float | None
    high: float | None
    level: float
    n_images: int
    n_groups: int
    method: str
    split: str
    class_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Points of a ROC curve (x: 1 - specificity, y: sensitivity) or a PR curve (x: recall, y: precision).

    `thresholds[i]` is the cut that gives point i; the point that needs a cut above every score has None.
    """

    kind: Literal["roc", "pr"]
    class_name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    thresholds: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Reliability of the stated probabilities, in bins of equal width.

    Binary: of the positive class; multiclass: of the most probable class; multilabel: of all class scores.
    `error` is the expected calibration error; `temperature` was fitted on validation, and
    `error_after` is the error once the scores are divided by it (None where there was no validation part).
    """

    bin_low: tuple[float, ...]
    bin_high: tuple[float, ...]
    mean_predicted: tuple[float | None, ...]
    observed: tuple[float | None, ...]
    observed_low: tuple[float | None, ...]
    observed_high: tuple[float | None, ...]
    count: tuple[int, ...]
    error: float
    temperature: float | None
    error_after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """One cut per class (for binary: on the positive class), the rule that chose it and on which split."""

    values: Mapping[str, float]
    rule: str
    chosen_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All numbers of one split. `confusion` rows are the truth, columns the decision, in class order.

    Multilabel: `confusion` holds one row (tn, fp, fn, tp) per class.
    """

    split: str
    task: Task
    class_names: tuple[str, ...]
    positive_class: str | None
    n_images: int
    n_groups: int
    estimates: tuple[Estimate, ...]
    confusion: tuple[tuple[int, ...], ...]
    curves: tuple[Curve, ...]
    calibration: Calibration
    threshold: Threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Paired difference first minus second of one metric, on the same images."""

    first: str
    second: str
    metric: str
    difference: float
    low: float
    high: float
    p_value: float
    method: str
    n_images: int
    n_groups: int
    distinguishable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapAudit:
    """What crosses splits: groups, and images with identical pixels. Zero and zero unless the split is random.

    `examples` names up to ten of them. `near_duplicates_checked` says whether near copies were searched.
    """

    split_kind: SplitKind
    group_field: str
    groups_in_several_splits: int
    images_in_several_splits: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCounts:
    """Images and groups of one split: `images_per_class` follows `class_names`."""

    split: str
    n_images: int
    n_groups: int
    images_per_class: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the numbers were computed with."""

    python: str
    keras: str
    backend: str
    numpy: str
    sklearn: str
    cpu: str
    cores: int
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as stored in `results/<run_id>/run.json`. `evaluations` holds validation and test.

    `seconds` maps a stage to its duration; `artifacts` maps a file beside run.json to its sha256.
    `left_out` are files that the run had and this folder does not, in the same form (`python -m core results slim`).
    `chosen_settings` is what the head's grid search picked on validation. `threshold` is on raw scores.
    """

    schema_version: int
    run_id: str
    spec: RunSpec
    status: RunStatus
    created_utc: str
    class_names: tuple[str, ...] = ()
    task: Task = "binary"
    evaluations: tuple[Evaluation, ...] = ()
    counts: tuple[ClassCounts, ...] = ()
    audit: OverlapAudit | None = None
    dataset_fingerprint: str = ""
    dropped: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    params_total: int = 0
    params_trained: int = 0
    model_bytes: int = 0
    peak_memory_bytes: int = 0
    chosen_settings: Mapping[str, object] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)
    environment: Environment | None = None
    failure: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heatmap:
    """Where a network looked for one class: `values` is (H, W) in [0, 1], `grid` the cells it was made from."""

    image_id: str
    class_name: str
    method: str
    layer: str
    grid: tuple[int, int]
    values: np.ndarray
    is_empty: bool
