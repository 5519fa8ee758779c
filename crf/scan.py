"""The forward recursion of a chain in probability space, with its gradient written by hand.

For potentials u_i(j) whose greatest is 0 at each word, transitions A(j, k) whose greatest is 0, E = exp u, M = exp A:

    prior_1 = 1                                     (every label, before the first word is seen)
    state_i = prior_i * E_i
    prior_{i+1} = state_i M

so that Z of the first i words is sum_j state_i(j). Run on the reversed sentence with the transposed transitions, the
same recursion yields the backward variables: there, prior_i is the evidence of the words after i about label i. A
marginal is therefore softmax(log prior_i + u_i + log prior^reversed_i), see `crf.chain`.

A word costs one matrix product and one multiplication. Every few words the state is divided by its sum. These divisors
are treated as constants: they are put back (log totals) or cancel (priors, which are known up to a factor per word), so
no gradient passes through them.
"""

from math import log
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from structkd.crf.logscan import FLOOR, log_scan
from structkd.crf.reach import Reach, headroom


def scan(
    potentials: Float[Tensor, "D B T L"], transitions: Float[Tensor, "D L L"], reach: Reach
) -> tuple[Float[Tensor, "D B T L"], Float[Tensor, "D B T"]]:
    """Return log priors and log totals of D independent recursions, differentiable.

    Args:
        potentials: the score of each label at each word, at most 0; forbidden ones at most `crf.logscan.FLOOR`.
        transitions: the score of (from, to) for each of the D recursions, at most 0; forbidden ones as above.
        reach: the smallest possible prior; it chooses float32, float64 or log space.

    Returns:
        `log_prior[d, b, i, j]`, the log weight of label j before word i is seen, up to a constant for each word that
        gradients do not see; and `log_total[d, b, i]`, the log partition of the first i + 1 words, in float64.
    """
    with torch.autocast(potentials.device.type, enabled=False):
        dtype = reach.dtype(potentials.dtype)
        if dtype is not None:
            span = max(reach.nats, log(potentials.shape[-1]), 1e-3)
            stride = 1 if reach.constrained else max(1, int(headroom(dtype) / span))
            prior, log_total = _Scan.apply(potentials.to(dtype), transitions.to(dtype), stride)  # type: ignore[no-untyped-call]
            if not reach.constrained:
                return prior.log().to(potentials.dtype), log_total
            if log_total.isfinite().all():  # else some sentence has no possible sequence: a case for log space
                log_prior = prior.clamp_min(torch.finfo(dtype).tiny).log()  # where 0, no gradient
                return log_prior.masked_fill(prior == 0, FLOOR).to(potentials.dtype), log_total
        log_prior, log_total = log_scan(potentials, transitions)
        return (log_prior - log_prior.detach().amax(-1, keepdim=True)).to(potentials.dtype), log_total


class _Scan(torch.autograd.Function):
    """(potentials, transitions, words between divisions) -> (normalised priors, log totals in float64).

    Time is the first dimension inside, so that a step works on one block of memory.
    """

    @staticmethod
    def forward(ctx: Any, potentials: Tensor, transitions: Tensor, stride: int) -> tuple[Tensor, Tensor]:
        evidence = potentials.movedim(2, 0).exp().contiguous()
        step = transitions.exp()
        prior, state = torch.empty_like(evidence), torch.empty_like(evidence)
        divided = range(stride - 1, len(evidence) - 1, stride)  # the words after which the state is divided
        divisor = evidence.new_ones(*evidence.shape[:-1], 1)
        priors, states, divisors = prior.unbind(), state.unbind(), divisor.unbind()
        prior[:1] = 1
        for i, word in enumerate(evidence.unbind()):
            torch.mul(priors[i], word, out=states[i])
            if i in divided:
                torch.sum(states[i], -1, keepdim=True, out=divisors[i])
                states[i].div_(divisors[i])
            if i + 1 < len(states):
                torch.bmm(states[i], step, out=priors[i + 1])
        total = state.sum(-1, keepdim=True).mul_(divisor)
        scale = divisor.double().log().cumsum(0)
        scale = torch.cat([torch.zeros_like(scale[:1]), scale[:-1]])
        norm = prior.sum(-1, keepdim=True)
        ctx.save_for_backward(potentials, transitions, evidence, step, state, divisor, total, norm)
        ctx.divided = divided
        ctx.set_materialize_grads(False)
        log_total = total.double().log().add_(scale).squeeze(-1)
        return prior.div_(norm).movedim(0, 2), log_total.movedim(0, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        potentials, transitions, evidence, step, state, divisor, total, norm = ctx.saved_tensors
        if torch.is_grad_enabled():  # a gradient of this gradient is wanted: let autograd record the log-space twin
            log_prior, log_total = log_scan(potentials, transitions)
            normalised = (log_prior - log_prior.detach().logsumexp(-1, keepdim=True)).exp().to(potentials.dtype)
            wanted = [(o, g) for o, g in zip((normalised, log_total), gradients, strict=True) if g is not None]
            outputs, given = zip(*wanted, strict=True)
            return *torch.autograd.grad(outputs, (potentials, transitions), given, create_graph=True), None
        # With respect to prior_i and to prior_i * E_i; a step back is again one product and one multiplication.
        g_prior, g_total = gradients
        d_prior = torch.zeros_like(state) if g_prior is None else g_prior.movedim(2, 0) / norm
        d_joint = torch.zeros_like(state)
        if g_total is not None:
            d_joint += g_total.movedim(2, 0).unsqueeze(-1) / total
        back = step.mT.contiguous()
        d_priors, d_joints, divisors = d_prior.unbind(), d_joint.unbind(), divisor.unbind()
        words = evidence.unbind()
        for i in range(len(words) - 1, -1, -1):
            if i + 1 < len(words):
                after = d_priors[i + 1]
                d_joints[i].baddbmm_(after / divisors[i] if i in ctx.divided else after, back)
            d_priors[i].addcmul_(d_joints[i], words[i])
        D, L = len(step), step.shape[-1]
        before = state[:-1].transpose(0, 1).reshape(D, -1, L)
        after = d_prior[1:].transpose(0, 1).reshape(D, -1, L)
        d_transitions = torch.bmm(before.mT, after).mul_(step)
        return d_joint.mul_(state).mul_(divisor).movedim(0, 2), d_transitions, None
