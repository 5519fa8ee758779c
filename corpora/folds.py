"""Folds of a corpus: the sentences that a cross-fitted tagger is not trained on."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from structkd.corpora.sentences import Corpus, CorpusError


@dataclass(frozen=True)
class Fold:
    """One of several parts of a corpus; `number` is 1 to `of`."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"fold {self.number} of {self.of}"


def fold_numbers(corpus: Corpus, folds: int, seed: int) -> Int64[np.ndarray, "N"]:
    """Return each sentence's fold, 1 to `folds`: a function of the words, `folds` and `seed` alone.

    Sentences with the same words are in one fold, so a tagger trained on the other folds has seen none of them. The
    numbers of different sentences per fold differ by at most one.

    Raises:
        CorpusError: fewer different sentences than folds.
    """
    groups: dict[tuple[str, ...], int] = {}
    group = np.array([groups.setdefault(sentence.tokens, len(groups)) for sentence in corpus], np.int64)
    if len(groups) < folds:
        raise CorpusError(
            f"{corpus.language} {corpus.split}: {len(groups)} different sentences do not make {folds} folds; "
            "give it more sentences, or set fewer folds"
        )
    numbers: Int64[np.ndarray, N] = np.random.default_rng(seed).permutation(len(groups))[group] % folds + 1
    return numbers


def inside(corpus: Corpus, fold: Fold, seed: int) -> Int64[np.ndarray, "_"]:
    """Return the places of a fold's sentences in the corpus, ascending."""
    return np.flatnonzero(fold_numbers(corpus, fold.of, seed) == fold.number)


def outside(corpus: Corpus, fold: Fold, seed: int) -> Corpus:
    """Return the corpus without a fold."""
    numbers = fold_numbers(corpus, fold.of, seed)
    sentences = (sentence for sentence, number in zip(corpus, numbers, strict=True) if number != fold.number)
    return Corpus(corpus.language, corpus.split, tuple(sentences))
