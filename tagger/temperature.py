"""A temperature for a tagger's probabilities, fitted on labelled text (Guo et al., ICML 2017).

The chain's scores are divided by T, so that p_T(y | x) is proportional to p(y | x)^(1/T). The best labels stay, and so
do the spans that the tagger finds. T minimises the log loss of these spans' probabilities, see `reliability.Claims`.

The usual loss, -log p(gold labels), would have another minimum: it is dominated by what the tagger misses, and makes
the spans that it finds less sure than they are right.
"""

from collections.abc import Sequence
from copy import copy
from math import exp, log

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from structkd.corpora.sentences import Sentence
from structkd.runtime.batches import length_batches
from structkd.runtime.chain import Chain
from structkd.runtime.tagging import BATCH_TOKENS, WINDOW, Scorer
from structkd.tagger.reliability import Claims, claims

RANGE = (0.05, 20.0)
"""The lowest and the highest temperature."""
_PRECISION = 0.005  # of log T


class CalibrationError(ValueError):
    """Text that no temperature can be fitted on; the message says what was found and what to do."""


class FixedScorer:
    """A `Scorer` of some sentences: their emissions are computed once, and the temperature can be chosen.

    Args:
        scorer: gives the emissions.
        sentences: of at most `WINDOW` words, see `windows`.
    """

    def __init__(self, scorer: Scorer, sentences: Sequence[Sentence]) -> None:
        self.labels, self.scheme, self.chain = scorer.labels, scorer.scheme, scorer.chain
        self._known: dict[tuple[str, ...], NDArray[np.float32]] = {}
        for group in length_batches([len(one) for one in sentences], BATCH_TOKENS):
            batch = [sentences[place].tokens for place in group]
            for words, emissions in zip(batch, scorer.emissions(batch), strict=True):
                self._known[words] = emissions[: len(words)].copy()

    def emissions(self, sentences: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """See `Scorer`."""
        found = np.zeros((len(sentences), max(map(len, sentences)), len(self.labels)), np.float32)
        for row, words in zip(found, sentences, strict=True):
            row[: len(words)] = self._known[tuple(words)]
        return found

    def at(self, temperature: float) -> "FixedScorer":
        """Return this scorer at a temperature."""
        found = copy(self)
        found.chain = Chain(self.chain.transitions, self.chain.start, self.chain.end, temperature)
        return found


def windows(sentences: Sequence[Sentence]) -> list[Sentence]:
    """Cut sentences as `TextTagger` does."""
    return [
        Sentence(one.tokens[first : first + WINDOW], one.labels and one.labels[first : first + WINDOW])
        for one in sentences
        for first in range(0, len(one), WINDOW)
    ]


def fit_temperature(scorer: FixedScorer, sentences: Sequence[Sentence]) -> float:
    """Return the temperature at which the probabilities of what the tagger finds have the least log loss.

    It is that of the scorer if all are right: none is too high then. Raises CalibrationError if nothing is right.
    """
    right = claims(scorer, sentences).right
    if len(right) and right.all():
        return scorer.chain.temperature
    if not right.any():
        raise CalibrationError(
            f"found {right.sum()} right of {len(right)} spans in {len(sentences)} sentences, expected some that are "
            "right; give more text"
        )
    found = minimize_scalar(
        lambda log_t: claims(scorer.at(exp(log_t)), sentences).log_loss,
        bounds=[log(end) for end in RANGE],
        method="bounded",
        options={"xatol": _PRECISION},
    )
    return exp(found.x)


def held_out(scorer: FixedScorer, halves: tuple[Sequence[Sentence], Sequence[Sentence]]) -> tuple[Claims, Claims]:
    """Return claims before and after calibration; each half is calibrated at the temperature of the other."""
    first, second = halves
    fitted = ((first, fit_temperature(scorer, second)), (second, fit_temperature(scorer, first)))
    one, other = (claims(scorer.at(temperature), half) for half, temperature in fitted)
    return claims(scorer, first) + claims(scorer, second), one + other
