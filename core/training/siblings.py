"""Heads of scikit-learn fitted beside a shipped network, on the features of its own run's training images.

Settings, temperature and cut come from the validation part; the test part is scored once, at the end.
"""

import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.data.batches import decoded_batches
from core.data.labelling import apply_scheme
from core.data.load import load_table
from core.errors import SpecInvalid
from core.evaluation.calibration import apply_temperature, fit_temperature
from core.evaluation.intervals import unit_of
from core.evaluation.report import evaluate
from core.evaluation.thresholds import choose_threshold
from core.registry.datasets import dataset_spec
from core.registry.heads import head_spec
from core.registry.labels import label_scheme
from core.store.codec import SCHEMA_VERSION
from core.store.models import load_card
from core.store.names import sha256_of
from core.store.runs import load_record
from core.training.heads import build_estimator, count_parameters, fitting_threads, grid, scores_of, selection_score
from core.training.prepared import divided, reader_options, whole_table
from core.training.progress import Report, silent
from core.types import HeadSpec, LabelledSet, ModelCard, Predictions, RunSpec, Sibling, SiblingSet

if TYPE_CHECKING:
    from core.nn.serving import Predictor

MLP = HeadSpec(
    key="mlp", title="MLP", factory="mlp_classifier", standardise=True,
    source="the layers of the head `mlp`, fitted by scikit-learn so that no TensorFlow is needed to answer",
    settings={"hidden_layer_sizes": (30, 20), "max_iter": 60}, search_space={"alpha": (0.01, 1.0)},
)  # fmt: skip
KEYS = ("mlp", "logistic_regression", "random_forest", "gradient_boosting")
MOST_TRAIN = 8000  # images drawn of a larger training part: more features hardly change what these heads learn
FEWEST = 20  # images of each part
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, eq=False)
class SiblingResult:
    """Fitted heads as files, and what stands in `siblings.json`."""

    card: ModelCard
    found: SiblingSet
    files: Mapping[str, bytes]

    def lines(self) -> list[str]:
        """What was fitted and how good it is on the test part, in words; the network itself first."""
        found = self.found
        lines = [
            f"Heads beside {self.card.name}, fitted on the features of {found.n_train_images:,} training images of "
            f"{found.n_train_groups:,} groups:",
            f"  {'the network itself':24} {_auc_words(self.card.estimates)}",
        ]
        return lines + [
            f"  {s.title.lower():24} {_auc_words(s.estimates)}, {s.file_bytes / 1000:,.0f} kB" for s in found.siblings
        ]


def _auc_words(estimates: Sequence[Any]) -> str:
    for e in estimates:
        if e.metric == "auc" and e.class_name is None and e.value is not None:
            between = "" if e.low is None or e.high is None else f" ({e.low:.3f}–{e.high:.3f})"
            return f"AUC {e.value:.3f}{between}, {e.split}, {e.n_images:,} images"
    return "no AUC"


def fit_siblings(
    name: str, root: Path | None, *, keys: Sequence[str] = KEYS, skip_bad: bool = False, report: Report = silent
) -> SiblingResult:
    """Fit heads beside models/<name> on the data set of its own run, in that run's parts; nothing is written.

    Args:
        root: the data set's folder; None for phantoms, and for sets under the data folder.
        keys: some of KEYS, in the order in which they are shown.
    Raises: SpecInvalid when the model has no run here, pools nothing, takes numbers too, or its parts are too small;
        DatasetInvalid, ImageRefused, ModelDamaged, StoreError.
    """
    from core.nn.serving import Predictor, golden_images
    from core.nn.siblings import features_of

    unknown = [key for key in keys if key not in KEYS]
    if unknown or not keys or len(set(keys)) < len(keys):
        raise SpecInvalid(f"Heads {', '.join(keys) or 'none'}: expected are some of {', '.join(KEYS)}, each once.")
    card = load_card(name)
    if not card.run_id:
        raise SpecInvalid(f"{name} comes from outside: which images trained it is not known, so no head can join it.")
    spec = load_record(card.run_id).spec
    predictor = Predictor.load(name)
    labelled = _parts(spec, root, skip_bad, report)
    rows = {split: labelled.indices(split) for split in SPLITS}
    if len(rows["train"]) > MOST_TRAIN:
        rows["train"] = np.sort(np.random.default_rng([spec.seed, 5]).choice(rows["train"], MOST_TRAIN, replace=False))
    if min(map(len, rows.values())) < FEWEST:
        raise SpecInvalid(f"{name}: its parts need at least {FEWEST} images each for heads beside it.")
    features = {split: _features(predictor, labelled, rows[split], split, report) for split in SPLITS}
    golden = features_of(predictor, golden_images(card.golden_seeds, card.preprocess))
    part = _Part(card, labelled, rows, features, golden, spec)
    fitted = [part.fitted(MLP if key == "mlp" else head_spec(key), report) for key in keys]
    found = SiblingSet(
        schema_version=SCHEMA_VERSION, model_sha256=card.sha256, run_id=card.run_id,
        n_train_images=len(rows["train"]), n_train_groups=int(labelled.rows["group"].iloc[rows["train"]].nunique()),
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"), siblings=tuple(s for s, _ in fitted),
    )  # fmt: skip
    return SiblingResult(card, found, {sibling.file: content for sibling, content in fitted})


