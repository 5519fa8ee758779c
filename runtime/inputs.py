"""From words to the inputs of an exported graph: ids of distinct words, and the place of each word."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .alphabet import Alphabet
from .ngrams import ngram_hashes

WORDS, CHARACTERS, INDEX, LENGTHS = "words", "characters", "index", "lengths"
"""Names of inputs; those of one encoder among several are followed by a dot and its place in the list of encoders."""
Feed = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class WordBatch:
    """Sentences of a batch; `words[index[b, i]]` is word i of sentence b (0 at padding). Each has a word."""

    words: list[str]
    index: NDArray[np.int64]
    """[B, T]"""
    lengths: NDArray[np.int64]
    """[B]"""

    @classmethod
    def of(cls, sentences: Sequence[Sequence[str]]) -> "WordBatch":
        """Make a batch of sentences. Raises ValueError for an empty word."""
        numbers: dict[str, int] = {}
        places = [numbers.setdefault(word, len(numbers)) for words in sentences for word in words]
        if "" in numbers:
            raise ValueError("a word of the batch is empty; drop it before")
        lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
        index = np.zeros((len(lengths), lengths.max(initial=0)), np.int64)
        index[np.arange(index.shape[1]) < lengths[:, None]] = places
        return cls(list(numbers), index, lengths)


class Input(Protocol):
    """What an encoder reads of a batch."""

    def __call__(self, batch: WordBatch) -> Feed:
        """Return inputs of the graph, by name."""


@dataclass(frozen=True)
class WordIds:
    """The numbers of known words: [W]."""

    alphabet: Alphabet

    def __call__(self, batch: WordBatch) -> Feed:
        """See `Input`."""
        return {WORDS: self.alphabet.encode_words(batch.words)}


@dataclass(frozen=True)
class CharacterIds:
    """The numbers of words' characters: [W, C]."""

    alphabet: Alphabet

    def __call__(self, batch: WordBatch) -> Feed:
        """See `Input`."""
        return {CHARACTERS: self.alphabet.encode_characters(batch.words)}


@dataclass(frozen=True)
class NgramRows:
    """The buckets of words' n-grams: [W, G]; padding is `buckets`."""

    name: str
    buckets: int
    min_n: int
    max_n: int

    def __call__(self, batch: WordBatch) -> Feed:
        """See `Input`."""
        hashes, owners = ngram_hashes(batch.words, self.min_n, self.max_n, whole=True)
        order = np.argsort(owners, kind="stable")
        sizes = np.bincount(owners, minlength=len(batch.words))
        rows = np.full((len(sizes), sizes.max(initial=0)), self.buckets, np.int64)
        rows[np.arange(rows.shape[1]) < sizes[:, None]] = hashes[order].astype(np.int64) % self.buckets
        return {self.name: rows}


class StaticRows:
    """The rows of words in a table of vectors: [W]; 0 for a word without a vector.

    Args:
        words: the n-th has the row n + 1.
        lowercase: look a word up lower-cased if its own form is absent.
    """

    def __init__(self, name: str, words: Sequence[str], *, lowercase: bool) -> None:
        self._name, self._lowercase = name, lowercase
        self._rows = {word: row for row, word in enumerate(words, 1)}

    def __call__(self, batch: WordBatch) -> Feed:
        """See `Input`."""
        rows = [self._row(word) for word in batch.words]
        return {self._name: np.array(rows, np.int64)}

    def _row(self, word: str) -> int:
        found = self._rows.get(word, 0)
        return found or (self._rows.get(word.lower(), 0) if self._lowercase else 0)
