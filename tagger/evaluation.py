"""Scores of whole corpora."""

from collections.abc import Sequence
from functools import cached_property
from statistics import fmean
from typing import Protocol, runtime_checkable

from structkd.corpora.schemes import Metric
from structkd.corpora.sentences import Corpus, CorpusError
from structkd.runtime.spans import Scheme
from structkd.runtime.tagging import TextTagger
from structkd.tagger.model import Tagger
from structkd.tagger.prediction import PlacedBatch, best_labels, token_batches
from structkd.tagger.scoring import Outcomes, Reference, score_of


@runtime_checkable
class Judge(Protocol):
    """Whatever scores a tagger on dev."""

    def score(self, tagger: Tagger) -> float:
        """Return a score that is higher for a better tagger."""


class EvaluationSet:
    """A labelled corpus in batches, which are made once for any number of scorings.

    Args:
        corpus: labelled sentences. Raises CorpusError if it is empty or a sentence has no labels.
        metric, scheme: see `tagger.scoring.Reference`.
    """

    def __init__(self, corpus: Corpus, metric: Metric, scheme: Scheme | None) -> None:
        self.corpus, self.metric, self.scheme = corpus, metric, scheme
        self._gold = [_labels(corpus, place) for place in range(len(corpus))]
        if not self._gold:
            raise CorpusError(f"{corpus.language} {corpus.split}: no sentences to score")

    @cached_property
    def _batches(self) -> list[PlacedBatch]:
        return token_batches([sentence.tokens for sentence in self.corpus])

    @cached_property
    def _reference(self) -> Reference:
        return Reference(self.metric, self._gold, self.scheme)

    def outcomes(self, tagger: Tagger) -> Outcomes:
        """Return the tagger's counts of right labels or spans in each sentence."""
        return self.outcomes_of(best_labels(tagger, self._batches))

    def outcomes_of(self, labels: Sequence[Sequence[str]]) -> Outcomes:
        """Return the counts for each sentence's label sequence."""
        return self._reference.outcomes(labels)

    def score(self, tagger: Tagger) -> float:
        """Return the tagger's score on the corpus, in percent."""
        return score_of(self.outcomes(tagger))

    @property
    def gold(self) -> list[tuple[str, ...]]:
        """The gold labels of each sentence."""
        return self._gold

    def labels(self, tagger: TextTagger) -> list[tuple[str, ...]]:
        """Return the labels that a tagger of texts gives each sentence."""
        return [one.labels for one in tagger.tag_sentences([sentence.tokens for sentence in self.corpus])]

    def score_texts(self, tagger: TextTagger) -> float:
        """Return the score of a tagger of texts, in percent."""
        return score_of(self.outcomes_of(self.labels(tagger)))


class EvaluationSets:
    """Several corpora; the score is the mean of theirs."""

    def __init__(self, sets: Sequence[EvaluationSet]) -> None:
        self._sets = tuple(sets)

    def score(self, tagger: Tagger) -> float:
        """Return the tagger's mean score on the corpora, in percent."""
        return fmean(one.score(tagger) for one in self._sets)


def _labels(corpus: Corpus, place: int) -> tuple[str, ...]:
    labels = corpus[place].labels
    if labels is None:
        raise CorpusError(f"{corpus.language} {corpus.split}: sentence {place} has no labels to score against")
    return labels
