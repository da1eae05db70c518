"""Heads of scikit-learn beside a shipped network: the same pooled features, other ways to decide.

The features come from the engine, so that nothing here needs TensorFlow. Scores are calibrated as the network's are.
"""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ModelDamaged
from core.language import said
from core.nn.serving import GOLDEN_TOLERANCE, Predictor, calibrated, golden_images
from core.nn.skops_gate import READING, load_head
from core.store.models import model_folder
from core.store.siblings import SIBLINGS, load_siblings, sibling_bytes
from core.types import ModelCard, SiblingSet

CLIP = 1e-12  # a score of exactly 0 or 1 has no logit
MAX_LOADED = 4  # sets of heads in memory; a forest has some MB

_lock = threading.Lock()
_loaded: OrderedDict[tuple[str, str], tuple[object, "Siblings"]] = OrderedDict()


class Siblings:
    """The loaded heads of one model. Build it with `Siblings.load`."""

    def __init__(self, card: ModelCard, found: SiblingSet, estimators: tuple[Any, ...]) -> None:
        """Heads in the order of `found.siblings`."""
        self.card, self.found = card, found
        self._estimators = estimators

    @classmethod
    def load(cls, predictor: Predictor, folder: Path | None = None) -> "Siblings | None":
        """The heads beside a loaded model, once their files and golden outputs have been checked; None without any.

        Raises: ModelDamaged when a file is not what `siblings.json` says, or a golden output is another.
        """
        card = predictor.card
        found = load_siblings(card, folder)
        if found is None:
            return None
        golden = features_of(predictor, golden_images(card.golden_seeds, card.preprocess))
        estimators = []
        for sibling in found.siblings:
            content = sibling_bytes(card, sibling, folder)
            estimators.append(_alone(load_head(content, f"{card.name}: {sibling.file}", golden.shape[1])))
        heads = cls(card, found, tuple(estimators))
        expected = np.asarray([sibling.golden_outputs for sibling in found.siblings])
        answered = heads.probabilities(golden).transpose(1, 0, 2)
        for sibling, mine, stored in zip(found.siblings, answered, expected, strict=True):
            difference = float(np.abs(mine - stored).max()) if mine.shape == stored.shape else np.inf
            if not difference <= GOLDEN_TOLERANCE:
                raise ModelDamaged(
                    said(
                        "{name}: {title} answers its golden images differently, by {difference:.2g} (at most "
                        "{golden_tolerance:g} is allowed). Fit the heads again: python -m core models siblings "
                        "{name} --write",
                        name=card.name,
                        title=sibling.title.lower(),
                        difference=difference,
                        golden_tolerance=GOLDEN_TOLERANCE,
                    )
                )
        return heads

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (n, heads, C) of pooled features (n, d). Raises ModelDamaged."""
        card, answers = self.card, []
        for sibling, estimator in zip(self.found.siblings, self._estimators, strict=True):
            try:
                raw = head_scores(estimator, features, len(card.class_names))
            except READING as error:
                raise ModelDamaged(
                    said("{name}: {file} does not answer these features.", name=card.name, file=sibling.file)
                ) from error
            answers.append(calibrated(head_logits(raw, card.task), sibling.temperature, card.task))
        return np.stack(answers, axis=1)

    def beside(self, predictor: Predictor, batch: np.ndarray) -> np.ndarray:
        """Probabilities (n, 1 + heads, C) of prepared images (n, S, S, 3), the network first: one pass for all."""
        output = predictor.run(batch)
        if output.features is None:
            raise ModelDamaged(said("{name} pools no features that another head could stand on.", name=self.card.name))
        network = calibrated(output.logits, self.card.temperature, self.card.task)
        return np.concatenate([network[:, None], self.probabilities(output.features)], axis=1)


def features_of(predictor: Predictor, batch: np.ndarray) -> np.ndarray:
    """Pooled features (n, d) float32 of prepared images (n, S, S, 3). Raises ModelDamaged where nothing is pooled."""
    features = predictor.features(batch)
    if features is None:
        raise ModelDamaged(said("{name} pools no features that another head could stand on.", name=predictor.card.name))
    return features


def head_scores(estimator: Any, features: np.ndarray, class_count: int) -> np.ndarray:
    """`predict_proba` as (n, C) float64 in class order; a class that training never saw has the score 0."""
    raw = np.asarray(estimator.predict_proba(features), dtype=np.float64)
    classes = np.asarray(getattr(estimator, "classes_", np.arange(raw.shape[1])), dtype=int)
    scores = np.zeros((len(features), class_count))
    scores[:, classes] = raw
    return scores


def head_logits(scores: np.ndarray, task: str) -> np.ndarray:
    """What a temperature divides, of scores (n, C): their logarithm, or for each class alone its log odds."""
    clipped = np.clip(scores, CLIP, 1.0)
    if task != "multilabel":
        return np.log(clipped)
    clipped = np.minimum(clipped, 1 - CLIP)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def _alone(estimator: Any) -> Any:
    """One thread for each head: for a few rows, starting more takes longer than the answer."""
    if hasattr(estimator, "n_jobs"):
        estimator.n_jobs = None
    return estimator


def shared_siblings(predictor: Predictor, folder: Path | None = None) -> Siblings | None:
    """As `Siblings.load`, one copy for the process, read again when the file has changed."""
    path = model_folder(predictor.card.name, folder) / SIBLINGS
    try:
        status = path.stat()
    except OSError:
        return None
    key = (predictor.card.name, str(path))
    stamp = (status.st_size, status.st_mtime_ns, predictor.card.sha256)
    with _lock:  # one at a time: loading takes a second, and a second copy would cost memory
        known = _loaded.get(key)
        if known is None or known[0] != stamp:
            heads = Siblings.load(predictor, folder)
            if heads is None:
                return None
            known = _loaded[key] = (stamp, heads)
        _loaded.move_to_end(key)
        while len(_loaded) > MAX_LOADED:
            _loaded.popitem(last=False)
        return known[1]
