"""The forward recursion of a chain in probability space, with its gradient written by hand.

For potentials u_i(j) and transitions A(j, k), with M = exp(A - max A) and E_i = exp(u_i - max_j u_i):

    prior_1 = 1                                   (every label, before the first word is seen)
    c_i     = sum_j prior_i(j) E_i(j)             (what word i adds to the partition)
    state_i = prior_i * E_i / c_i                 (sums to 1)
    prior_{i+1} = state_i M

so that log Z = sum_i (log c_i + max_j u_i) + (n - 1) max A. Run on the reversed sentence with the transposed
transitions, the same recursion yields the backward variables: there, prior_i is what the words after i say
about label i. A marginal is therefore softmax(log prior_i + u_i + log prior^reversed_i), see `crf.chain`.

Each step is one matrix product. Nothing underflows however widely the potentials spread, because the
normalised state sums to 1 and so every prior is at least exp(-(max A - min A)): the road is safe as long as
the *transitions* span less than `MAX_SPAN`. Wider ones, and forbidden transitions, go through `crf.logscan`.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from crf.logscan import log_scan

MAX_SPAN = 40.0  # exp(-40) squared is still a normal float32, so products of two priors keep their precision


def scan(
    potentials: Float[Tensor, "D B T L"], transitions: Float[Tensor, "D L L"]
) -> tuple[Float[Tensor, "D B T L"], Float[Tensor, "D B T"]]:
    """Log priors and log increments of D independent recursions, differentiable.

    Args:
        potentials: the score of each label at each word; finite, or at most `crf.logscan.FLOOR` below.
        transitions: the score of (from, to) for each of the D recursions.

    Returns:
        `log_prior[d, b, i, j]`, the normalised log weight of label j before word i is seen, and
        `increments[d, b, i]`, whose sum over the first n words is the log partition of n words.
    """
    with torch.autocast(potentials.device.type, enabled=False):
        lowest, top = transitions.detach().aminmax()
        if not top - lowest < MAX_SPAN:
            return log_scan(potentials, transitions)
        peak = potentials.detach().amax(-1)
        prior, log_c = _Scan.apply(potentials - peak[..., None], transitions - top)  # type: ignore[no-untyped-call]
        increments = log_c + peak
        increments[..., 1:] += top
        return prior.log(), increments


class _Scan(torch.autograd.Function):
    """(shifted potentials, shifted transitions) -> (prior, log c); time runs first inside, for contiguous steps."""

    @staticmethod
    def forward(ctx: Any, potentials: Tensor, transitions: Tensor) -> tuple[Tensor, Tensor]:
        evidence = potentials.movedim(2, 0).exp().contiguous()
        step = transitions.exp()
        prior, state = torch.empty_like(evidence), torch.empty_like(evidence)
        total = evidence.new_empty(*evidence.shape[:-1], 1)
        prior[:1] = 1
        last = len(evidence) - 1
        for i in range(len(evidence)):
            torch.mul(prior[i], evidence[i], out=state[i])
            torch.sum(state[i], -1, keepdim=True, out=total[i])
            state[i] /= total[i]
            if i < last:
                torch.bmm(state[i], step, out=prior[i + 1])
        ctx.save_for_backward(potentials, transitions, evidence, step, state, total)
        return prior.movedim(0, 2), total.squeeze(-1).movedim(0, 2).log()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        potentials, transitions, evidence, step, state, total = ctx.saved_tensors
        if torch.is_grad_enabled():  # a gradient of this gradient is wanted: let autograd record the log-space twin
            log_prior, increments = log_scan(potentials, transitions)
            inputs = (potentials, transitions)
            return torch.autograd.grad((log_prior.exp(), increments), inputs, gradients, create_graph=True)
        d_prior, d_log_c = (g.movedim(2, 0).clone(memory_format=torch.contiguous_format) for g in gradients)
        gain = evidence / total
        back = step.mT.contiguous()
        d_score = d_log_c[..., None].expand_as(state).clone()  # with respect to log(prior_i * E_i), over state_i
        last = len(state) - 1
        for i in range(last, -1, -1):
            if i < last:
                d_state = torch.bmm(d_prior[i + 1], back)
                d_state -= (d_state * state[i]).sum(-1, keepdim=True)
                d_score[i] += d_state
            d_prior[i].addcmul_(d_score[i], gain[i])
            d_score[i] *= state[i]
        D, L = len(step), step.shape[-1]
        before = state[:-1].transpose(0, 1).reshape(D, -1, L)
        after = d_prior[1:].transpose(0, 1).reshape(D, -1, L)
        return d_score.movedim(0, 2), torch.bmm(before.mT, after) * step
