"""A tagger of this project as a teacher."""

import torch

from structkd.corpora.labels import LabelSet
from structkd.crf import LinearChain
from structkd.tagger.model import Tagger
from structkd.tagger.tokens import TokenBatch
from structkd.teachers.sources.base import Passage, listed
from structkd.teachers.sources.config import SourceError


class TaggerSource:
    """A tagger's own chain, with labels in the task's order (None: its own). The tagger is put in evaluation mode.

    Raises:
        SourceError: the tagger's labels are not the task's.
    """

    def __init__(self, tagger: Tagger, labels: LabelSet | None = None, teacher: str = "the tagger") -> None:
        labels = labels or tagger.labels
        if set(tagger.labels.names) != set(labels.names):
            lacking = [name for name in labels.names if name not in tagger.labels.ids]
            extra = [name for name in tagger.labels.names if name not in labels.ids]
            raise SourceError(
                f"{teacher}: lacks {listed(lacking)} of the task and has {listed(extra)} beside it; "
                f"teacher: {listed(tagger.labels.names)}; task: {listed(labels.names)}; "
                "train it on the task's labels, or set the experiment's scheme to its"
            )
        self.labels, self._tagger = labels, tagger.eval()
        order = torch.tensor([tagger.labels.ids[name] for name in labels.names], device=tagger.device)
        self._order = order
        self.transitions = tagger.transitions.detach()[order][:, order]
        self.start, self.end = tagger.start.detach()[order], tagger.end.detach()[order]

    @torch.no_grad()
    def chain(self, passage: Passage) -> LinearChain:
        """Return the tagger's chain, without gradients."""
        return self._ordered(self._tagger(TokenBatch.from_sentences(sentence.tokens for sentence in passage.sentences)))

    def _ordered(self, found: LinearChain) -> LinearChain:
        return LinearChain(
            emissions=found.emissions[..., self._order],
            transitions=self.transitions,
            start=self.start,
            end=self.end,
            lengths=found.lengths,
        )
