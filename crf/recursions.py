"""The scores of a batch of chains, and the recursions over them that every quantity is made of."""

from functools import cached_property
from math import inf

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from structkd.crf.checks import check_lengths, check_sizes, score_error
from structkd.crf.fold import fold
from structkd.crf.logscan import FLOOR
from structkd.crf.partition import log_total
from structkd.crf.reach import Reach, reach_of
from structkd.crf.scan import scan


class Recursions:
    """Potentials, forward and backward recursions and log partition of a `LinearChain`, each computed once."""

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
        check_sizes(self._parts | {"lengths": lengths})
        check_lengths(lengths, emissions.shape[1])

    @property
    def _parts(self) -> dict[str, Tensor]:
        """The scores by name."""
        return {name: getattr(self, name) for name in ("emissions", "transitions", "start", "end")}

    @cached_property
    def mask(self) -> Bool[Tensor, "B T"]:
        """True at words, False at padding."""
        return self._place < self.lengths[:, None]

    @cached_property
    def _place(self) -> Int[Tensor, "T"]:
        return torch.arange(self.emissions.shape[1], device=self.lengths.device)

    @cached_property
    def _folded(self) -> tuple[Float[Tensor, "B T L"], Float[Tensor, "B T 1"]]:
        """Emissions with start and end scores folded in, less the largest of each word; and that largest."""
        return fold(self.emissions, self.start, self.end, self.lengths)

    @property
    def _peaks(self) -> Float[Tensor, "B T 1"]:
        """The largest score of each word, a constant."""
        return self._folded[1]

    @cached_property
    def _top(self) -> Float[Tensor, ""]:
        """The largest transition, also a constant."""
        return self.transitions.detach().amax().clamp_min(FLOOR)

    @cached_property
    def _extremes(self) -> tuple[float, float, float]:
        """The smallest and largest peak, and the top: all in one reading, so a GPU is waited for once."""
        if not self._peaks.numel():
            return 0.0, 0.0, 0.0
        least, greatest = self._peaks.aminmax()
        return least.item(), greatest.item(), self._top.item()

    @cached_property
    def _potentials(self) -> Float[Tensor, "B T L"]:
        """The score of each label at each word, at most 0."""
        _, greatest, top = self._extremes
        if not (greatest < inf and top < inf):  # a NaN is below nothing
            raise score_error(self._parts, self.mask)
        return self._folded[0]

    @cached_property
    def _steps(self) -> Float[Tensor, "L L"]:
        """The score of each transition, at most 0."""
        return self.transitions.clamp_min(FLOOR) - self._top

    @cached_property
    def _dead(self) -> Bool[Tensor, "B"] | None:
        """True for sentences where a word has no allowed label or no allowed transition; None if there are none.

        Their potentials and steps look as if everything were allowed, so the results are finite; they are replaced
        later.
        """
        least, _, top = self._extremes
        if least > FLOOR / 2 and top > FLOOR / 2:
            return None
        stuck = (self.lengths > 1) & (self._top <= FLOOR / 2)
        return (self._peaks <= FLOOR / 2).any(1).squeeze(-1) | stuck

    @cached_property
    def _impossible(self) -> Bool[Tensor, "B"] | None:
        """True for sentences without a possible sequence; None if all surely have one."""
        if not self._reach.constrained:
            return self._dead
        blocked = self._centred_log_partition.detach() <= FLOOR / 2
        return blocked if self._dead is None else blocked | self._dead

    def _if_possible(self, values: Float[Tensor, "B *rest"], otherwise: float) -> Float[Tensor, "B *rest"]:
        """Return each sentence's value, but a constant for sentences without a possible sequence."""
        if self._impossible is None:
            return values
        return values.masked_fill(self._impossible.view(-1, *[1] * (values.dim() - 1)), otherwise)

    @cached_property
    def _offset(self) -> Float[Tensor, "B"]:
        """The common part of all sequences' scores in a sentence, in float64: the peaks and n - 1 times the top."""
        return self._peaks.double().sum((1, 2)) + (self.lengths - 1) * self._top.double()

    @cached_property
    def _reach(self) -> Reach:
        return reach_of(self._steps.detach(), self._spread)

    @torch.no_grad()
    def _spread(self) -> float:
        """The largest distance between potentials of one word, without forbidden starts and ends."""
        words = self.emissions[self.mask]
        ends = [score[score > FLOOR / 2] for score in (self.start, self.end)]
        ranges = [(scores.amax(-1) - scores.amin(-1)).max().item() for scores in (words, *ends) if scores.numel()]
        return sum(ranges)

    @cached_property
    def _forward(self) -> tuple[Float[Tensor, "B T L"], Float[Tensor, "B T"]]:
        """Log priors and log totals of the forward recursion."""
        if "_both" in self.__dict__:
            return self._both[0], self._both[2]
        priors, totals = scan(self._potentials[None], self._steps[None], self._reach)
        return priors[0], totals[0]

    @cached_property
    def _both(self) -> tuple[Float[Tensor, "B T L"], Float[Tensor, "B T L"], Float[Tensor, "B T"]]:
        """Forward log priors, backward log priors, and forward totals, from one loop over both directions."""
        scores, turned = self._potentials, self._turned(self._potentials)
        priors, totals = scan(torch.stack([scores, turned]), torch.stack([self._steps, self._steps.mT]), self._reach)
        return priors[0], self._turned(priors[1]), totals[0]

    @cached_property
    def _turn(self) -> Int[Tensor, "B T"]:
        """The place of each word in the reversed sentence; padding stays."""
        return torch.where(self.mask, self.lengths[:, None] - 1 - self._place, self._place)

    def _turned(self, words: Float[Tensor, "B T L"]) -> Float[Tensor, "B T L"]:
        """Each sentence's words from last to first; padding stays where it is."""
        B, T, L = words.shape
        rows = self._turn + T * torch.arange(B, device=words.device)[:, None]
        return words.reshape(B * T, L).index_select(0, rows.flatten()).view_as(words)

    @cached_property
    def _centred_log_partition(self) -> Float[Tensor, "B"]:
        """log Z less the common part of all sequences, in float64."""
        if not {"_both", "_forward"} & self.__dict__.keys():
            found = log_total(self._potentials, self._steps, self.lengths, self._turn, self._reach)
            if found is not None:
                return found
        return self._forward[1].gather(1, self.lengths[:, None] - 1)[:, 0]
