"""Codes of log-posteriors: storage formats of a log-probability in a shard, identified by their Arrow type.

`float16` is the default. `log8` takes half the bytes: a code c of 0 to 254 stands for -(c / 31.75)^2 nats, so its steps
are finest for large probabilities; 255 stands for a probability of exactly 0. Rounding costs a Kullback-Leibler
divergence of about a 6,000th of the posterior's entropy: an error uniform within a step of 2 sqrt(x) / 31.75 nats at x
= -log q, whose variance is x / (3 * 31.75^2), half of it weighted by q and summed. `float32` stores the teacher's
values unchanged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Float32, Float64, Shaped

PosteriorCode: TypeAlias = Literal["float16", "float32", "log8"]

FLOAT16_MAX = float(np.finfo(np.float16).max)  # 65504
STEPS = 254  # the greatest code of a probability above 0; it stands for exp(-64)
SCALE = STEPS / 8.0  # codes by square root of nats
ZERO = 255


@dataclass(frozen=True)
class Code:
    """An Arrow type with its encoder and decoder."""

    kind: pa.DataType
    encode: Callable[[Float[np.ndarray, "N L"]], Shaped[np.ndarray, "N L"]]
    decode: Callable[[Shaped[np.ndarray, "N L"]], Float32[np.ndarray, "N L"]]


def _to_float16(log_posteriors: Float[np.ndarray, "N L"]) -> Shaped[np.ndarray, "N L"]:
    floored = np.maximum(log_posteriors, -FLOAT16_MAX)
    return np.where(np.isneginf(log_posteriors), log_posteriors, floored).astype(np.float16)


def _to_log8(log_posteriors: Float[np.ndarray, "N L"]) -> Shaped[np.ndarray, "N L"]:
    codes = np.rint(np.sqrt(np.clip(-log_posteriors, 0.0, 64.0)) * SCALE)
    return np.where(np.isneginf(log_posteriors), ZERO, codes).astype(np.uint8)


_LOG8 = np.append(-np.square(np.arange(ZERO) / SCALE), -np.inf).astype(np.float32)


def _as_float32(values: Shaped[np.ndarray, "N L"]) -> Float32[np.ndarray, "N L"]:
    return values.astype(np.float32)


CODES: dict[PosteriorCode, Code] = {
    "float16": Code(pa.float16(), _to_float16, _as_float32),
    "float32": Code(pa.float32(), _as_float32, _as_float32),
    "log8": Code(pa.uint8(), _to_log8, _LOG8.__getitem__),
}
assert tuple(CODES) == get_args(PosteriorCode)


def code_of(kind: pa.DataType) -> Code:
    """Return the code of a column with this value type."""
    return next(code for code in CODES.values() if code.kind == kind)


def log_distribution(log_posteriors: Float32[np.ndarray, "N L"]) -> Float64[np.ndarray, "N L"]:
    """Renormalise decoded log-posteriors, because codes round. A probability of 0 becomes exp(-65504), so that every
    entropy, log-likelihood and divergence is finite."""
    logs = np.maximum(log_posteriors.astype(np.float64), -FLOAT16_MAX)
    normalised: Float64[np.ndarray, "N L"] = logs - np.log(np.exp(logs).sum(axis=1, keepdims=True))
    return normalised
