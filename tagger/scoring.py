"""Scores in percent: span F1 by seqeval's strict mode, and accuracy; and the counts by sentence behind them."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from seqeval.scheme import IOB2, IOBES, Tokens

from structkd.corpora.schemes import Metric

_SCHEMES = {"IOB2": IOB2, "BIOES": IOBES}

Labels = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Outcomes:
    """The numbers of right, predicted and gold spans of each sentence; for accuracy, those of words.

    Significance tests resample them: a corpus's score is a function of their sums, see `score_of`.
    """

    right: tuple[int, ...]
    predicted: tuple[int, ...]
    gold: tuple[int, ...]
    labels: Labels = field(default=(), compare=False, repr=False)
    """The label sequences that were counted."""


class Reference:
    """Gold labels to score against; their spans are read once for any number of scorings.

    Args:
        metric: `spans`, for the spans that seqeval's strict mode reads (its default mode forgives invalid sequences),
            or `accuracy`, for words with their labels.
        gold: a label sequence for each sentence.
        scheme: the spans' scheme, IOB2 or BIOES; `accuracy` needs none.
    """

    def __init__(self, metric: Metric, gold: Labels, scheme: str | None = None) -> None:
        if metric == "spans" and scheme not in _SCHEMES:
            raise ValueError(f"score: span F1 needs a scheme out of {', '.join(_SCHEMES)}, got {scheme!r}")
        self.metric, self.scheme = metric, scheme
        self._lengths = [len(labels) for labels in gold]
        self._gold = [self._units(labels) for labels in gold]

    def outcomes(self, predicted: Labels) -> Outcomes:
        """Count the right units in `predicted`, a label sequence for each sentence."""
        if self._lengths != [len(labels) for labels in predicted]:
            raise ValueError("score: gold and predicted labels differ in their numbers of sentences or words")
        found = [self._units(labels) for labels in predicted]
        return Outcomes(
            right=tuple(len(one & gold) for one, gold in zip(found, self._gold, strict=True)),
            predicted=tuple(map(len, found)),
            gold=tuple(map(len, self._gold)),
            labels=predicted,
        )

    def _units(self, labels: Sequence[str]) -> frozenset[Hashable]:
        """Return the scored units of a sentence: its spans, or its words' labels, each with its place."""
        if self.metric == "accuracy":
            return frozenset(enumerate(labels))
        entities = Tokens(list(labels), _SCHEMES[str(self.scheme)]).entities
        return frozenset((entity.start, entity.end, entity.tag) for entity in entities)


def score_of(found: Outcomes) -> float:
    """Return the micro-averaged F1 of exact spans in percent, 0 if there is nothing to find and nothing found.

    For words it is the accuracy, because each word has one gold and one predicted label.
    """
    return 200 * sum(found.right) / max(1, sum(found.predicted) + sum(found.gold))
