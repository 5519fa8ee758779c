"""The recursion of `crf.scan` in log space and float64: slower, for any scores at all.

It is used if probability space could underflow, see `crf.reach`. It consists of plain differentiable operations, so it
also gives gradients of gradients.
"""

import torch
from jaxtyping import Float
from torch import Tensor

FLOOR = -1e30
"""Stands for minus infinity: its exp is exactly 0, yet 0 * FLOOR is 0 and gradients stay finite."""


def log_scan(
    potentials: Float[Tensor, "D B T L"], transitions: Float[Tensor, "D L L"]
) -> tuple[Float[Tensor, "D B T L"], Float[Tensor, "D B T"]]:
    """Return log priors and log totals in float64; otherwise as `crf.scan.scan`, with no constant left out."""
    words = potentials.double().clamp_min(FLOOR).unbind(2)
    steps = transitions.double().clamp_min(FLOOR)[:, None]
    priors = [torch.zeros_like(words[0])]
    for word in words[:-1]:
        state = (priors[-1] + word).clamp_min(FLOOR)
        priors.append((state[..., None] + steps).logsumexp(-2).clamp_min(FLOOR))
    log_prior = torch.stack(priors, 2)
    return log_prior, (log_prior + potentials.double()).logsumexp(-1)
