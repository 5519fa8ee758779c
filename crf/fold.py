"""The scores of a batch of sentences as potentials: start and end scores folded in, the largest of a word 0.

The gradient is written by hand. Masks are multiplied by: on a CPU, an operation on booleans takes as long as ten on
numbers.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from structkd.crf.logscan import FLOOR


def fold(
    emissions: Float[Tensor, "B T L"], start: Float[Tensor, "L"], end: Float[Tensor, "L"], lengths: Int[Tensor, "B"]
) -> tuple[Float[Tensor, "B T L"], Float[Tensor, "B T 1"]]:
    """Return potentials and the peaks that were subtracted from them; both are 0 at padding, which is not read.

    Scores of -inf become `FLOOR`, and no gradient passes through them. The peaks are constants, because their gradient
    cancels wherever they are subtracted.
    """
    return _Fold.apply(emissions, start, end, lengths)  # type: ignore[no-any-return, no-untyped-call]


class _Fold(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, emissions: Tensor, start: Tensor, end: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        B, T, L = emissions.shape
        place, first = torch.arange(T, device=lengths.device), T * torch.arange(B, device=lengths.device)
        last = lengths - 1
        source = place.minimum(last[:, None]) + first[:, None]  # at padding, the last word
        scores = emissions.reshape(B * T, L).index_select(0, source.flatten())
        scores.index_add_(0, last + first, end.expand(B, L))
        words = scores.view(B, T, L)
        words[:, :1] += start
        inside = (place < lengths[:, None])[..., None].to(emissions.dtype)
        words.clamp_min_(FLOOR).mul_(inside)
        peaks = words.amax(-1, keepdim=True)
        potentials = words.sub_(peaks)
        ctx.save_for_backward(potentials, peaks, inside, last)
        ctx.mark_non_differentiable(peaks)
        return potentials, peaks

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        potentials, peaks, inside, last = ctx.saved_tensors
        passes = potentials.sub(FLOOR / 2).clamp_(0, 1).mul_(inside * (peaks > FLOOR / 2))  # 1, or 0 if forbidden
        words = gradient * passes
        ends = words[torch.arange(len(last), device=last.device), last]
        return words, words[:, :1].sum((0, 1)), ends.sum(0), None
