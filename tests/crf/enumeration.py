"""The specification: every quantity of a chain, one sentence at a time, by listing all its label sequences."""

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from structkd.crf import LinearChain


@dataclass(frozen=True)
class Enumerated:
    """All L^n label sequences of one sentence, with their scores and log-probabilities."""

    paths: Tensor  # [L^n, n]
    scores: Tensor  # [L^n]
    labels: int

    @property
    def log_partition(self) -> Tensor:
        return self.scores.logsumexp(0)

    @property
    def log_probs(self) -> Tensor:
        return self.scores - self.log_partition

    @property
    def marginals(self) -> Tensor:
        onehot = torch.nn.functional.one_hot(self.paths, self.labels).to(self.scores.dtype)
        return (self.log_probs.exp()[:, None, None] * onehot).sum(0)

    @property
    def edge_marginals(self) -> Tensor:
        onehot = torch.nn.functional.one_hot(self.paths, self.labels).to(self.scores.dtype)
        return torch.einsum("p,pij,pik->ijk", self.log_probs.exp(), onehot[:, :-1], onehot[:, 1:])

    def cross_entropy(self, other: "Enumerated") -> Tensor:
        probs = self.log_probs.exp()
        return -torch.where(probs > 0, probs * other.log_probs, 0.0).sum()


def enumerate_paths(chain: LinearChain, sentence: int) -> Enumerated:
    """List the sequences of one sentence of a batch, straight from the definition of the score."""
    n, L = int(chain.lengths[sentence]), chain.emissions.shape[-1]
    paths = torch.tensor(list(product(range(L), repeat=n)))
    words = chain.emissions[sentence, torch.arange(n), paths].sum(1)
    steps = chain.transitions[paths[:, :-1], paths[:, 1:]].sum(1)
    scores = words + steps + chain.start[paths[:, 0]] + chain.end[paths[:, -1]]
    return Enumerated(paths, scores, L)
