"""Weights in 8 bits."""

import logging
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx

from structkd.runtime.scoring import quiet_onnxruntime

_QUANTISED = ["MatMul", "LSTM", "Attention"]
_SMALL = 1 << 16  # numbers of a matrix that is left as it is: it takes no time and no space, and errors would show


def quantised(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model whose matrices are 8-bit integers, each column with its scale; inputs are quantised as they come.

    Convolutions over characters and small matrices stay as they are.
    """
    quiet_onnxruntime()
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder, _quiet():
        out = Path(folder) / "model.onnx"
        quantize_dynamic(
            model,
            out,
            op_types_to_quantize=_QUANTISED,
            nodes_to_exclude=_small(model),
            weight_type=QuantType.QInt8,
            per_channel=True,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},  # of values that onnx does not infer
        )
        return onnx.load(out)


def _small(model: onnx.ModelProto) -> list[str]:
    sizes = {weight.name: math.prod(weight.dims) for weight in model.graph.initializer}
    nodes = [node for node in model.graph.node if node.op_type in _QUANTISED]
    return [node.name for node in nodes if sizes.get(node.input[1], 0) < _SMALL]


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the advice to optimise the graph first: it is written in fused operators."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
