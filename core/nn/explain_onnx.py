"""The gradient of a shipped network from its ONNX graphs: `explain.onnx`, asked for what it multiplies with.

`explain.onnx` weighs the channels by the mean of their gradients (`onnx_tail.py`). Behind a global average the
gradient is the same in every cell, so that this mean is the gradient itself; behind a global maximum all of it lies in
the cell of the maximum. Grad-CAM++ and Layer-CAM follow without TensorFlow. Behind anything else, the Keras network
is asked.
"""

from pathlib import Path

import numpy as np

from core.nn.explain_maps import Stage
from core.nn.runtime import ACTIVATIONS, MAPS, session

WEIGHTS = "weights"
AVERAGE, MAXIMUM = "GlobalAveragePool", "GlobalMaxPool"
SPREAD = frozenset({"MaxPool", "AveragePool", "ReduceSum"})  # here a gradient differs from cell to cell in other ways


class TailGradient:
    """The gradient of every logit to the activations of the CAM layer, by ONNX Runtime. Safe for several threads."""

    def __init__(self, graph: bytes, pooling: str) -> None:
        """Run a graph of `weights_graph`, whose layer is pooled by AVERAGE or MAXIMUM."""
        self._session, self._pooling = session(graph, 1), pooling

    @classmethod
    def of(cls, explain: bytes | Path) -> "TailGradient | None":
        """That of `explain.onnx`, a file or its content; None where it does not hold the gradient of every cell."""
        found = weights_graph(explain if isinstance(explain, bytes) else explain.read_bytes())
        return None if found is None else cls(*found)

    def stage(self, activations: np.ndarray) -> Stage:
        """The stage of one picture whose CAM layer holds `activations` (1, h, w, d)."""
        mean = self._session.run([WEIGHTS], {ACTIVATIONS: activations})[0][0][:, None, None, :]
        held = activations[0]
        if self._pooling == AVERAGE:
            return Stage(held, mean)
        peaks = held == held.max(axis=(0, 1))
        shares = peaks / peaks.sum(axis=(0, 1))  # equal maxima share the gradient, as in TensorFlow
        return Stage(held, mean * (shares * held.shape[0] * held.shape[1]).astype(np.float32))


def weights_graph(explain: bytes) -> tuple[bytes, str] | None:
    """`explain.onnx` with the output "weights" (n or 1, C, d), the mean gradient per channel, and how it is pooled.

    Returns: None where the gradient of every cell does not follow from the mean.
    """
    import onnx
    from onnx import TensorProto, helper

    model = onnx.load_from_string(explain)
    kinds = [node.op_type for node in model.graph.node]
    if set(kinds) & SPREAD:
        return None
    if kinds[1:2] == [MAXIMUM]:  # right behind the layer: what a normalisation in between would turn round
        pooling = MAXIMUM
    elif AVERAGE in kinds and MAXIMUM not in kinds:
        pooling = AVERAGE
    else:
        return None
    made_by = {output: node for node in model.graph.node for output in node.output}
    value = MAPS
    for expected in ("Relu", "Reshape", "MatMul"):
        node = made_by.get(value)
        if node is None or node.op_type != expected:  # written by another version
            return None
        value = node.input[0]
    model.graph.node.append(helper.make_node("Identity", [value], [WEIGHTS]))
    model.graph.output.append(helper.make_tensor_value_info(WEIGHTS, TensorProto.FLOAT, ("n", "classes", "channels")))
    content: bytes = model.SerializeToString()
    return content, pooling
