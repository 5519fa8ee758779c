"""The recursion of `crf.scan` in log space and float64: slower, for any scores at all.

It takes over where probability space could underflow: transitions that span more than `crf.scan.MAX_SPAN`, and
forbidden ones. Made of plain differentiable operations, it also serves gradients of gradients.
"""

import torch
from jaxtyping import Float
from torch import Tensor

FLOOR = -1e30
"""Stands for minus infinity: its exp is exactly 0, yet 0 * FLOOR is 0 and gradients stay finite."""


def log_scan(
    potentials: Float[Tensor, "D B T L"], transitions: Float[Tensor, "D L L"]
) -> tuple[Float[Tensor, "D B T L"], Float[Tensor, "D B T"]]:
    """Log priors and log increments; arguments and results as in `crf.scan.scan`."""
    scores = potentials.double().clamp_min(FLOOR)
    steps = transitions.double().clamp_min(FLOOR)[:, None]
    log_prior = torch.zeros_like(scores[:, :, 0])
    priors, increments = [], []
    for i in range(scores.shape[2]):
        priors.append(log_prior)
        joint = log_prior + scores[:, :, i]
        increments.append(joint.logsumexp(-1))
        log_state = (joint - increments[-1][..., None]).clamp_min(FLOOR)
        log_prior = (log_state[..., None] + steps).logsumexp(-2).clamp_min(FLOOR)
    return torch.stack(priors, 2).to(potentials.dtype), torch.stack(increments, 2).to(potentials.dtype)
