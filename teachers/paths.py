"""Paths that a teacher's chain gives a sentence: the k best, or k that are drawn from it."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, Integer
from torch import Tensor

from structkd.crf import LinearChain
from structkd.teachers.sources.base import LOG_ZERO

SEED = 1  # of the draws, beside the sentence's id


@dataclass(frozen=True)
class Paths:
    """Label sequences, the best first, with their log-probabilities.

    Only the first `counts` of a sentence are paths. `weights` is None if they are the probabilities, renormalised.
    """

    labels: Int[Tensor, "B K T"]
    log_probs: Float[Tensor, "B K"]
    counts: Int[Tensor, "B"]
    weights: Float[Tensor, "B K"] | None = None


def best(chain: LinearChain, k: int) -> Paths:
    """Return the k best paths, as many as exist."""
    labels, log_probs, counts = chain.kbest(k)
    possible = (log_probs > LOG_ZERO / 2).sum(1)  # a source of probabilities rules paths out without saying so
    return Paths(labels, log_probs, counts.minimum(possible).clamp_min(1))


def sampled(chain: LinearChain, k: int, sentence_ids: Integer[np.ndarray, "B"]) -> Paths:
    """Return the best path, and the distinct ones among k draws, likeliest first; a weight is a share of the draws.

    So the weighted mean of any function of paths is an unbiased estimate of its mean under the chain. The best path has
    a weight of 0 if it was not drawn. Draws are a function of a sentence's chain and id.
    """
    drawn = chain.sample(k, uniforms=_uniforms(k, chain, sentence_ids))
    labels = torch.cat([chain.viterbi()[:, None], drawn], 1)
    first = (labels[:, :, None] == labels[:, None]).all(-1).int().argmax(-1)  # the place of each path's first copy
    places = torch.arange(k + 1, device=first.device)
    times = (first[:, 1:, None] == places).sum(1)
    log_probs = chain.log_prob(labels)
    ranks = log_probs.masked_fill(first != places, -torch.inf)  # copies last
    ranks[:, 0] = torch.inf  # the best path first, also if rounding makes another seem better
    order = ranks.argsort(dim=1, descending=True, stable=True)
    return Paths(
        labels.take_along_dim(order[:, :, None], 1),
        log_probs.gather(1, order),
        (first == places).sum(1),
        times.gather(1, order) / k,
    )


def _uniforms(k: int, chain: LinearChain, ids: Integer[np.ndarray, "B"]) -> Float[Tensor, "B {k} T"]:
    found = np.zeros((len(ids), k, chain.emissions.shape[1]))
    for row, (sentence, length) in enumerate(zip(ids.tolist(), chain.lengths.tolist(), strict=True)):
        found[row, :, :length] = np.random.default_rng([SEED, sentence]).random((k, length))
    return torch.from_numpy(found).to(chain.emissions.device)
