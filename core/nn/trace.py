"""One phantom's way through a small network, stage by stage, for the lessons (core/store/traces.py holds the form).

The shipped ONNX graph is run with the outputs of all its stages, by ONNX Runtime on one core; no TensorFlow. Only
networks with one weighted sum behind their last stage are traced: there Grad-CAM can be done by hand.
"""

from pathlib import Path
from typing import Any

import numpy as np

from core.data.images import fit_image
from core.data.phantom import draw_phantom
from core.data.phantom_path import PhantomAddress
from core.errors import ExplanationFailed
from core.nn import runtime
from core.nn.stages import StagePlan, constants_of, first_filters, stage_plans
from core.store.models import EXPLAIN, GRAPH, load_card, verified_bytes
from core.store.names import sha256_of
from core.store.traces import Trace, TraceStage
from core.types import ModelCard

EXAMPLE = PhantomAddress(2026, 22, 1)  # of a seed that no run was trained on: one nodule, beside the heart
MOST_STAGE_VALUES = 2_000_000  # of all stages together: a lesson shows some dozens of maps, not thousands
LINE = {"Transpose", "ReduceMean", "Mul", "Add", "Conv", "BatchNormalization", "Relu", "MaxPool", "AveragePool"}
TAIL = {"GlobalMaxPool", "GlobalAveragePool", "Flatten", "MatMul", "Add", "Softmax", "Identity", "Transpose"}
SAME = 1e-4  # float32, done in another order


def trace_model(name: str, address: PhantomAddress = EXAMPLE, folder: Path | None = None) -> Trace:
    """Run the phantom at `address` through the model `name` and keep what every stage made of it.

    Raises: ModelError when the model cannot be read; ExplanationFailed when its network is no plain line of
        convolutions and pooling with one weighted sum at the end, or is too large for a lesson.
    """
    import onnx

    card = load_card(name, folder)
    if GRAPH not in card.other_sha256:
        raise _refused(name, "it has no ONNX graph")
    content = verified_bytes(card, GRAPH, folder)
    graph = onnx.load_from_string(content)
    constants = constants_of(graph)
    line, tail = _parts(name, graph)
    plans = stage_plans(list(graph.graph.node), constants)
    outputs = [plan.value for plan in plans]
    for output in outputs:
        graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(output))
    phantom = draw_phantom(address.seed, address.patient, address.image, address.size_px)
    picture = fit_image(phantom.pixels, card.preprocess)
    wanted = [*outputs, "activations", "pooled", "logits"]
    session = runtime.session(graph.SerializeToString(), 1)
    *grids, activations, pooled, logits = session.run(wanted, {runtime.PIXELS: picture[None].astype(np.float32)})
    if sum(grid.size for grid in grids) > MOST_STAGE_VALUES:
        raise _refused(name, f"its stages hold {sum(grid.size for grid in grids):,} numbers for one picture")
    weights = next(constants[node.input[1]] for node in tail if node.op_type == "MatMul")
    bias = next(constants[node.input[1]] for node in tail if node.op_type == "Add")
    filters = first_filters(line, constants, colour=False)
    if filters is None:
        raise _refused(name, "it has no convolution")
    scaled = logits[0].astype(np.float64) / card.temperature
    probabilities = np.exp(scaled - scaled.max()) / np.exp(scaled - scaled.max()).sum()
    shown = card.positive_class or card.class_names[int(np.argmax(logits[0]))]
    trace = Trace(
        model=name, graph_sha256=sha256_of(content), phantom=str(address), class_names=card.class_names,
        shown_class=shown, pooling="max" if any(node.op_type == "GlobalMaxPool" for node in tail) else "mean",
        temperature=card.temperature, pixels=picture[..., 0].copy(), filters=filters,
        stages=_stages(plans, grids), activations=activations[0].astype(np.float16),
        pooled=pooled[0].astype(np.float16), weights=weights.astype(np.float16), bias=bias.astype(np.float32),
        logits=logits[0].astype(np.float32), probabilities=probabilities,
        boxes=tuple(box[1:] for box in phantom.boxes if box[0] == "nodule"),
    )  # fmt: skip
    _check_map(card, trace, activations, weights, folder)
    return trace


def _refused(name: str, why: str) -> ExplanationFailed:
    return ExplanationFailed(
        f"{name}: {why}, so its way through the network is not traced. A lesson needs a small network of convolutions "
        "and pooling with one weighted sum at its end, such as phantom-nodule."
    )


def _parts(name: str, graph: Any) -> tuple[list, list]:
    """The nodes up to the last stage, and those behind it."""
    nodes = list(graph.graph.node)
    stage = next((node.input[0] for node in nodes if "activations" in node.output), None)
    at = next((i for i, node in enumerate(nodes) if stage in node.output), None)
    if at is None:
        raise _refused(name, "its graph does not name the stage that heat maps are made from")
    line, tail = nodes[: at + 1], nodes[at + 1 :]
    strange = [n.op_type for n in line if n.op_type not in LINE] + [n.op_type for n in tail if n.op_type not in TAIL]
    if strange or sum(node.op_type == "MatMul" for node in tail) != 1:
        raise _refused(
            name, f"its graph is more than that ({', '.join(sorted(set(strange))) or 'several dense layers'})"
        )
    return line, tail


def _stages(plans: list[StagePlan], grids: list[np.ndarray]) -> tuple[TraceStage, ...]:
    stages = []
    for plan, grid in zip(plans, grids, strict=True):
        maps, largest = _in_steps(grid[0].transpose(1, 2, 0))
        stages.append(
            TraceStage(
                kind=plan.kind, maps=maps, largest=largest, kernel=plan.kernel, stride=plan.stride,
                field_px=plan.field_px,
            )
        )  # fmt: skip
    return tuple(stages)


def _in_steps(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values (h, w, c), none below 0, as uint8 with the largest of each channel at 255."""
    largest = values.max(axis=(0, 1)).astype(np.float32)
    safe = np.where(largest > 0, largest, 1.0)
    return np.rint(values / safe * 255).astype(np.uint8), largest


def _check_map(
    card: ModelCard, trace: Trace, activations: np.ndarray, weights: np.ndarray, folder: Path | None
) -> None:
    """Grad-CAM by the lesson's steps must be the map that the model draws. Raises ExplanationFailed."""
    explain = runtime.session(verified_bytes(card, EXPLAIN, folder), 1)
    drawn = explain.run([runtime.MAPS], {runtime.ACTIVATIONS: activations})[0][0, trace.shown_index]
    cells = activations.shape[1] * activations.shape[2]
    by_hand = np.maximum(activations[0] @ (weights[:, trace.shown_index] / cells), 0.0)
    if float(np.abs(by_hand - drawn).max()) > SAME * max(1e-6, float(drawn.max())):
        raise _refused(trace.model, "its heat map is not the weighted sum of its last stage")
