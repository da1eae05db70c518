"""Building an ONNX graph: nodes and constants by name, checked when it is finished."""

from collections.abc import Mapping

import numpy as np

OPSET, IR_VERSION = 17, 8  # understood by every ONNX Runtime since 1.12
Shape = tuple[int | str, ...]


class Graph:
    """Collects nodes and constants; values without a name of their own are numbered."""

    def __init__(self) -> None:
        self._nodes: list = []
        self._constants: list = []

    def add(self, operation: str, *inputs: str, output: str = "", **attributes) -> str:
        """A node of one output; returns the output's name."""
        from onnx import helper

        output = output or f"v{len(self._nodes)}"
        self._nodes.append(helper.make_node(operation, list(inputs), [output], **attributes))
        return output

    def constant(self, value) -> str:
        """A constant, int64 or float32; returns its name."""
        from onnx import numpy_helper

        array, name = np.asarray(value), f"c{len(self._constants)}"
        kind = np.int64 if np.issubdtype(array.dtype, np.integer) else np.float32
        self._constants.append(numpy_helper.from_array(np.array(array, dtype=kind, order="C"), name))
        return name

    def finish(self, name: str, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> bytes:
        """The content of an `.onnx` file with float32 inputs and outputs of these names and shapes."""
        import onnx
        from onnx import TensorProto, helper

        def described(values: Mapping[str, Shape]) -> list:
            return [helper.make_tensor_value_info(key, TensorProto.FLOAT, shape) for key, shape in values.items()]

        content = helper.make_graph(self._nodes, name, described(inputs), described(outputs), self._constants)
        made = helper.make_model(content, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(made, full_check=True)
        serialized: bytes = made.SerializeToString()
        return serialized
