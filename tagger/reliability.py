"""The reliability of a tagger's probabilities: of the spans that it finds with probability p, a share of p is right."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from structkd.corpora.sentences import Sentence
from structkd.runtime.spans import Scheme, strict_spans
from structkd.runtime.tagging import Scorer, Tagged, TextTagger

BINS = 10
_LEAST = 1e-12


@dataclass(frozen=True)
class Claims:
    """The spans that a tagger finds in labelled text; the labels of words if its labels write no spans."""

    chances: NDArray[np.float64]
    """The probability of each."""
    right: NDArray[np.bool_]
    """True for those that are gold."""

    def __len__(self) -> int:
        return len(self.right)

    def __add__(self, other: "Claims") -> "Claims":
        return Claims(np.append(self.chances, other.chances), np.append(self.right, other.right))

    @property
    def log_loss(self) -> float:
        """Mean negative log-probability of what is true of each claim, in nats."""
        return float(-np.log(np.where(self.right, self.chances, 1 - self.chances).clip(_LEAST)).mean())

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: mean over claims of |share that is right - mean probability| of their bin."""
        differences = (abs(one.right.sum() - one.chances.sum()) for one in self.bins)
        return float(sum(differences)) / len(self)

    @property
    def bins(self) -> "list[Claims]":
        """The claims in ten bins of equal width."""
        places = np.minimum((self.chances * BINS).astype(np.int64), BINS - 1)
        return [Claims(self.chances[places == place], self.right[places == place]) for place in range(BINS)]


def claims(scorer: Scorer, sentences: Sequence[Sentence]) -> Claims:
    """Return what a tagger finds in labelled sentences."""
    tagged = TextTagger(scorer).tag_sentences([one.tokens for one in sentences])
    pairs = [pair for one, gold in zip(tagged, sentences, strict=True) for pair in _pairs(one, gold, scorer.scheme)]
    return Claims(np.array([chance for chance, _ in pairs], float), np.array([is_right for _, is_right in pairs], bool))


def _pairs(tagged: Tagged, gold: Sentence, scheme: Scheme | None) -> Iterator[tuple[float, bool]]:
    """Yield the probability of each span or label, and true if it is right."""
    labels = gold.labels or ()
    if scheme is None:
        yield from zip(tagged.probabilities, map(str.__eq__, tagged.labels, labels), strict=True)
        return
    spans = {(one.start, one.end, one.type) for one in strict_spans(labels, scheme)}
    for entity in tagged.entities:
        yield entity.probability, (entity.first, entity.last, entity.type) in spans
