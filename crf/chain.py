"""A batch of linear-chain CRFs as distributions over label sequences (Lafferty et al., 2001)."""

from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from crf.decode import kbest
from crf.logscan import FLOOR
from crf.scan import scan


class LinearChain:
    """p(y | x) = exp(score(y) - log Z), one distribution a sentence, with

    score(y) = start[y_1] + sum_i emissions[i, y_i] + sum_i transitions[y_i, y_{i+1}] + end[y_n].

    Everything is computed on demand, kept, and differentiable with respect to the scores. What lies beyond a
    sentence's length never matters. A score of -inf forbids: the sequences it touches have probability 0.

    Args:
        emissions: a score for each label at each word; half precision is raised to float32.
        transitions: from (row) to (column).
        start, end: scores of a sentence's first and last label.
        lengths: words in each sentence, from 1 to T.

    Example:
        >>> chain = LinearChain(emissions=torch.zeros(1, 2, 3), transitions=torch.zeros(3, 3),
        ...                     start=torch.zeros(3), end=torch.zeros(3), lengths=torch.tensor([2]))
        >>> chain.log_partition.exp()
        tensor([9.])
    """

    def __init__(
        self,
        *,
        emissions: Float[Tensor, "B T L"],
        transitions: Float[Tensor, "L L"],
        start: Float[Tensor, "L"],
        end: Float[Tensor, "L"],
        lengths: Int[Tensor, "B"],
    ) -> None:
        dtype = torch.promote_types(emissions.dtype, torch.float32)
        self.emissions = emissions.to(dtype)
        self.transitions, self.start, self.end = transitions.to(dtype), start.to(dtype), end.to(dtype)
        self.lengths = lengths

    # -- the pieces that everything is made of ------------------------------------------------------------------

    @cached_property
    def mask(self) -> Bool[Tensor, "B T"]:
        """True at words, False at padding."""
        return torch.arange(self.emissions.shape[1], device=self.lengths.device) < self.lengths[:, None]

    @cached_property
    def _potentials(self) -> Float[Tensor, "B T L"]:
        """Emissions with start and end scores folded into a sentence's first and last word; 0 at padding."""
        last = torch.arange(self.emissions.shape[1], device=self.lengths.device) == self.lengths[:, None] - 1
        scores = self.emissions + last[..., None] * self.end.clamp_min(FLOOR)
        scores = torch.cat([scores[:, :1] + self.start, scores[:, 1:]], 1)
        return scores.clamp_min(FLOOR).masked_fill(~self.mask[..., None], 0.0)

    @cached_property
    def _forward(self) -> tuple[Float[Tensor, "B T L"], Float[Tensor, "B T"]]:
        """Log priors and increments of the forward recursion."""
        priors, increments = scan(self._potentials[None], self.transitions[None])
        return priors[0], increments[0]

    @cached_property
    def _both(self) -> tuple[Float[Tensor, "B T L"], Float[Tensor, "B T L"], Float[Tensor, "B T"]]:
        """Forward log priors, backward log priors, and forward increments, from one loop over both directions."""
        scores, turn = self._potentials, self._reversal[..., None].expand_as(self._potentials)
        priors, increments = scan(
            torch.stack([scores, scores.gather(1, turn)]),
            torch.stack([self.transitions, self.transitions.mT]),
        )
        return priors[0], priors[1].gather(1, turn), increments[0]

    @cached_property
    def _reversal(self) -> Int[Tensor, "B T"]:
        """Places of each sentence's words from last to first; padding stays where it is."""
        place = torch.arange(self.emissions.shape[1], device=self.lengths.device).expand(self.mask.shape)
        return torch.where(self.mask, self.lengths[:, None] - 1 - place, place)

    # -- the distribution ---------------------------------------------------------------------------------------

    @cached_property
    def log_partition(self) -> Float[Tensor, "B"]:
        """log Z, the log of the summed exponentiated scores of all label sequences."""
        increments = self._both[2] if "_both" in self.__dict__ else self._forward[1]
        return increments.masked_fill(~self.mask, 0.0).sum(1)

    def score(self, paths: Int[Tensor, "B *K T"]) -> Float[Tensor, "B *K"]:
        """Unnormalised log score of label sequences `[B, T]` or `[B, K, T]`; ids at padding are not read."""
        many = paths if paths.dim() == 3 else paths[:, None]
        labels = many.masked_fill(~self.mask[:, None], 0).mT  # [B, T, K]
        words = self._potentials.gather(2, labels).masked_fill(~self.mask[..., None], 0.0)
        steps = self.transitions.clamp_min(FLOOR)[labels[:, :-1], labels[:, 1:]]
        total = words.sum(1) + steps.masked_fill(~self.mask[:, 1:, None], 0.0).sum(1)
        return total if paths.dim() == 3 else total[:, 0]

    def log_prob(self, paths: Int[Tensor, "B *K T"]) -> Float[Tensor, "B *K"]:
        """log p(y | x) of label sequences `[B, T]` or `[B, K, T]`; the partition is computed once whatever K is."""
        log_partition = self.log_partition
        return self.score(paths) - (log_partition[:, None] if paths.dim() == 3 else log_partition)

    @cached_property
    def log_marginals(self) -> Float[Tensor, "B T L"]:
        """log q(y_i = j | x), by the forward-backward algorithm; `FLOOR` where impossible, 0 at padding."""
        before, after, _ = self._both
        joint = (before + self._potentials + after).log_softmax(-1)
        return joint.clamp_min(FLOOR).masked_fill(~self.mask[..., None], 0.0)

    @cached_property
    def marginals(self) -> Float[Tensor, "B T L"]:
        """q(y_i = j | x); 0 at padding."""
        return self.log_marginals.exp().masked_fill(~self.mask[..., None], 0.0)

    @cached_property
    def edge_marginals(self) -> Float[Tensor, "B edges L L"]:
        """p(y_i = j, y_{i+1} = k | x); 0 where the second word is padding."""
        before, after, _ = self._both
        source = (before + self._potentials)[:, :-1, :, None]
        target = (self._potentials + after)[:, 1:, None]
        joint = source + self.transitions.clamp_min(FLOOR) + target
        return joint.flatten(2).softmax(-1).view_as(joint).masked_fill(~self.mask[:, 1:, None, None], 0.0)

    # -- decoding -----------------------------------------------------------------------------------------------

    def viterbi(self) -> tuple[Int[Tensor, "B T"], Float[Tensor, "B"]]:
        """The best label sequence of each sentence and its log-probability; 0 at padding."""
        paths, log_probs, _ = self.kbest(1)
        return paths[:, 0], log_probs[:, 0]

    @torch.no_grad()
    def kbest(self, k: int) -> tuple[Int[Tensor, "B {k} T"], Float[Tensor, "B {k}"], Int[Tensor, "B"]]:
        """The k best label sequences, best first, their log-probabilities, and how many there are.

        A sentence with fewer than k possible sequences has a smaller count; beyond it paths are 0 and
        log-probabilities -inf.
        """
        scores = self._potentials.masked_fill(self._potentials <= FLOOR / 2, -torch.inf)
        paths, totals, counts = kbest(scores, self.transitions, self.lengths, k)
        return paths, totals - self.log_partition[:, None], counts

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Int[Tensor, "B {n} T"]:
        """n independent label sequences a sentence, by forward filtering and backward sampling; 0 at padding."""
        filtered = self._forward[0] + self._potentials
        steps = self.transitions.clamp_min(FLOOR)
        B, T, L = filtered.shape
        labels = torch.zeros(B, n, T, dtype=torch.long, device=filtered.device)
        for i in range(T - 1, -1, -1):
            logits = filtered[:, i, None].expand(B, n, L)
            if i + 1 < T:
                logits = logits + self.mask[:, i + 1, None, None] * steps.mT[labels[:, :, i + 1]]
            drawn = torch.multinomial(logits.softmax(-1).view(-1, L), 1, generator=generator)
            labels[:, :, i] = drawn.view(B, n) * self.mask[:, i, None]
        return labels

    # -- information --------------------------------------------------------------------------------------------

    def expected_score(
        self, marginals: Float[Tensor, "B T L"], edge_marginals: Float[Tensor, "B edges L L"]
    ) -> Float[Tensor, "B"]:
        """The mean score that this chain gives to label sequences drawn from a chain with these marginals.

        The score is a sum over words and edges, so its mean needs no more than their marginals; that is what makes
        the exact objective tractable (Wang et al., 2021). Marginals must be 0 at padding.
        """
        words = (marginals * self._potentials).sum((1, 2))
        return words + (edge_marginals.sum(1) * self.transitions.clamp_min(FLOOR)).sum((1, 2))

    def entropy(self) -> Float[Tensor, "B"]:
        """-sum_y p(y) log p(y), in nats."""
        return self.cross_entropy(self)

    def cross_entropy(self, other: "LinearChain") -> Float[Tensor, "B"]:
        """-sum_y p(y) log p_other(y), in nats, exactly."""
        return other.log_partition - other.expected_score(self.marginals, self.edge_marginals)

    def kl(self, other: "LinearChain") -> Float[Tensor, "B"]:
        """KL(self || other), in nats."""
        return self.cross_entropy(other) - self.entropy()
