"""The words of the project: frozen dataclasses that every folder shares.

Fractions are never percent, class order is always `class_names`, and nothing here touches a file.
Tables and predictions, which check themselves, stand in `core/tables.py` and are re-exported here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from core.tables import DatasetTable, LabelledSet, Predictions

__all__ = [
    "ArchitectureSpec", "AugmentationSpec", "Calibration", "ClassCounts", "Comparison", "Curve",
    "DatasetSpec", "DatasetTable", "Environment", "Estimate", "Evaluation", "HeadSpec", "Heatmap",
    "LabelScheme", "LabelledSet", "MetricSpec", "ModelCard", "OverlapAudit", "Predictions",
    "PreprocessSpec", "RunRecord", "RunSpec", "Threshold",
]  # fmt: skip

Task = Literal["binary", "multiclass", "multilabel"]
SplitKind = Literal["group", "official", "random"]
RunStatus = Literal["done", "failed", "interrupted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """A public data set: what it is, where it comes from, what a careful reader knows of it.

    `class_names` are the raw labels of the source; a `LabelScheme` turns them into classes.
    `expected_counts` are images per raw label in the whole public set (empty where none is published).
    `group_field` says what a group is ("patient", "lesion", "study"): groups never cross splits.
    """

    key: str
    title: str
    modality: str
    class_names: tuple[str, ...]
    label_schemes: tuple[str, ...]
    group_field: str
    reader: str
    source_url: str
    licence: str
    citation: str
    caveats: tuple[str, ...] = ()
    expected_counts: Mapping[str, int] = field(default_factory=dict)
    checksum: str = ""
    manual_download: str = ""
    synthetic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScheme:
    """How raw labels become classes.

    A raw label is one token or several joined by "|" ("Mass|Nodule"). Each token is looked up in
    `mapping`; a token mapped to None is passed over, one mapped to "" keeps the row without a class
    (multilabel's "No Finding"). Multilabel: the classes of all tokens. Otherwise:
    of the classes found, the one that stands last in `class_names`, so that a finding outweighs its
    absence. A row with no class left is dropped, and the number dropped is reported.
    """

    key: str
    title: str
    task: Task
    class_names: tuple[str, ...]
    mapping: Mapping[str, str | None]
    source: str
    positive_class: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessSpec:
    """From a decoded image to the square that a network takes; the result is still uint8 RGB."""

    size_px: int = 224
    resize_mode: Literal["stretch", "pad", "crop"] = "stretch"
    contrast: Literal["none", "equalize", "clahe", "gamma", "log"] = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentationSpec:
    """Random changes in training only, inside the graph; 0 switches one off. Fractions of size or range."""

    flip_horizontal: bool = False
    flip_vertical: bool = False
    rotation: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureSpec:
    """A network up to its last spatial layer.

    `builder` names a function of `keras.applications`, or of `core/nn/networks.py` when `weights` is "".
    `pixel_scaling` is what the graph itself does to 0-255 RGB: "minus_one_one", "imagenet_torch",
    "imagenet_caffe" (BGR and mean subtraction), "unit" (0-1) or "inside" (the network brings its own).
    `params` counts the weights of the base without any head, at `input_px`.
    """

    key: str
    title: str
    builder: str
    input_px: int
    input_channels: int
    pixel_scaling: str
    feature_dim: int
    cam_layer: str
    params: int
    weights: str
    source: str
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSpec:
    """A classifier on features: fixed settings, and a small grid that is searched on validation."""

    key: str
    title: str
    factory: str
    source: str
    standardise: bool
    settings: Mapping[str, object] = field(default_factory=dict)
    search_space: Mapping[str, tuple[object, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """A metric's name, range and direction, and how a reader should take it."""

    key: str
    title: str
    higher_is_better: bool
    per_class: bool
    needs_threshold: bool
    meaning: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """Everything that decides a run's numbers: same spec, same `run_id` (see `store/codec.py`).

    `weights`: "imagenet", "none", a path, "model:<name>" or "run:<run_id>" (a `scratch` run's network).
    `split`: "group" (patients, lesions or studies never cross), "official" or "random" (teaching leakage).
    `balance`: "none", "class_weights", "oversample" or "downsample:<class>=<fraction>".
    `learning_rates`: one for the head, and for `fine_tune` a second one for the base.
    `dataset_options`: arguments of the reader, such as the number of phantom patients.
    """

    dataset: str
    label_scheme: str
    architecture: str
    head: str
    strategy: Literal["frozen", "fine_tune", "scratch"] = "frozen"
    weights: str = "imagenet"
    preprocess: PreprocessSpec = PreprocessSpec()
    augmentation: AugmentationSpec = AugmentationSpec()
    balance: str = "none"
    epochs: int = 60
    batch_size: int = 32
    learning_rates: tuple[float, ...] = (1e-3,)
    seed: int = 0
    fold: int | None = None
    split: SplitKind = "group"
    split_seed: int = 0
    dataset_options: Mapping[str, int | float | str] = field(default_factory=dict)


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
class ModelCard:
    """What stands beside a shipped network, in `models/<name>/card.json`.

    `threshold` and the golden outputs are on calibrated scores, as shown: softmax of logits / temperature.
    `golden_seeds` make the golden inputs (phantoms, so that no picture of a patient ships);
    `golden_outputs` are the (n, C) probabilities for them. `feature_mean` and `feature_scale` are the
    training features' statistics, for the out-of-distribution gate.
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
