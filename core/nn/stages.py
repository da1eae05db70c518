"""What a lesson shows of an ONNX classifier: its stages, what a cell of each sees, the first filters, the head.

Graphs are those of `onnx_layers.py` or of Keras' own exporter: grids are (n, c, h, w) inside. Nothing is run here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.nn.runtime import ACTIVATIONS, PIXELS
from core.store.traces import CONVOLUTION, MEAN_POOLING, POOLING, SMOOTH

POOLS = ("MaxPool", "AveragePool")
# what may stand before the first filters without taking one colour for another
KEEPS_COLOURS = frozenset({"Transpose", "Mul", "Add", "Sub", "Div", "Pad", "Cast", "Identity", "BatchNormalization"})
PASSES = ("Identity", "Flatten", "Reshape", "Squeeze", "Transpose", "Cast")  # the same numbers in another shape
MEAN_POOLS, MAX_POOLS = ("GlobalAveragePool", "ReduceMean"), ("GlobalMaxPool", "ReduceMax")


@dataclass(frozen=True, slots=True)
class Seen:
    """How far a value sees: the side in pixels of the square behind one of its cells, and pixels between two cells."""

    field: int
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan:
    """One value of the graph that a lesson may show; `convolutions` lie between the candidate before it and it."""

    value: str
    kind: str
    kernel: int
    stride: int
    field_px: int
    convolutions: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Head:
    """The last weighted sum: the value `vector` (n, d) times `weights` (d, C) plus `bias` (C,) are the logits.

    `pooling` is "mean" or "max" where the vector is pooled from the maps, "units" where other layers lie between.
    """

    vector: str
    weights: np.ndarray
    bias: np.ndarray
    pooling: str


def constants_of(graph: Any) -> dict[str, np.ndarray]:
    """The constants of an ONNX model by name."""
    from onnx import numpy_helper

    found = {item.name: numpy_helper.to_array(item) for item in graph.graph.initializer}
    for node in graph.graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found


def number_of(node: Any, name: str, default: int) -> int:
    """The largest number of an attribute such as strides, one number for both sides of a grid."""
    return next((max(map(int, a.ints)) for a in node.attribute if a.name == name and a.ints), default)


def stage_plans(nodes: Sequence[Any], constants: Mapping[str, np.ndarray]) -> list[StagePlan]:
    """Every candidate up to the stage that heat maps are made from, in the order of the graph; none without it.

    A candidate is what an activation or a pooling gives: numbers that are not below 0, or hardly so.
    """
    last = next((node.input[0] for node in nodes if ACTIVATIONS in node.output), None)
    end = next((i for i, node in enumerate(nodes) if last in node.output), None)
    if end is None:
        return []
    made_by = {output: node for node in nodes for output in node.output}
    seen, plans, convolutions, kernel, stride = {PIXELS: Seen(1, 1)}, [], 0, 1, 1
    for node in nodes[: end + 1]:
        behind = [seen[name] for name in node.input if name in seen]
        if not behind:
            continue
        here = Seen(max(s.field for s in behind), max(s.step for s in behind))
        if node.op_type in ("Conv", *POOLS):
            size = constants[node.input[1]].shape[-1] if node.op_type == "Conv" else number_of(node, "kernel_shape", 1)
            reach = (size - 1) * number_of(node, "dilations", 1)
            jump = number_of(node, "strides", 1)
            here = Seen(here.field + reach * here.step, here.step * jump)
            kernel, stride = int(size), jump
            convolutions += node.op_type == "Conv"
        for output in node.output:
            seen[output] = here
        kind = _kind(node, made_by, constants)
        if kind:
            plans.append(
                StagePlan(
                    value=node.output[0], kind=kind, kernel=kernel, stride=stride, field_px=here.field,
                    convolutions=convolutions,
                )
            )  # fmt: skip
            convolutions = 0
    return plans


def _kind(node: Any, made_by: Mapping[str, Any], constants: Mapping[str, np.ndarray]) -> str:
    """Which kind of stage ends with a node; "" for none."""
    if node.op_type in POOLS:
        return POOLING if node.op_type == "MaxPool" else MEAN_POOLING
    if node.op_type == "Relu" or (node.op_type == "Clip" and _starts_at_zero(node, constants)):
        return CONVOLUTION
    if node.op_type == "Mul":  # x times sigmoid(x): swish
        for value, other in (node.input, node.input[::-1]):
            gate = made_by.get(other)
            if gate is not None and gate.op_type == "Sigmoid" and gate.input[0] == value:
                return SMOOTH
    return ""


def _starts_at_zero(node: Any, constants: Mapping[str, np.ndarray]) -> bool:
    low = constants.get(node.input[1]) if len(node.input) > 1 else None
    return low is not None and float(low) == 0.0


def chosen_plans(plans: Sequence[StagePlan], sides: Sequence[int], most: int) -> list[int]:
    """Which candidates are shown: all where they are few, else the first and the last of each size of the grid.

    Args:
        sides: the height of each candidate's grid.
        most: how many are few.
    """
    if len(plans) <= most:
        return list(range(len(plans)))
    last = {side: number for number, side in enumerate(sides)}
    return sorted({0, *last.values()})


def merged(plans: Sequence[StagePlan], chosen: Sequence[int]) -> list[StagePlan]:
    """The chosen candidates; each counts the convolutions since the chosen one before it."""
    from dataclasses import replace

    starts = [-1, *chosen[:-1]]
    return [
        replace(plans[end], convolutions=sum(p.convolutions for p in plans[start + 1 : end + 1]))
        for start, end in zip(starts, chosen, strict=True)
    ]


def first_filters(nodes: Sequence[Any], constants: Mapping[str, np.ndarray], *, colour: bool) -> np.ndarray | None:
    """Filters of the first convolution, times what a normalisation behind it multiplies by; None without one.

    Args:
        colour: keep the three colours apart where the graph does; they are averaged otherwise.
    Returns: float16 (c, k, k), or (c, k, k, 3) in RGB.
    """
    at = next((i for i, node in enumerate(nodes) if node.op_type == "Conv"), None)
    if at is None or nodes[at].input[1] not in constants:
        return None
    kernel = constants[nodes[at].input[1]].astype(np.float64)
    plain = kernel.shape[1] == 3 and all(node.op_type in KEEPS_COLOURS for node in nodes[:at])
    kernel = kernel.transpose(0, 2, 3, 1) if colour and plain else kernel.mean(axis=1)
    follower = nodes[at + 1] if at + 1 < len(nodes) else None
    if follower is not None and follower.op_type == "BatchNormalization":
        scale, _, _, variance = (constants[i].astype(np.float64) for i in follower.input[1:5])
        epsilon = next((a.f for a in follower.attribute if a.name == "epsilon"), 1e-5)
        factor = scale / np.sqrt(variance + epsilon)
        kernel = kernel * factor.reshape(-1, *(1,) * (kernel.ndim - 1))
    return kernel.astype(np.float16)


def head_of(nodes: Sequence[Any], constants: Mapping[str, np.ndarray]) -> Head | None:
    """The weighted sum that gives the value "logits"; None where the graph ends in anything else."""
    made_by = {output: node for node in nodes for output in node.output}
    node, bias = _through(made_by.get("logits"), made_by), None
    if node is not None and node.op_type == "Add":
        known = [name for name in node.input if name in constants]
        if len(known) != 1:
            return None
        bias = constants[known[0]].reshape(-1)
        node = _through(made_by.get(next(name for name in node.input if name not in constants)), made_by)
    if node is None or node.op_type != "MatMul" or node.input[1] not in constants:
        return None
    weights = constants[node.input[1]]
    bias = np.zeros(weights.shape[1], np.float32) if bias is None else bias
    return Head(vector=node.input[0], weights=weights, bias=bias, pooling=_pooling(node.input[0], made_by))


def _through(node: Any, made_by: Mapping[str, Any]) -> Any:
    """The node behind those that hand on the same numbers."""
    while node is not None and node.op_type in PASSES:
        node = made_by.get(node.input[0])
    return node


def _pooling(vector: str, made_by: Mapping[str, Any]) -> str:
    """How the vector comes from the stage that heat maps are made from: "mean", "max" or "units"."""
    stage = next(node.input[0] for output, node in made_by.items() if output == ACTIVATIONS)
    pools, value = [], vector
    while value != stage:
        node = made_by.get(value)
        if node is None or node.op_type not in (*PASSES, *MEAN_POOLS, *MAX_POOLS):
            return "units"
        if node.op_type not in PASSES:
            pools.append(node.op_type)
        value = node.input[0]
    # a mean over the one cell that a maximum left changes nothing
    if not pools:
        return "units"
    return "max" if pools[-1] in MAX_POOLS else "mean"
