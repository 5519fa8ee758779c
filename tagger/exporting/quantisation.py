"""Weights in 8 bits."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx

_QUANTISED = ["MatMul", "LSTM", "Attention"]


def quantised(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model whose matrices are 8-bit integers, each column with its scale; inputs are quantised as they come.

    Convolutions over characters stay as they are: they are small, and no faster as integers.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder, _quiet():
        out = Path(folder) / "model.onnx"
        quantize_dynamic(
            model,
            out,
            op_types_to_quantize=_QUANTISED,
            weight_type=QuantType.QInt8,
            per_channel=True,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},  # of values that onnx does not infer
        )
        return onnx.load(out)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the advice to optimise the graph first: it is written in fused operators."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
