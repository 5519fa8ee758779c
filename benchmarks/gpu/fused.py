"""A candidate for GPUs: log Z and its gradient in one Triton kernel each, in place of small operations for each word.

One program reads one sentence, word by word, in float32 and log space. With alpha and beta of the forward-backward
algorithm, less their largest entry at each word:

    q_i(j)   = softmax_j(alpha_i(j) + beta_i(j))
    p(k | j) = softmax_k(transition(j, k) + emission_{i+1}(k) + beta_{i+1}(k))     label k at word i + 1 after j at i
    count_jk = sum_i q_i(j) p(k | j)

Triton comes with torch's builds for CUDA. Without a GPU, `TRITON_INTERPRET=1` runs the kernels on the CPU.
`python -m benchmarks.gpu.fused 64x64x50` compares them with `crf.LinearChain` at that size, and fails if they differ.
"""

import sys
from typing import Any

import torch
import triton
import triton.language as tl
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.testing import assert_close

from benchmarks.chains import chain_of, scores_of

MAX_LABELS = 128
"""A program keeps three square matrices of the labels in registers; from 65 labels on, some of the gradient's spill."""


def log_partition(
    emissions: Float[Tensor, "B T L"],
    transitions: Float[Tensor, "L L"],
    start: Float[Tensor, "L"],
    end: Float[Tensor, "L"],
    lengths: Int[Tensor, "B"],
) -> Float[Tensor, "B"]:
    """Return log Z of each sentence as `crf.LinearChain.log_partition`, for finite scores in float32.

    It has first derivatives only. Raises ValueError for more than `MAX_LABELS` labels.
    """
    if emissions.shape[-1] > MAX_LABELS:
        raise ValueError(f"{emissions.shape[-1]} labels, expected at most {MAX_LABELS}; use crf.LinearChain")
    return _LogPartition.apply(emissions, transitions, start, end, lengths)  # type: ignore[no-any-return, no-untyped-call]


class _LogPartition(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Tensor) -> Tensor:
        emissions, transitions, start, end, lengths = (each.contiguous() for each in inputs)
        alphas, totals = torch.empty_like(emissions), emissions.new_empty(len(emissions))
        _forward[len(emissions),](
            emissions, transitions, start, end, lengths, alphas, totals, *_sizes(emissions), **_launch(emissions)
        )
        ctx.save_for_backward(emissions, transitions, end, lengths, alphas)
        return totals

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        emissions, transitions, end, lengths, alphas = ctx.saved_tensors
        d_emissions = torch.zeros_like(emissions)
        counts = emissions.new_empty(len(emissions), *transitions.shape)
        _backward[len(emissions),](
            emissions,
            transitions,
            end,
            lengths,
            alphas,
            gradient.contiguous(),
            d_emissions,
            counts,
            *_sizes(emissions),
            **_launch(emissions),
        )
        last = d_emissions[torch.arange(len(emissions), device=lengths.device), lengths - 1]
        return d_emissions, counts.sum(0), d_emissions[:, 0].sum(0), last.sum(0), None


def _sizes(emissions: Tensor) -> tuple[int, int]:
    return emissions.shape[1], emissions.shape[2]


