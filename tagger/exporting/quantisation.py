"""Weights in 8 bits."""

import tempfile
from pathlib import Path

import onnx


def quantised(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model whose matrices are 8-bit integers; its inputs are quantised as they come."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "model.onnx"
        quantize_dynamic(
            model, out, op_types_to_quantize=["MatMul", "LSTM", "Attention"], weight_type=QuantType.QInt8, per_channel=True
        )
        return onnx.load(out)
