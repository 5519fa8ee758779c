"""An ONNX graph under construction."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR = 20, 10  # read by onnxruntime 1.18 and later
FUSED = "com.microsoft"
"""The domain of onnxruntime's own operators."""


class Graph:
    """Nodes, weights and inputs; a value is known by its name.

    Args:
        int8: keep tables of vectors as 8-bit integers, each row with its own scale.
    """

    def __init__(self, *, int8: bool = False) -> None:
        self.int8 = int8
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._inputs: dict[str, onnx.ValueInfoProto] = {}

    def input(self, name: str, *dims: str, kind: int = TensorProto.INT64) -> str:
        """Return an input of the graph with dimensions of these names; a second call returns the same."""
        self._inputs.setdefault(name, helper.make_tensor_value_info(name, kind, dims))
        return name

    def constant(self, value: Any, dtype: Any = None) -> str:
        """Return a constant: a weight, or a number."""
        array = np.ascontiguousarray(np.asarray(value, dtype))
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(array.reshape(np.shape(value)), name))
        return name

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Return the first output of an operator. An input "" is left out."""
        return self.ops(kind, *inputs, outputs=1, domain=domain, **attributes)[0]

    def ops(self, kind: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any) -> list[str]:
        """Return the outputs of an operator."""
        names = [f"v{len(self._nodes)}.{place}" for place in range(outputs)]
        self._nodes.append(helper.make_node(kind, inputs, names, names[0], domain=domain, **attributes))
        return names

    def rows(self, table: np.ndarray, ids: str) -> str:
        """Return the rows of a table [V, D] at `ids`."""
        if not self.int8:
            return self.op("Gather", self.constant(table, np.float32), ids)
        scale = np.maximum(np.abs(table).max(1, keepdims=True), np.finfo(np.float32).tiny) / 127
        whole = self.op("Gather", self.constant(np.rint(table / scale), np.int8), ids)
        scales = self.op("Gather", self.constant(scale, np.float32), ids)
        return self.op("Mul", self.op("Cast", whole, to=TensorProto.FLOAT), scales)

    def linear(self, vectors: str, weight: np.ndarray, bias: np.ndarray | None) -> str:
        """Return vectors times `weight` [outputs, inputs], plus `bias`."""
        product = self.op("MatMul", vectors, self.constant(weight.T, np.float32))
        return product if bias is None else self.op("Add", product, self.constant(bias, np.float32))

    def model(self, output: str, dims: Sequence[str | int], name: str) -> onnx.ModelProto:
        """Return the checked model with one output, under `name`."""
        self._nodes.append(helper.make_node("Identity", [output], [name]))
        graph = helper.make_graph(
            self._nodes,
            "tagger",
            list(self._inputs.values()),
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)],
            self._weights,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(FUSED, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR, producer_name="structkd")
        onnx.checker.check_model(model)
        return model
