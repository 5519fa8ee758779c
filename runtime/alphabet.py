"""The numbers of words and characters that a tagger has seen in its training."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

UNKNOWN = 0  # in both alphabets; for characters, 1 pads
PAD_CHARACTER = 1
MAX_CHARACTERS = 24  # of a word: its first and last 12


class Alphabet:
    """Lower-cased words and characters; all others are unknown. The n-th word has the number n + 1.

    Args:
        words: lower-cased.
        characters: each once; the n-th has the number n + 2.
    """

    def __init__(self, words: Sequence[str], characters: str) -> None:
        self.words, self.characters = words, characters

    @cached_property
    def _word_ids(self) -> dict[str, int]:
        return {word: place for place, word in enumerate(self.words, UNKNOWN + 1)}

    @cached_property
    def _character_ids(self) -> NDArray[np.int64]:
        """The character id by code point."""
        points = np.fromiter(map(ord, self.characters), np.int64, len(self.characters))
        table = np.full(points.max(initial=0) + 2, UNKNOWN)
        table[points] = np.arange(len(points)) + PAD_CHARACTER + 1
        return table

    def encode_words(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Return word ids: [words]."""
        ids = self._word_ids
        return np.fromiter((ids.get(word.lower(), UNKNOWN) for word in words), np.int64, len(words))

    def encode_characters(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Return character ids, padded on the right; a very long word is cut to its beginning and end.

        Returns:
            [words, characters of the longest]
        """
        half = MAX_CHARACTERS // 2
        shown = [word if len(word) <= MAX_CHARACTERS else word[:half] + word[-half:] for word in words]
        width = max(map(len, shown), default=1)
        points = np.array(shown, dtype=f"U{width}").view(np.uint32).reshape(len(shown), width).astype(np.int64)
        ids = self._character_ids[np.minimum(points, len(self._character_ids) - 1)]
        ids[np.arange(width) >= np.fromiter(map(len, shown), np.int64, len(shown))[:, None]] = PAD_CHARACTER
        return ids
