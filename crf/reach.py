"""How small a prior of `crf.scan` can get, and so which number format holds it.

Without forbidden transitions a prior is at least exp(-span) times the sum of the state before it, however widely the
potentials spread: each label can be reached from each in one step, and the least transition is `span` below the
greatest. With forbidden ones (-inf) it takes h steps to get from any label to any, h the exponent of the graph of
allowed transitions (2 for IOB2, 3 for BIOES), and on the way the h - 1 words between may each cost as much as
the emissions spread. A number format is safe while these nats stay within its exponents; `crf.logscan` holds the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log

import torch
from jaxtyping import Float
from torch import Tensor

from structkd.crf.logscan import FLOOR

MAX_EXPONENT = 4


@dataclass(frozen=True)
class Reach:
    """`nats`: a prior is at least exp(-nats) of the sum before it. `constrained`: some transition is forbidden."""

    nats: float
    constrained: bool

    def dtype(self, least: torch.dtype) -> torch.dtype | None:
        """The first of `least` and float64 that is safe, or None if only log space is."""
        return next((dtype for dtype in (least, torch.float64) if self.nats <= headroom(dtype)), None)


def headroom(dtype: torch.dtype) -> float:
    """Nats that a normalised number may shrink by: 35 in float32, 283 in float64. Gradients can grow by its square."""
    return -0.4 * log(torch.finfo(dtype).tiny)


def reach_of(transitions: Float[Tensor, "L L"], spread: Callable[[], float]) -> Reach:
    """The reach of a chain.

    Args:
        transitions: at most 0; forbidden ones at most `FLOOR`.
        spread: how far the potentials of one word lie apart at most; asked only where transitions are forbidden.
    """
    span = -transitions.amin().item()
    if span < -FLOOR / 2:
        return Reach(span, constrained=False)
    allowed = transitions > FLOOR / 2
    exponent = _exponent(allowed)
    if exponent is None:
        return Reach(inf, constrained=True)
    span = -transitions.where(allowed, 0.0).amin().item()
    between = spread() + log(len(transitions))
    return Reach(exponent * span + (exponent - 1) * between, constrained=True)


def _exponent(allowed: Tensor) -> int | None:
    """The number of steps in which every label can be reached from every label, if it is at most `MAX_EXPONENT`."""
    step = power = allowed.double()
    for exponent in range(1, MAX_EXPONENT + 1):
        if power.all():
            return exponent
        power = (power @ step).clamp_max_(1.0)
    return None
