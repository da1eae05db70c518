"""A stored run -> the whole flat network that gave its predictions, without augmentation layers."""

from core.errors import SpecInvalid
from core.nn.backbones import build_backbone
from core.nn.backend import keras
from core.nn.heads import build_network, centre_logits
from core.nn.saving import model_from_bytes
from core.nn.weights import copy_backbone, copy_head
from core.registry.architectures import architecture_spec
from core.registry.heads import head_spec
from core.types import RunRecord

HEAD_FILE, NETWORK_FILE = "head.keras", "network.keras"


def assemble(record: RunRecord, artifacts: dict[str, bytes]) -> keras.Model:
    """Pixels (n, S, S, 3) 0-255 RGB -> probabilities (n, C), one flat graph.

    Args:
        artifacts: the run's files by name; holds `head.keras` (frozen) or `network.keras` (trained whole).
    Raises: SpecInvalid when the run's head is not a network; WeightsUnavailable when the base is not here.
    """
    spec = record.spec
    trained = artifacts.get(NETWORK_FILE) or artifacts.get(HEAD_FILE)
    if trained is None:
        what = f"its head is {head_spec(spec.head).title}"
        if spec.members:
            what = f"it stands for {len(spec.members)} runs that answer together"
        raise SpecInvalid(
            f"{record.run_id} holds no network: {what}. Only CNN+MLP runs can be exported as one Keras graph."
        )
    whole = NETWORK_FILE in artifacts
    head = head_spec(spec.head)
    backbone = build_backbone(
        architecture_spec(spec.architecture),
        input_px=spec.preprocess.size_px,
        weights="none" if whole else spec.weights,
        seed=spec.seed,
    )
    scaler = head.standardise and spec.strategy != "scratch"
    model = build_network(backbone, head, len(record.class_names), record.task, scaler=scaler, seed=spec.seed)
    source = model_from_bytes(trained)
    if whole:
        copy_backbone(source, model)
    copy_head(source, model)
    centre_logits(model)
    return model
