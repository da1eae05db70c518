"""Run -> models/<name>/: one flat graph with its card, reloaded and compared before it counts."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from core.errors import ExportImpossible, ModelDamaged, SpecInvalid
from core.language import english, message_of, said
from core.nn.assemble import HEAD_FILE, NETWORK_FILE, assemble
from core.nn.backend import keras
from core.nn.compiled import CompiledKeras
from core.nn.heads import POOLED, SCALER
from core.nn.onnx_export import OnnxFiles, to_onnx
from core.nn.runtime import COMPILED, ONNX
from core.nn.saving import model_bytes, model_from_bytes
from core.nn.serving import GOLDEN_TOLERANCE, calibrated, golden_images
from core.nn.views import mean_logits
from core.registry.architectures import architecture_spec
from core.registry.datasets import dataset_spec
from core.registry.labels import label_scheme
from core.registry.views import views_of
from core.store.codec import SCHEMA_VERSION
from core.store.models import EXPLAIN, GRAPH, MODEL
from core.types import Evaluation, ModelCard, RunRecord

GOLDEN_SEEDS = (101, 102, 103, 104, 105)
SEEN_FILE = "seen_images.txt"
STATISTICS_FILE = "features.json"


def build_model_folder(
    name: str, record: RunRecord, artifacts: dict[str, bytes], evaluation: Evaluation, temperature: float
) -> tuple[ModelCard, dict[str, bytes | Path]]:
    """The card and the files of a model folder, ready for `store.models.save_model`.

    Args:
        evaluation: of the test part on calibrated scores; its threshold and estimates enter the card.
        temperature: fitted on validation; logits are divided by it.
    Raises: ModelDamaged when the saved file, loaded again, answers differently by more than 1e-4.
    """
    if record.status != "done":
        raise SpecInvalid(f"{record.run_id} is {record.status}; only a finished run can be exported.")
    spec, architecture = record.spec, architecture_spec(record.spec.architecture)
    model = assemble(record, artifacts)
    content = model_bytes(model)
    golden = golden_images(GOLDEN_SEEDS, spec.preprocess)
    before = calibrated(_logits(model, architecture.cam_layer, golden, spec.views), temperature, record.task)
    saved = model_from_bytes(content)
    after = calibrated(_logits(saved, architecture.cam_layer, golden, spec.views), temperature, record.task)
    difference = float(np.abs(before - after).max())
    if difference > GOLDEN_TOLERANCE:
        raise ModelDamaged(f"{name}: the saved network answers differently from the trained one, by {difference:.2g}.")
    mean, scale = _feature_statistics(model, artifacts)
    graphs, reason = _graphs(saved, architecture.cam_layer, golden)
    files: dict[str, bytes | Path] = {MODEL: content}
    if graphs is not None:
        files |= {GRAPH: graphs.model, EXPLAIN: graphs.explain}
    data, scheme = dataset_spec(spec.dataset), label_scheme(spec.label_scheme)
    train = next(counts for counts in record.counts if counts.split == "train")
    card = ModelCard(
        schema_version=SCHEMA_VERSION,
        name=name,
        title=f"{scheme.title}: {architecture.title}" + ("" if spec.head == "linear" else " + MLP"),
        run_id=record.run_id,
        architecture=spec.architecture,
        head=spec.head,
        task=record.task,
        class_names=record.class_names,
        positive_class=scheme.positive_class,
        preprocess=spec.preprocess,
        cam_layer=architecture.cam_layer,
        threshold=evaluation.threshold,
        temperature=temperature,
        training_data=f"{data.title}; {data.modality}. {data.citation}",
        training_dataset=data.key,
        n_train_images=train.n_images,
        n_train_groups=train.n_groups,
        synthetic=data.synthetic,
        estimates=evaluation.estimates,
        intended_use="Teaching and research: to look at how a network decides, and how sure it may be.",
        limits=(
            "Not a medical device and not a diagnosis: no decision about a person may rest on it.",
            english(
                said(
                    "Knows only these answers: {names}; any other picture gets one of them too.",
                    names=", ".join(record.class_names),
                )
            ),
            *data.caveats,
        ),
        licence=f"Network: {architecture.licence}. Head: Apache-2.0, trained on data under: {data.licence}.",
        sha256=hashlib.sha256(content).hexdigest(),
        model_bytes=len(content),
        golden_seeds=GOLDEN_SEEDS,
        golden_outputs=tuple(tuple(float(p) for p in row) for row in after),
        feature_mean=tuple(float(v) for v in mean),
        feature_scale=tuple(float(v) for v in scale),
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        views=spec.views,
        engine=COMPILED if graphs is None else ONNX,
        engine_reason=reason,
        engine_parity=_parity(graphs),
        other_sha256={n: hashlib.sha256(data).hexdigest() for n, data in files.items() if n != MODEL},  # type: ignore[arg-type]
    )
    if SEEN_FILE in artifacts:
        files[SEEN_FILE] = artifacts[SEEN_FILE]
    return card, files


def _logits(model: keras.Model, cam_layer: str, images: np.ndarray, views: str) -> np.ndarray:
    engine = CompiledKeras(model, cam_layer)
    return mean_logits(lambda seen: engine.run(seen).logits, images, views_of(views))


def _graphs(model: keras.Model, cam_layer: str, golden: np.ndarray) -> tuple[OnnxFiles | None, str]:
    """Both ONNX graphs, or None and the reason why compiled Keras has to serve the model."""
    try:
        return to_onnx(model, cam_layer, golden), ""
    except ExportImpossible as error:
        return None, english(message_of(error))


def _parity(graphs: OnnxFiles | None) -> dict[str, float]:
    if graphs is None:
        return {}
    return {"probabilities": graphs.probability_difference, "maps": graphs.map_difference}


def _feature_statistics(model: keras.Model, artifacts: dict[str, bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (d,) of the pooled features over the training images."""
    if STATISTICS_FILE in artifacts:
        stored = json.loads(artifacts[STATISTICS_FILE])
        return np.asarray(stored["mean"]), np.asarray(stored["scale"])
    names = {layer.name for layer in model.layers}
    if SCALER in names and HEAD_FILE in artifacts and NETWORK_FILE not in artifacts and POOLED in names:
        mean, variance = model.get_layer(SCALER).get_weights()
        return mean, np.sqrt(variance)
    return np.empty(0), np.empty(0)
