"""Subwords in overlapping windows, and the words that they make up."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from jaxtyping import Float64, Int64

from teachers.sources.config import Pooling


@dataclass(frozen=True)
class Subwords:
    """Every subword of a batch of sentences once, in order: in which window, at which place there, and of which word.

    `word` counts the words of all sentences, one sentence after the other.
    """

    window: Int64[np.ndarray, "P"]
    place: Int64[np.ndarray, "P"]
    word: Int64[np.ndarray, "P"]

    @classmethod
    def most_central(
        cls,
        word_ids: Sequence[Sequence[int | None]],
        sentence: Int64[np.ndarray, "W"],
        lengths: Int64[np.ndarray, "B"],
        step: int,
    ) -> "Subwords":
        """Each subword in that window where it is farthest from where the window cuts its sentence.

        Args:
            word_ids: for each window its subwords' words within the sentence, None for special tokens.
            sentence: for each window its sentence; a sentence's windows follow one another.
            lengths: words in each sentence.
            step: subwords from the start of a window to that of the next.
        """
        words = np.array(list(chain.from_iterable(word_ids)), np.float64)  # None becomes NaN
        sizes = np.array([len(ids) for ids in word_ids], np.int64)
        window, place = np.repeat(np.arange(len(sizes)), sizes), _ranks(sizes)
        inside = ~np.isnan(words)
        words, window, place = words[inside].astype(np.int64), window[inside], place[inside]
        counts = np.bincount(window, minlength=len(sizes))
        rank = np.arange(len(sizes)) - np.searchsorted(sentence, sentence)  # of a window in its sentence
        is_last = np.append(sentence[1:] != sentence[:-1], True)
        within = _ranks(counts)
        left = np.where(rank[window] > 0, within, np.inf)
        right = np.where(is_last[window], np.inf, counts[window] - 1 - within)
        subword, row = rank[window] * step + within, sentence[window]
        order = np.lexsort((window, -np.minimum(left, right), subword, row))
        keys = np.stack([row, subword])[:, order]
        chosen = order[np.append(True, (keys[:, 1:] != keys[:, :-1]).any(0))[: len(order)]]
        first_words = np.cumsum(lengths) - lengths
        return cls(window[chosen], place[chosen], first_words[row[chosen]] + words[chosen])

    def by_word(self, probabilities: Float64[np.ndarray, "P M"], pooling: Pooling) -> Float64[np.ndarray, "N M"]:
        """One distribution a word that has a subword: that of its first or last one, or the mean over all."""
        firsts = np.flatnonzero(np.diff(self.word, prepend=-1))
        ends = np.append(firsts[1:], len(self.word))
        pooled: Float64[np.ndarray, "N M"]
        if pooling == "mean":
            pooled = np.add.reduceat(probabilities, firsts) / (ends - firsts)[:, None]
        else:
            pooled = probabilities[firsts if pooling == "first" else ends - 1]
        return pooled


def _ranks(counts: Int64[np.ndarray, "G"]) -> Int64[np.ndarray, "_"]:
    """0, 1, ... within each of consecutive groups."""
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    ranks: Int64[np.ndarray, _] = np.arange(len(starts)) - starts
    return ranks
