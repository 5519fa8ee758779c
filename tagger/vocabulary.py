"""The numbers of words and characters seen in training."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

import torch
from jaxtyping import Int
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from structkd.runtime.alphabet import Alphabet


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
    def _alphabet(self) -> Alphabet:
        return Alphabet(self.words, self.characters)

    def encode_words(self, words: Sequence[str]) -> Int[Tensor, "W"]:
        """Return word ids."""
        return torch.from_numpy(self._alphabet.encode_words(words))

    def encode_characters(self, words: Sequence[str]) -> Int[Tensor, "W C"]:
        """Return character ids, padded on the right; a very long word is cut to its beginning and end."""
        return torch.from_numpy(self._alphabet.encode_characters(words))


def _frequent(counts: Counter[str], min_count: int) -> tuple[str, ...]:
    """Sort by falling count, then alphabetically, so that equal corpora give equal vocabularies."""
    return tuple(key for key, count in sorted(counts.items(), key=lambda kv: (-kv[1], kv[0])) if count >= min_count)
