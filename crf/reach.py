"""The smallest possible prior of `crf.scan`, which decides the number format.

Without forbidden transitions a prior is at least exp(-span) times the sum of the state before it, for any spread of the
potentials: each label can be reached from each in one step, and the smallest transition is `span` below the largest.
With forbidden transitions (-inf) it takes h steps from any label to any other; h is the exponent of the graph of
allowed transitions (2 for IOB2, 3 for BIOES). Each of the h - 1 words in between can cost as much as the spread of the
emissions. A number format is safe while these nats stay within its exponents; `crf.logscan` does the rest.
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
        """Return the first of `least` and float64 that is safe, or None if only log space is."""
        return next((dtype for dtype in (least, torch.float64) if self.nats <= headroom(dtype)), None)


def headroom(dtype: torch.dtype) -> float:
    """Return the nats that a number may shrink by: 35 in float32, 283 in float64. Gradients can grow by its square."""
    return -0.4 * log(torch.finfo(dtype).tiny)


def reach_of(transitions: Float[Tensor, "L L"], spread: Callable[[], float]) -> Reach:
    """Return the reach of a chain.

    Args:
        transitions: at most 0; forbidden ones at most `FLOOR`.
        spread: returns the largest distance between potentials of one word; called only if transitions are forbidden.
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
    """Return the number of steps in which every label reaches every label, if it is at most `MAX_EXPONENT`."""
    step = power = allowed.double()
    for exponent in range(1, MAX_EXPONENT + 1):
        if power.all():
            return exponent
        power = (power @ step).clamp_max_(1.0)
    return None
