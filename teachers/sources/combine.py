"""Several teachers as one."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from structkd.crf import LinearChain
from structkd.teachers.sources.base import LOG_ZERO, Passage, TeacherSource, listed
from structkd.teachers.sources.config import Rule, SourceError


class Combination:
    """Sources over the same labels, each with a share: its weight over the sum of all weights.

    - mean: a softmax teacher whose marginals are the mean of the sources' marginals.
    - product: a product of experts (Hinton, 2002), p(y) proportional to the product of p_s(y)^share. Its scores are
      the means of the sources' scores, because their normalisation cancels. A label that one source rules out at a word
      is ruled out, unless all labels would be: then the means decide.

    Raises:
        SourceError: no source, a weight that is not above 0, not one weight per source, or label sets that differ.
    """

    def __init__(self, sources: Sequence[TeacherSource], rule: Rule, weights: Sequence[float] | None = None) -> None:
        weights = [1.0] * len(sources) if weights is None else weights
        if not sources or len(weights) != len(sources) or min(weights) <= 0:
            raise SourceError(f"{len(sources)} sources have weights {list(weights)}; each needs one above 0")
        self.labels = sources[0].labels
        for place, source in enumerate(sources):
            if source.labels != self.labels:
                raise SourceError(
                    f"sources 0 and {place} differ in their labels: {listed(self.labels.names)}; "
                    f"{listed(source.labels.names)}; open both with the task's"
                )
        self._sources, self._rule = tuple(sources), rule
        self._shares = (np.array(weights) / sum(weights)).tolist()
        scores = [self._mean([getattr(source, name) for source in sources]) for name in ("transitions", "start", "end")]
        self.transitions, self.start, self.end = scores if rule == "product" else map(torch.zeros_like, scores)

    @torch.no_grad()
    def chain(self, passage: Passage) -> LinearChain:
        """Return the combined distribution, on the device of the first source."""
        chains = [source.chain(passage) for source in self._sources]
        if self._rule == "product":
            emissions = self._product([chain.emissions for chain in chains])
        else:
            marginals = self._mean([chain.marginals for chain in chains])
            emissions = marginals.log().clamp_min(LOG_ZERO)
        return LinearChain(
            emissions=emissions,
            transitions=self.transitions,
            start=self.start,
            end=self.end,
            lengths=chains[0].lengths,
        )

    def _product(self, emissions: Sequence[Tensor]) -> Tensor:
        means = self._mean(emissions)
        ruled_out = torch.stack([(scores <= LOG_ZERO / 2).to(means.device) for scores in emissions]).any(0)
        return means.masked_fill(ruled_out & ~ruled_out.all(-1, keepdim=True), LOG_ZERO)

    def _mean(self, values: Sequence[Tensor]) -> Tensor:
        device = values[0].device
        return torch.stack([share * v.to(device) for share, v in zip(self._shares, values, strict=True)]).sum(0)