def _launch(emissions: Tensor) -> dict[str, int]:
    """Labels are padded to a power of two; a thread has 16 or 32 entries of a matrix of the larger sizes."""
    padded = max(16, triton.next_power_of_2(emissions.shape[2]))
    return {"P": padded, "num_warps": min(16, max(1, padded**2 // 512))}


# Scores of labels that are padding are -1e30: their exp is 0 beside any other, and sums of a few stay finite.


@triton.jit  # type: ignore[untyped-decorator]
def _forward(
    emissions: tl.tensor,
    transitions: tl.tensor,
    start: tl.tensor,
    end: tl.tensor,
    lengths: tl.tensor,
    alphas: tl.tensor,
    totals: tl.tensor,
    T: tl.tensor,  # noqa: N803
    L: tl.tensor,  # noqa: N803
    P: tl.constexpr,  # noqa: N803
) -> None:
    sentence = tl.program_id(0).to(tl.int64)
    label = tl.arange(0, P)
    real = label < L
    both = real[:, None] & real[None, :]
    step = tl.load(transitions + label[:, None] * L + label[None, :], mask=both, other=-1e30)
    length = tl.load(lengths + sentence)
    at = sentence * T * L + label
    alpha = tl.load(start + label, mask=real, other=-1e30) + tl.load(emissions + at, mask=real, other=-1e30)
    peak = tl.max(alpha, 0)
    alpha -= peak
    total = peak.to(tl.float64)
    tl.store(alphas + at, alpha, mask=real)
    for _ in range(1, length):
        at += L
        score = tl.load(emissions + at, mask=real, other=-1e30)
        joint = alpha[:, None] + step
        most = tl.max(joint, 0)
        alpha = score + most + tl.log(tl.sum(tl.exp(joint - most[None, :]), 0))
        peak = tl.max(alpha, 0)
        alpha -= peak
        total += peak
        tl.store(alphas + at, alpha, mask=real)
    alpha += tl.load(end + label, mask=real, other=-1e30)
    peak = tl.max(alpha, 0)
    total += peak + tl.log(tl.sum(tl.exp(alpha - peak), 0))
    tl.store(totals + sentence, total)


@triton.jit  # type: ignore[untyped-decorator]
def _backward(
    emissions: tl.tensor,
    transitions: tl.tensor,
    end: tl.tensor,
    lengths: tl.tensor,
    alphas: tl.tensor,
    gradient: tl.tensor,
    d_emissions: tl.tensor,
    counts: tl.tensor,
    T: tl.tensor,  # noqa: N803
    L: tl.tensor,  # noqa: N803
    P: tl.constexpr,  # noqa: N803
) -> None:
    sentence = tl.program_id(0).to(tl.int64)
    label = tl.arange(0, P)
    real = label < L
    both = real[:, None] & real[None, :]
    edge = label[:, None] * L + label[None, :]
    step = tl.load(transitions + edge, mask=both, other=-1e30)
    length = tl.load(lengths + sentence)
    weight = tl.load(gradient + sentence)
    at = (sentence * T + length - 1) * L + label
    beta = tl.load(end + label, mask=real, other=-1e30)
    score = tl.load(emissions + at, mask=real, other=-1e30)
    inside = tl.softmax(tl.load(alphas + at, mask=real, other=-1e30) + beta)
    tl.store(d_emissions + at, weight * inside, mask=real)
    count = tl.zeros([P, P], tl.float32)
    for _ in range(1, length):
        joint = step + (score + beta)[None, :]
        at -= L
        score = tl.load(emissions + at, mask=real, other=-1e30)  # for the next turn: it arrives meanwhile
        alpha = tl.load(alphas + at, mask=real, other=-1e30)
        most = tl.max(joint, 1)
        share = tl.exp(joint - most[:, None])
        norm = tl.sum(share, 1)
        beta = most + tl.log(norm)
        beta -= tl.max(beta, 0)
        inside = tl.softmax(alpha + beta)
        count += share * (inside / norm)[:, None]
        tl.store(d_emissions + at, weight * inside, mask=real)
    tl.store(counts + sentence * L * L + edge, weight * count, mask=both)


def check(size: str) -> None:
    """Raise AssertionError unless values and gradients at a size, "batch x words x labels", are those of the chain."""
    batch, length, labels = map(int, size.split("x"))
    scores = scores_of(batch, length, labels, "cuda" if torch.cuda.is_available() else "cpu")
    leaves = (scores.emissions, scores.transitions, scores.start, scores.end)
    mine, its = log_partition(**vars(scores)), chain_of(scores).log_partition
    assert_close(mine, its, rtol=1e-5, atol=1e-4)
    for found, expected in zip(*(torch.autograd.grad(each.sum(), leaves) for each in (mine, its)), strict=True):
        assert_close(found, expected, rtol=1e-3, atol=1e-4)


if __name__ == "__main__":
    for size in sys.argv[1:]:
        try:
            check(size)
        except Exception as error:
            sys.exit(f"{size}: {type(error).__name__}: {' '.join(str(error).split())}")
