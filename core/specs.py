"""What is asked for: data sets, label schemes, networks, heads and runs, as frozen specs.

A spec holds no result and touches no file; change one with `dataclasses.replace`, never in place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Task = Literal["binary", "multiclass", "multilabel"]
SplitKind = Literal["group", "official", "random"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """A public data set: what it is, where it comes from, what a careful reader knows of it.

    `class_names` are the raw labels of the source; a `LabelScheme` turns them into classes.
    `expected_counts` are images per raw label in the whole public set (empty where none is published).
    `group_field` says what a group is ("patient", "lesion", "study"): groups never cross splits.
    `joins`: it is made of other data sets, and its folder is the one that holds theirs.
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
    joins: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScheme:
    """How raw labels become classes.

    A raw label is one token or several joined by "|" ("Mass|Nodule"). Each token is looked up in
    `mapping`; a token mapped to None is passed over, one mapped to "" keeps the row without a class
    (multilabel's "No Finding"). Multilabel: the classes of all tokens. Otherwise:
    of the classes found, the one that stands last in `class_names`, so that a finding outweighs its
    absence. A row with no class left is dropped, and the number dropped is reported.
    `sums` are questions that several classes answer together: a name, and the classes whose probabilities add up.
    """

    key: str
    title: str
    task: Task
    class_names: tuple[str, ...]
    mapping: Mapping[str, str | None]
    source: str
    positive_class: str | None = None
    sums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessSpec:
    """From a decoded image to the square that a network takes; the result is still uint8 RGB."""

    size_px: int = 224
    resize_mode: Literal["stretch", "pad", "crop"] = "stretch"
    contrast: Literal["none", "equalize", "clahe", "gamma", "log"] = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentationSpec:
    """Random changes in training only, inside the graph; 0 switches one off.

    Drawn anew for every image, evenly: `rotation` in full turns, `zoom`, `shift` and `shear` as fractions of the side,
    `brightness` as a fraction of 255 that is added, `contrast` as a change of the distance from the mean, each from
    minus to plus its number. Pixels are multiplied by 1 - `darker` to 1 + `brighter`.
    From `blur` (1: a mean over about 5 x 5 pixels) to `sharpness` (1: what a blur takes away is added once more).
    """

    flip_horizontal: bool = False
    flip_vertical: bool = False
    rotation: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    shear: float = 0.0
    darker: float = 0.0
    brighter: float = 0.0
    sharpness: float = 0.0
    blur: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentationPreset:
    """Random changes under a name, and whose they are."""

    key: str
    title: str
    changes: AugmentationSpec
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureSpec:
    """A network up to its last spatial layer.

    `builder` names a function of `keras.applications`, or of `core/nn/networks.py` when `weights` is "".
    `pixel_scaling` is what the graph itself does to 0-255 RGB: "minus_one_one", "imagenet_torch",
    "imagenet_caffe" (BGR and mean subtraction), "unit" (0-1), "unit_twice" (divided by 255 twice, a published mistake)
    or "inside" (the network brings its own).
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

    `weights`: "imagenet", "none", a path, "model:<name>" or "run:<run_id>" (of a run that trained a whole network).
    `split`: "auto" (the source's own test part where it is present, else "group"), "group" (patients, lesions
    or studies never cross), "official" or "random" (teaching leakage). The record's audit says which it was.
    `split_scheme`: the label scheme by whose classes the parts are drawn; "" is `label_scheme`. Runs with the same one
    have the same test images, whatever they call them, so that one can start from the network of another.
    `split_whole`: the parts are drawn on all images, before the data set's `keep` leaves some out, so that a run on the
    thinned data has its test images among those of a run on all, and can start from its network.
    `train_share`: the share of the training groups that is trained on, for learning curves; drawn by `split_seed`.
    `balance`: "none", "class_weights", "oversample" or "downsample:<class>=<fraction>".
    `stated_shares`: "true" puts what balancing did to the probabilities back to the shares of the training part;
    "equal" leaves them as if all classes were equally frequent, for decisions that count each class alike.
    `learning_rates`: one for the head, and for `fine_tune` a second one for the base.
    `views`: from which sides a whole network sees each picture that it scores, "one" to "eight"
    (`core/registry/views.py`); its answer is the mean of the logits.
    `dataset_options`: arguments of the reader, such as the number of phantom patients.
    `threshold_rule`: how the cuts are chosen on validation (`evaluation/thresholds.py`), such as "f1" or
    "f1;Melanocytic nevus=0.6" with a class set by hand. For several classes any rule but the default adds each class
    against the rest at its cut; the decision itself is always the most probable class.
    `score_train`: store scores of training images too (a drawn sample), which the check of representativeness needs.

    `strategy` "as_trained": nothing is learnt; the network of `weights` ("run:<run_id>") answers as it is, from other
    `views`, or at other `stated_shares`: those of this run's training part, or equal ones.

    `strategy` "ensemble": the stored runs `members` answer together, by the mean of their logits on the same images;
    `architecture` and `head` name those of the first.

    `strategy` "imported": not trained here; the scores came as a file (`core/store/imported.py`), `architecture` is
    what the reader called the network, and `imported_sha256` the sum of that file (with its validation file, where
    there was one), so that other scores are another run. Fields of training then say nothing.

    How dense heads and whole networks are trained; heads of scikit-learn pass over it. `schedule`: "plateau" halves
    the rate when validation stands still, "cosine" lets it fall to zero over `epochs`, "constant" keeps it.
    `patience`: epochs without a better validation loss that end the training. `gradient_clip`: largest norm of one
    weight's gradient, 0 for none. `label_smoothing`: the share of a label that is spread over all classes.
    `mixup`: alpha of the Beta distribution by which pairs of images are mixed, 0 for none.
    `trainable_layers`: of `fine_tune`, how many of the base's last layers learn beside the head; 0 is all of them.
    """

    dataset: str
    label_scheme: str
    architecture: str
    head: str
    strategy: Literal["frozen", "fine_tune", "scratch", "as_trained", "ensemble", "imported"] = "frozen"
    weights: str = "imagenet"
    preprocess: PreprocessSpec = PreprocessSpec()
    augmentation: AugmentationSpec = AugmentationSpec()
    balance: str = "none"
    epochs: int = 60
    batch_size: int = 32
    learning_rates: tuple[float, ...] = (1e-3,)
    seed: int = 0
    fold: int | None = None
    split: Literal["auto", "group", "official", "random"] = "auto"
    split_seed: int = 0
    dataset_options: Mapping[str, int | float | str] = field(default_factory=dict)
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    schedule: Literal["plateau", "cosine", "constant"] = "plateau"
    weight_decay: float = 0.0
    gradient_clip: float = 1.0
    patience: int = 12
    label_smoothing: float = 0.0
    mixup: float = 0.0
    trainable_layers: int = 0
    score_train: bool = False
    split_scheme: str = ""
    split_whole: bool = False
    train_share: float = 1.0
    stated_shares: Literal["true", "equal"] = "true"
    views: str = "one"
    members: tuple[str, ...] = ()
    threshold_rule: str = "youden"
    imported_sha256: str = ""
