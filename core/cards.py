"""What stands beside a shipped network: its card, and what the card holds.

Fractions are never percent, and class order is always `class_names`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.records import Estimate, Threshold
from core.specs import PreprocessSpec, Task


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
    """A number about the patient that goes in beside the picture; `low` and `high` bound what may be entered."""

    name: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """Scores from `low` to `high` (of the positive class, or the largest of a multiclass task) go to a person.

    `rule` chose them ("coverage:0.9"), on the split `chosen_on`; equal ends refer nobody.
    """

    low: float
    high: float
    rule: str
    chosen_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralRecord:
    """A band with what it does on validation and test: coverage, error among the answered, area of risk-coverage."""

    band: Referral
    estimates: tuple[Estimate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OodRecord:
    """The gate that tells pictures unlike the training images (`core/nn/ood.py`; its numbers lie in `ood.npz`).

    A score above `threshold` is flagged; that is the `percentile` of the scores of the images of `chosen_on`.
    `estimates` are the shares flagged on validation and test.
    """

    method: str
    threshold: float
    percentile: float
    chosen_on: str
    n_train_images: int
    estimates: tuple[Estimate, ...]


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
    `ood` is the gate for pictures unlike the training images, `referral` the band of scores that a person should read;
    None where there is none.
    `views` (`core/registry/views.py`) are the sides from which a picture is seen: answer and maps are means over them.
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
    ood: OodRecord | None = None
    referral: ReferralRecord | None = None
    views: str = "one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sibling:
    """A head of scikit-learn that answers beside a shipped network, on the same pooled features.

    `file` holds it, stored with skops. Its scores are calibrated as the network's are: scaled by `temperature`, fitted
    on validation, where `threshold` and `chosen` (of the grid) come from too. `estimates` are of the test part, and
    `golden_outputs` the (n, C) calibrated probabilities for the golden images of the network's card.
    """

    key: str
    title: str
    file: str
    sha256: str
    file_bytes: int
    params: int
    chosen: Mapping[str, str | int | float]
    temperature: float
    threshold: Threshold
    estimates: tuple[Estimate, ...]
    golden_outputs: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiblingSet:
    """The siblings of one network, in `models/<name>/siblings.json`.

    They belong to the network of `model_sha256` alone, whose features they were fitted on: `n_train_images` training
    images of its run `run_id`, of `n_train_groups` groups.
    """

    schema_version: int
    model_sha256: str
    run_id: str
    n_train_images: int
    n_train_groups: int
    created_utc: str
    siblings: tuple[Sibling, ...]
