"""Chains of normal scores to measure on, and the work of a training step over them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmarks.timing import Task
from structkd.crf import LinearChain


@dataclass(frozen=True)
class Scores:
    """The scores of a batch of chains, as `crf.LinearChain` takes them."""

    emissions: Float[Tensor, "B T L"]
    transitions: Float[Tensor, "L L"]
    start: Float[Tensor, "L"]
    end: Float[Tensor, "L"]
    lengths: Int[Tensor, "B"]

    @property
    def mask(self) -> Bool[Tensor, "B T"]:
        """True at words."""
        return torch.arange(self.emissions.shape[1], device=self.lengths.device) < self.lengths[:, None]

    def detached(self) -> "Scores":
        """The same, of which no gradient is wanted."""
        return Scores(**{name: value.detach() for name, value in vars(self).items()})


def scores_of(batch: int, length: int, labels: int, device: str, seed: int = 0) -> Scores:
    """Normal scores that require gradients; lengths from half of `length` up."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(length // 2, length + 1, (batch,), generator=generator)
    lengths[0] = length

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).to(device).requires_grad_()

    return Scores(
        normal(batch, length, labels), normal(labels, labels), normal(labels), normal(labels), lengths.to(device)
    )


def chain_of(scores: Scores) -> LinearChain:
    """Our chain over the same scores."""
    return LinearChain(
        emissions=scores.emissions,
        transitions=scores.transitions,
        start=scores.start,
        end=scores.end,
        lengths=scores.lengths,
    )


def backward(scores: Scores, loss: Callable[[Scores], Tensor]) -> Task:
    """A call that computes the summed loss and its gradient for all scores."""
    leaves = (scores.emissions, scores.transitions, scores.start, scores.end)

    def task() -> None:
        torch.autograd.grad(loss(scores).sum(), leaves, allow_unused=True)

    return task
