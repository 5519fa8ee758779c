"""The numbers of words and characters seen in training."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Int
from pydantic import BaseModel, ConfigDict
from torch import Tensor

UNKNOWN = 0  # in both alphabets; for characters, 1 pads
PAD_CHARACTER = 1
MAX_CHARACTERS = 24  # of a word: its first and last 12


class Vocabulary(BaseModel):
    """Lower-cased words and characters in the order of their frequency; all others are unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    words: tuple[str, ...]
    characters: str

    @classmethod
    def build(cls, counts: Mapping[str, int], *, min_count: int = 1) -> "Vocabulary":
        """Build from words' counts: (lower-cased) words and characters that occur at least `min_count` times."""
        words: Counter[str] = Counter()
        characters: Counter[str] = Counter()
        for word, count in counts.items():
            words[word.lower()] += count
            for character in word:
                characters[character] += count
        return cls(words=_frequent(words, min_count), characters="".join(_frequent(characters, min_count)))

    @cached_property
    def _word_ids(self) -> dict[str, int]:
        return {word: place for place, word in enumerate(self.words, UNKNOWN + 1)}

    @cached_property
    def _character_ids(self) -> np.ndarray:
        """The character id by code point."""
        points = np.fromiter(map(ord, self.characters), np.int64, len(self.characters))
        table = np.full(points.max(initial=0) + 2, UNKNOWN)
        table[points] = np.arange(len(points)) + PAD_CHARACTER + 1
        return table

    def encode_words(self, words: Sequence[str]) -> Int[Tensor, "W"]:
        """Return word ids."""
        return torch.tensor([self._word_ids.get(word.lower(), UNKNOWN) for word in words], dtype=torch.long)

    def encode_characters(self, words: Sequence[str]) -> Int[Tensor, "W C"]:
        """Return character ids, padded on the right; a very long word is cut to its beginning and end."""
        half = MAX_CHARACTERS // 2
        shown = [word if len(word) <= MAX_CHARACTERS else word[:half] + word[-half:] for word in words]
        width = max(map(len, shown), default=1)
        points = np.array(shown, dtype=f"U{width}").view(np.uint32).reshape(len(shown), width).astype(np.int64)
        ids = self._character_ids[np.minimum(points, len(self._character_ids) - 1)]
        ids[np.arange(width) >= np.fromiter(map(len, shown), np.int64, len(shown))[:, None]] = PAD_CHARACTER
        return torch.from_numpy(ids)


def _frequent(counts: Counter[str], min_count: int) -> tuple[str, ...]:
    """Sort by falling count, then alphabetically, so that equal corpora give equal vocabularies."""
    return tuple(key for key, count in sorted(counts.items(), key=lambda kv: (-kv[1], kv[0])) if count >= min_count)
