"""Sentences and corpora, as every stage reads them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from structkd.ground.files import canonical_json

Text = Literal["unlabelled", "augmented"]
"""Without labels: written by people, or made from the training corpus."""
Split = Literal["train", "dev", "test", "unlabelled", "augmented", "zero_shot"]


class CorpusError(ValueError):
    """An unusable corpus; the message names the place, what was found and what to do."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words and, if the text is annotated, one label per word."""

    tokens: tuple[str, ...]
    labels: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not self.tokens:
            raise CorpusError("a sentence has no tokens")
        if self.labels is not None and len(self.labels) != len(self.tokens):
            raise CorpusError(f"a sentence has {len(self.tokens)} tokens but {len(self.labels)} labels")

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True)
class Changes:
    """The changes that a reader made: lines left out, labels changed."""

    comments: int = 0
    """Comment lines that were left out."""
    repaired: int = 0
    """Labels that were rewritten because their sequence was not valid in its scheme."""

    def __bool__(self) -> bool:
        return self != NO_CHANGES

    def __str__(self) -> str:
        parts = ((self.comments, "comment lines left out"), (self.repaired, "labels repaired"))
        return ", ".join(f"{count} {what}" for count, what in parts if count)


NO_CHANGES = Changes()


@dataclass(frozen=True)
class Reading:
    """The sentences of a file, and the changes by its reader."""

    sentences: tuple[Sentence, ...]
    changes: Changes = NO_CHANGES


@dataclass(frozen=True)
class Corpus:
    """The sentences of one language and one split, in the order of their source."""

    language: str
    split: Split
    sentences: tuple[Sentence, ...]
    changes: Changes = field(default=NO_CHANGES, compare=False)
    """Changes in the whole file of the sentences."""

    def __len__(self) -> int:
        return len(self.sentences)

    def __iter__(self) -> Iterator[Sentence]:
        return iter(self.sentences)

    def __getitem__(self, place: int) -> Sentence:
        return self.sentences[place]

    @cached_property
    def tokens(self) -> int:
        """The number of words."""
        return sum(len(sentence) for sentence in self.sentences)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of language, split, words and labels."""
        digest = CorpusDigest(self.language, self.split)
        for sentence in self.sentences:
            digest.add(sentence)
        return digest.value

    def sample(self, limit: int | None, seed: int = 0) -> "Corpus":
        """Draw at most `limit` sentences by `seed` and keep their order; return all if `limit` is None."""
        if limit is None or limit >= len(self):
            return self
        return replace(self, sentences=tuple(self.sentences[place] for place in drawn(len(self), limit, seed)))


@runtime_checkable
class Sentences(Protocol):
    """The sentences of one language and one split by place: a `Corpus`, or text that is on disk."""

    @property
    def language(self) -> str:
        """The language."""

    @property
    def split(self) -> Split:
        """The split."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int) -> Sentence: ...


class CorpusDigest:
    """The digest of a corpus whose sentences are added one by one: that of the canonical JSON of all of them."""

    def __init__(self, language: str, split: Split) -> None:
        self._hash = sha256(f"[{canonical_json(language)},{canonical_json(split)},[".encode())
        self._between = b""

    def add(self, sentence: Sentence) -> None:
        """Add the next sentence."""
        self._hash.update(self._between + canonical_json([sentence.tokens, sentence.labels]).encode())
        self._between = b","

    @property
    def value(self) -> str:
        """The digest of the sentences so far."""
        whole = self._hash.copy()
        whole.update(b"]]")
        return whole.hexdigest()


def drawn(total: int, limit: int, seed: int) -> list[int]:
    """Return the places of at most `limit` of `total` sentences, drawn by `seed`, ascending."""
    return sorted(np.random.default_rng(seed).permutation(total)[:limit].tolist())


def label_names(corpora: Sequence[Corpus]) -> set[str]:
    """Return every label that occurs in `corpora`."""
    return {name for corpus in corpora for sentence in corpus for name in sentence.labels or ()}
