"""What came out: estimates, curves, evaluations, run records, model cards and heat maps.

Fractions are never percent, and class order is always `class_names`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from core.specs import PreprocessSpec, RunSpec, SplitKind, Task

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


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalisationRecord:
    """A model's heat maps measured on one data set (`core/evaluation/localisation.py`).

    `truth` is what they were held against: experts' "boxes" or "masks", or "none" where the data set marks nothing.
    `class_rule` says of which class the maps are, and on which images. `n_empty` maps have no heat and count as
    misses; `n_unmarked` images that would belong here have no mark and are left out; of the `n_eligible` others
    `n_images` were drawn. `n_seen` of them were used to train or tune the model.
    `chance` gives, by measure, what a random point or heat that is even everywhere would get.
    """

    dataset: str
    split: str
    truth: Literal["boxes", "masks", "none"]
    class_rule: str
    method: str
    n_images: int
    n_groups: int
    n_empty: int
    n_unmarked: int
    n_eligible: int
    n_seen: int
    estimates: tuple[Estimate, ...]
    chance: Mapping[str, float]
    created_utc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassSum:
    """A question that several classes of a model answer together, with its cut (from validation) and its estimates."""

    name: str
    classes: tuple[str, ...]
    threshold: Threshold
    estimates: tuple[Estimate, ...]


@dataclass(frozen=True, slots=True)
class SumAnswer:
    """What one picture gets for a `ClassSum`: its probability, the cut, and whether the one reaches the other."""

    name: str
    probability: float
    cut: float
    called: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TabularInput:
    """A number about the patient that a network takes beside the picture; `low` and `high` bound what may be entered."""

    name: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What stands beside a shipped network, in `models/<name>/card.json`.

    `threshold` and the golden outputs are on calibrated scores, as shown: softmax of logits / temperature.
    `golden_seeds` make the golden inputs (phantoms, so that no picture of a patient ships);
    `golden_outputs` are the (n, C) probabilities for them. `feature_mean` and `feature_scale` are the
    training features' statistics, for the out-of-distribution gate.
    `engine` runs the network; where that is not ONNX Runtime, `engine_reason` says why. `engine_parity` holds the
    largest differences between ONNX Runtime and compiled Keras on the golden images: of "probabilities", and of
    "maps" scaled to 1. `other_sha256` are the sums of the files beside model.keras, by name.
    `localisation` says where its heat maps lie, one record per data set and split.
    `sums` are questions that several of its classes answer together, such as pneumonia of either cause.
    A network from outside has the sha256 of the file that it came in as `source_file`, what its last layer gave as
    `output_kind`, and the numbers that it takes beside the picture as `tabular_inputs`; its `run_id` is empty.
    """

    schema_version: int
    name: str
    title: str
    run_id: str
    architecture: str
    head: str
    task: Task
    class_names: tuple[str, ...]
    positive_class: str | None
    preprocess: PreprocessSpec
    cam_layer: str
    threshold: Threshold
    temperature: float
    training_data: str
    training_dataset: str
    n_train_images: int
    n_train_groups: int
    synthetic: bool
    estimates: tuple[Estimate, ...]
    intended_use: str
    limits: tuple[str, ...]
    licence: str
    sha256: str
    model_bytes: int
    golden_seeds: tuple[int, ...]
    golden_outputs: tuple[tuple[float, ...], ...]
    feature_mean: tuple[float, ...]
    feature_scale: tuple[float, ...]
    created_utc: str
    engine: str = "compiled Keras"
    engine_reason: str = ""
    engine_parity: Mapping[str, float] = field(default_factory=dict)
    other_sha256: Mapping[str, str] = field(default_factory=dict)
    localisation: tuple[LocalisationRecord, ...] = ()
    sums: tuple[ClassSum, ...] = ()
    source_file: str = ""
    output_kind: str = ""
    tabular_inputs: tuple[TabularInput, ...] = ()


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
