"""A batch of linear-chain CRFs as distributions over label sequences (Lafferty et al., 2001)."""

from functools import cached_property
from math import inf

import torch
from jaxtyping import Float, Int
from torch import Tensor

from structkd.crf import decode
from structkd.crf.logscan import FLOOR
from structkd.crf.recursions import Recursions
from structkd.crf.sample import sample


class LinearChain(Recursions):
    """p(y | x) = exp(score(y) - log Z), one distribution per sentence, with

    score(y) = start[y_1] + sum_i emissions[i, y_i] + sum_i transitions[y_i, y_{i+1}] + end[y_n].

    Everything is computed on demand, kept, and differentiable with respect to the scores. Values beyond a sentence's
    length never matter. A score of -inf forbids: all sequences with it have probability 0. If no sequence is left, the
    sentence has a log Z and log-probabilities of -inf, marginals, an entropy and gradients of 0, and no path among the
    k best.

    Args:
        emissions: a score for each label at each word; half precision is raised to float32.
        transitions: from (row) to (column).
        start, end: scores of a sentence's first and last label.
        lengths: words in each sentence, from 1 to T.

    Raises:
        ValueError: sizes that do not fit each other, or a sentence with less than 1 or more than T words.
        ScoreError: a score that is NaN or inf, when anything is computed from it.

    Example:
        >>> chain = LinearChain(emissions=torch.zeros(1, 2, 3), transitions=torch.zeros(3, 3),
        ...                     start=torch.zeros(3), end=torch.zeros(3), lengths=torch.tensor([2]))
        >>> chain.log_partition.exp()
        tensor([9.])
    """

    # -- the distribution ---------------------------------------------------------------------------------------

    def _centred_score(self, paths: Int[Tensor, "B K T"]) -> Float[Tensor, "B K"]:
        """Scores less the common part of all sequences, in float64."""
        labels = paths.masked_fill(~self.mask[:, None], 0).mT  # [B, T, K]
        words = self._potentials.gather(2, labels)  # 0 at padding
        edges = labels[:, :-1] * len(self.transitions) + labels[:, 1:]
        steps = self._steps.flatten().gather(0, edges.flatten()).view(edges.shape)
        steps = steps.masked_fill(~self.mask[:, 1:, None], 0.0)
        return words.sum(1, dtype=torch.float64) + steps.sum(1, dtype=torch.float64)

    @cached_property
    def log_partition(self) -> Float[Tensor, "B"]:
        """log Z, the log of the summed exponentiated scores of all label sequences."""
        total = self._centred_log_partition + self._offset
        return self._if_possible(total, -inf).to(self.emissions.dtype)

    def score(self, paths: Int[Tensor, "B *K T"]) -> Float[Tensor, "B *K"]:
        """Unnormalised log score of label sequences `[B, T]` or `[B, K, T]`; ids at padding are not read."""
        many = paths if paths.dim() == 3 else paths[:, None]
        total = (self._centred_score(many) + self._offset[:, None]).to(self.emissions.dtype)
        return total if paths.dim() == 3 else total[:, 0]

    def log_prob(self, paths: Int[Tensor, "B *K T"]) -> Float[Tensor, "B *K"]:
        """log p(y | x) of label sequences `[B, T]` or `[B, K, T]`; the partition is computed once for any K."""
        many = paths if paths.dim() == 3 else paths[:, None]
        centred = self._centred_score(many) - self._centred_log_partition[:, None]
        total = self._if_possible(centred, -inf).to(self.emissions.dtype)
        return total if paths.dim() == 3 else total[:, 0]

    @cached_property
    def log_marginals(self) -> Float[Tensor, "B T L"]:
        """log q(y_i = j | x), by the forward-backward algorithm; `FLOOR` where impossible, 0 at padding."""
        before, after, _ = self._both
        joint = (before + self._potentials + after).log_softmax(-1).clamp_min(FLOOR)
        return self._if_possible(joint, FLOOR).masked_fill(~self.mask[..., None], 0.0)

    @cached_property
    def marginals(self) -> Float[Tensor, "B T L"]:
        """q(y_i = j | x); 0 at padding."""
        return self.log_marginals.exp().masked_fill(~self.mask[..., None], 0.0)

    @cached_property
    def edge_marginals(self) -> Float[Tensor, "B edges L L"]:
        """p(y_i = j, y_{i+1} = k | x); 0 where the second word is padding."""
        source, target = self._edge_ends
        joint = source[..., None] + self._steps + target[..., None, :]
        joint = joint.flatten(2).softmax(-1).view_as(joint).masked_fill(~self.mask[:, 1:, None, None], 0.0)
        return self._if_possible(joint, 0.0)

    @cached_property
    def edge_counts(self) -> Float[Tensor, "B L L"]:
        """The expected number of each transition in a sentence: the sum of its edge marginals, without their memory.

        An edge marginal is source_j M_jk target_k / D with one D per edge, so the sum over edges is a matrix product.
        """
        dtype = self.emissions.dtype
        if self._reach.constrained or self._reach.dtype(dtype) != dtype:
            return self.edge_marginals.sum(1)  # D could underflow
        with torch.autocast(self.emissions.device.type, enabled=False):
            source, target = (scores.softmax(-1) for scores in self._edge_ends)
            step = self._steps.exp()
            joint = ((source @ step) * target).sum(-1, keepdim=True)  # at least exp(-reach), see `crf.reach`
            target = (target / joint).masked_fill(~self.mask[:, 1:, None], 0.0)
            return self._if_possible((source.mT @ target) * step, 0.0)

    @property
    def _edge_ends(self) -> tuple[Float[Tensor, "B edges L"], Float[Tensor, "B edges L"]]:
        """The log weight of everything up to an edge's first word, and of everything from its second word on."""
        before, after, _ = self._both
        return (before + self._potentials)[:, :-1], (self._potentials + after)[:, 1:]

    # -- decoding -----------------------------------------------------------------------------------------------

    def viterbi(self) -> Int[Tensor, "B T"]:
        """Return the best label sequence of each sentence, the lower label if two are equal; 0 at padding.

        A sentence without a possible sequence gets arbitrary labels.
        """
        return decode.viterbi(*self._allowed, self.lengths)

    def kbest(self, k: int) -> tuple[Int[Tensor, "B {k} T"], Float[Tensor, "B {k}"], Int[Tensor, "B"]]:
        """Return the k best label sequences, best first, their log-probabilities, and their number.

        A sentence with fewer than k possible sequences has a smaller count; beyond it paths are 0 and log-probabilities
        -inf. Equally good sequences always come in the same order. Raises ValueError for k below 1.
        """
        if k < 1:
            raise ValueError(f"kbest: k is {k}, expected at least 1")
        paths, regrets, counts = decode.kbest(*self._allowed, self.lengths, k)
        return paths, self.log_prob(paths[:, :1]).detach() - regrets, counts

    @property
    def _allowed(self) -> tuple[Float[Tensor, "B T L"], Float[Tensor, "L L"]]:
        """Return potentials and steps with -inf where forbidden, without gradients; the stored ones keep theirs."""
        words, steps = self._potentials.detach(), self._steps.detach()
        forbidden = (words <= FLOOR / 2, steps <= FLOOR / 2)
        if self._dead is not None:
            forbidden = (forbidden[0] | self._dead[:, None, None], forbidden[1])
        return words.masked_fill(forbidden[0], -torch.inf), steps.masked_fill(forbidden[1], -torch.inf)

    def sample(
        self,
        n: int,
        generator: torch.Generator | None = None,
        uniforms: Float[Tensor, "B {n} T"] | None = None,
    ) -> Int[Tensor, "B {n} T"]:
        """Draw n independent label sequences per sentence, by forward filtering and backward sampling; 0 at padding.

        All 0 if there is no possible sequence. `uniforms`, numbers in [0, 1), decide the draws in place of a
        generator: those of a sentence are then a function of its own numbers, whatever its batch.
        """
        filtered = (self._forward[0] + self._potentials).detach()
        draws = sample(filtered, self._steps.detach(), self.mask, n, generator, uniforms)
        return draws if self._impossible is None else draws.masked_fill(self._impossible[:, None, None], 0)

    # -- information --------------------------------------------------------------------------------------------

    @cached_property
    def _wide(self) -> "LinearChain":
        """The same distribution in float64, for small differences of large numbers."""
        if self.emissions.dtype == torch.float64:
            return self
        wide = {name: scores.double() for name, scores in self._parts.items()}
        return LinearChain(**wide, lengths=self.lengths)

    def cross_entropy_from(
        self, marginals: Float[Tensor, "B T L"], edge_counts: Float[Tensor, "B L L"]
    ) -> Float[Tensor, "B"]:
        """-sum_y p(y) log p_self(y), in nats, for any chain p with these marginals and expected transitions.

        The score is a sum over words and edges, so its mean under p needs nothing else. This makes the exact objective
        tractable (Wang et al., 2021). Marginals must be 0 at padding.
        """
        expected = _expected(marginals, edge_counts, self._potentials, self._steps)
        return self._if_possible(self._centred_log_partition - expected, inf).to(self.emissions.dtype)

    def entropy(self) -> Float[Tensor, "B"]:
        """-sum_y p(y) log p(y), in nats; never negative."""
        return self.cross_entropy(self)

    def cross_entropy(self, other: "LinearChain") -> Float[Tensor, "B"]:
        """-sum_y p(y) log p_other(y), in nats, exactly; never negative, inf if the other has no possible sequence.

        It is computed in float64: for scores of 1e4, float32 gives marginals to 1e-3 only, and these are multiplied by
        the scores.
        """
        p, q = self._wide, other._wide
        found = q.cross_entropy_from(p.marginals, p.edge_counts).clamp_min(0.0)
        return p._if_possible(found, 0.0).to(self.emissions.dtype)

    def kl(self, other: "LinearChain") -> Float[Tensor, "B"]:
        """KL(self || other), in nats; never negative, inf if only the other has no possible sequence.

        Differences of scores are taken first, and in float64, so near chains and large scores lose no precision.
        """
        p, q = self._wide, other._wide
        words, steps = p._potentials - q._potentials, p._steps - q._steps
        expected = _expected(p.marginals, p.edge_counts, words, steps)
        found = (expected - p._centred_log_partition + q._centred_log_partition).clamp_min(0.0)
        return p._if_possible(q._if_possible(found, inf), 0.0).to(self.emissions.dtype)


def _expected(
    marginals: Float[Tensor, "B T L"],
    edge_counts: Float[Tensor, "B L L"],
    words: Float[Tensor, "B T L"],
    steps: Float[Tensor, "L L"],
) -> Float[Tensor, "B"]:
    """Return the mean of a score over words and steps, in float64, from the marginals of both."""
    of_words = (marginals * words).sum((1, 2), dtype=torch.float64)
    return of_words + (edge_counts * steps).sum((1, 2), dtype=torch.float64)
