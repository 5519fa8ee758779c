"""The log partition of a chain, with its gradient in closed form.

The gradient of log Z is the expected number of each label at each word and of each transition (Eisner, 2016). The
recursion of `crf.scan` over the sentence and the same over the reversed sentence have all of it, so both run in one
loop, and there is no loop back. With their priors and states (f forwards, b backwards, as there):

    n_i      = sum_j f.prior_i(j) b.state_i(j)               Z up to a factor for each word, which cancels below
    q(i, j)  = f.prior_i(j) b.state_i(j) / n_i
    count_jk = M_jk sum_i f.state_i(j) b.state_{i+1}(k) / n_{i+1}
"""

from math import log
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from structkd.crf.logscan import log_scan
from structkd.crf.reach import Reach, headroom


def log_total(
    potentials: Float[Tensor, "B T L"],
    transitions: Float[Tensor, "L L"],
    lengths: Int[Tensor, "B"],
    turned: Int[Tensor, "B T"],
    reach: Reach,
) -> Float[Tensor, "B"] | None:
    """Return the log partition of each sentence in float64, differentiable; None if only log space is safe.

    Args:
        potentials: the score of each label at each word, at most 0; 0 at padding.
        transitions: the score of (from, to), at most 0; none is forbidden.
        turned: the place of each word in the reversed sentence; padding stays.
        reach: the smallest possible prior.
    """
    dtype = reach.dtype(potentials.dtype)
    if reach.constrained or dtype is None:
        return None
    stride = max(1, int(headroom(dtype) / max(reach.nats, log(potentials.shape[-1]), 1e-3)))
    with torch.autocast(potentials.device.type, enabled=False):
        return _LogTotal.apply(potentials.to(dtype), transitions.to(dtype), lengths, turned, stride)  # type: ignore[no-any-return, no-untyped-call]


class _LogTotal(torch.autograd.Function):
    """(potentials, transitions, lengths, turned, words between divisions) -> log totals in float64.

    Time is the first dimension inside and the direction the second, so that a step works on one block of memory.
    """

    @staticmethod
    def forward(
        ctx: Any, potentials: Tensor, transitions: Tensor, lengths: Tensor, turned: Tensor, stride: int
    ) -> Tensor:
        B, T, L = potentials.shape
        sentence = torch.arange(B, device=turned.device)
        source = torch.arange(T, device=turned.device)[:, None, None].expand(T, 1, B)
        step = transitions.exp()
        steps = step[None]
        if any(ctx.needs_input_grad):
            source = torch.cat([source, turned.mT[:, None]], 1)
            steps = torch.stack([step, step.mT])
        D = len(steps)
        rows = (source + sentence * T).flatten()
        state = potentials.exp().view(B * T, L).index_select(0, rows).view(T, D, B, L)
        prior, divisor = torch.empty_like(state), state.new_ones(T // stride, D, B, 1)
        prior[0] = 1
        before, divisors = None, iter(divisor)
        for i, (prior_i, state_i) in enumerate(zip(prior, state, strict=True), 1):
            if before is not None:
                torch.bmm(before, steps, out=prior_i)
                torch.mul(state_i, prior_i, out=state_i)
            if i % stride == 0:
                state_i.div_(torch.sum(state_i, -1, keepdim=True, out=next(divisors)))
            before = state_i
        if D == 2:
            rows = (turned.mT * (2 * B) + (sentence + B)).flatten()
            after = state.view(-1, L).index_select(0, rows).view(T, B, L)
            norm = (prior[:, 0] * after).sum(-1, keepdim=True)
            ctx.save_for_backward(potentials, transitions, lengths, step, prior, state, after, norm)
        divided = stride * torch.arange(1, T // stride + 1, device=lengths.device)[:, None] <= lengths
        last = state[lengths - 1, 0, sentence].sum(-1).double().log()
        return last.add_((divisor[:, 0, :, 0].double().log() * divided).sum(0))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        potentials, transitions, lengths, step, prior, state, after, norm = ctx.saved_tensors
        if torch.is_grad_enabled():  # a gradient of this gradient is wanted: let autograd record the log-space twin
            totals = log_scan(potentials[None], transitions[None])[1][0].gather(1, lengths[:, None] - 1)[:, 0]
            wanted = torch.autograd.grad(totals, (potentials, transitions), gradient, create_graph=True)
            return *wanted, None, None, None
        T, L = len(after), after.shape[-1]
        inside = torch.arange(T, device=lengths.device)[:, None] < lengths
        weight = after * (gradient.to(norm.dtype) * inside)[..., None].div_(norm)
        count = state[:-1, 0].reshape(-1, L).mT @ weight[1:].view(-1, L)
        return weight.mul_(prior[:, 0]).transpose(0, 1), count.mul_(step), None, None, None