def _parts(spec: RunSpec, root: Path | None, skip_bad: bool, report: Report) -> LabelledSet:
    report("reading the data set", 0, 1)
    policy = "skip" if skip_bad else "stop"
    table = load_table(spec.dataset, root, policy=policy, options=reader_options(spec))  # type: ignore[arg-type]
    labelled = apply_scheme(table, label_scheme(spec.label_scheme, table.spec))
    return divided(labelled, spec, whole=whole_table(spec, root))


def _features(
    predictor: "Predictor", labelled: LabelledSet, rows: np.ndarray, split: str, report: Report
) -> np.ndarray:
    paths = labelled.rows["path"].iloc[rows].astype(str).tolist()
    found: list[np.ndarray] = []
    for batch in decoded_batches(paths, predictor.card.preprocess):
        pooled = predictor.features(batch)
        if pooled is None:
            raise SpecInvalid(f"{predictor.card.name} pools no features that another head could stand on.")
        found.append(pooled)
        report(f"looking at the {split} part", sum(map(len, found)), len(paths))
    return np.concatenate(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Features and truth of all parts, from which one head after the other is fitted."""

    card: ModelCard
    labelled: LabelledSet
    rows: Mapping[str, np.ndarray]
    features: Mapping[str, np.ndarray]
    golden: np.ndarray
    spec: RunSpec

    def fitted(self, head: HeadSpec, report: Report) -> tuple[Sibling, bytes]:
        """One head with its record and its file."""
        card, seed = self.card, self.spec.seed
        best_score, estimator = -1.0, None
        chosen: dict[str, Any] = {}
        y_train, y_validation = (self.labelled.y_true[self.rows[split]] for split in ("train", "validation"))
        settings = grid(head)
        for number, setting in enumerate(settings):
            report(f"fitting {head.title.lower()}", number, len(settings))
            candidate = _estimator(head, setting, seed, card.task)
            with fitting_threads(head), warnings.catch_warnings():
                # so many epochs and no more: the grid's choice on validation says which of them was enough
                warnings.filterwarnings("ignore", message="Stochastic Optimizer: Maximum iterations")
                candidate.fit(self.features["train"], y_train)
            scores = scores_of(candidate, self.features["validation"], len(card.class_names))
            score = selection_score(y_validation, scores, card.task)
            if score > best_score + 1e-12:  # ties keep the earlier setting, on every machine alike
                best_score, estimator, chosen = score, candidate, dict(setting)
        validation, test = (self._predictions(estimator, split) for split in ("validation", "test"))
        temperature = fit_temperature(validation)
        stated, tested = apply_temperature(validation, temperature), apply_temperature(test, temperature)
        threshold = choose_threshold(stated, card.threshold.rule)
        unit = unit_of(dataset_spec(self.spec.dataset).group_field)
        content = _stored(estimator)
        return Sibling(
            key=head.key, title=head.title, file=f"sibling-{head.key}.skops", sha256=sha256_of(content),
            file_bytes=len(content), params=_params(estimator), temperature=temperature, threshold=threshold,
            chosen={**chosen, "validation_auc": best_score}, estimates=evaluate(tested, threshold, unit=unit).estimates,
            golden_outputs=tuple(tuple(map(float, row)) for row in self._golden(estimator, temperature)),
        ), content  # fmt: skip

    def _predictions(self, estimator: Any, split: str) -> Predictions:
        card, frame = self.card, self.labelled.rows.iloc[self.rows[split]]
        return Predictions(
            run_id=card.run_id, split=split, task=card.task, class_names=card.class_names,
            positive_class=card.positive_class, image_ids=frame["image_id"].to_numpy(dtype=str),
            groups=frame["group"].to_numpy(dtype=str), y_true=self.labelled.y_true[self.rows[split]],
            y_prob=scores_of(estimator, self.features[split], len(card.class_names)),
        )  # fmt: skip

    def _golden(self, estimator: Any, temperature: float) -> np.ndarray:
        from core.nn.serving import calibrated
        from core.nn.siblings import head_logits

        scores = scores_of(estimator, self.golden, len(self.card.class_names))
        return calibrated(head_logits(scores, self.card.task), temperature, self.card.task)


def _estimator(head: HeadSpec, setting: Mapping[str, object], seed: int, task: str) -> Any:
    """Classes as frequent as they are: so was the network trained, and so its probabilities are meant."""
    if head.factory != "mlp_classifier":
        return build_estimator(head, setting, seed=seed, balanced=False, task=task)
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    settings: dict[str, Any] = {**head.settings, **setting}
    made = make_pipeline(StandardScaler(), MLPClassifier(random_state=seed, **settings))
    return OneVsRestClassifier(made) if task == "multilabel" else made


def _stored(estimator: Any) -> bytes:
    """The file of a head, without what only its fitting needed (random states and the optimiser)."""
    import skops.io

    for part in _inside(estimator):
        for name in ("_optimizer", "_random_state", "_feature_subsample_rng"):
            if hasattr(part, name):
                delattr(part, name)
    return bytes(skops.io.dumps(estimator, compression=zipfile.ZIP_DEFLATED))


def _inside(estimator: Any) -> Iterator[Any]:
    yield estimator
    steps = [step for _, step in getattr(estimator, "steps", ())]
    for part in [*steps, *(estimator.estimators_ if type(estimator).__name__ == "OneVsRestClassifier" else ())]:
        yield from _inside(part)


def _params(estimator: Any) -> int:
    networks = [part for part in _inside(estimator) if hasattr(part, "coefs_")]
    if networks:
        return sum(int(array.size) for part in networks for array in (*part.coefs_, *part.intercepts_))
    return count_parameters(estimator)
