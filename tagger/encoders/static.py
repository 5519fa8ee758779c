"""An encoder of words by fixed vectors that were trained elsewhere."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from structkd.tagger.config import StaticVectorsConfig
from structkd.tagger.encoders.base import Encoder, placed
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vectors.files import open_vectors
from structkd.tagger.vectors.index import VectorFileError

_KEPT = 1 << 16  # rows in memory, so that an epoch parses a row of text once


class StaticVectors(Encoder):
    """Frozen vectors from a file, see `open_vectors`; a word that is not in the file gets zeros.

    fastText's binary files have a vector for every word. The file is memory-mapped and not part of the module's state:
    a checkpoint needs the same file. Raises VectorFileError for an unusable file.
    """

    _place: Tensor

    def __init__(self, config: StaticVectorsConfig) -> None:
        super().__init__()
        self.config = config
        self._file = open_vectors(Path(config.path))
        self._rows: dict[str, np.ndarray] = {}
        self.dim = self._file.dim
        self.register_buffer("_place", torch.zeros(0), persistent=False)  # moves with the module, and so tells where

    def forward(self, tokens: TokenBatch) -> Float[Tensor, "B T D"]:
        """See `Encoder`. Raises VectorFileError for a word whose vector is not made of finite numbers."""
        fresh = [word for word in tokens.words if word not in self._rows]
        if len(self._rows) + len(fresh) > _KEPT:
            self._rows, fresh = {}, tokens.words
        self._rows.update(zip(fresh, self._read(fresh), strict=True))
        vectors = torch.from_numpy(np.stack([self._rows[word] for word in tokens.words])).to(self._place)
        return placed(vectors, tokens)

    def known(self, words: Sequence[str]) -> int:
        """Return the number of the given words that the file contains."""
        return int((self._find(list(words))[1] >= 0).sum())

    def table(self, vocabulary: Sequence[str], first: int) -> tuple[list[str], Float[np.ndarray, "W D"]]:
        """Return the vectors of some words: those whose lower-cased form is in `vocabulary`, and the file's first.

        With them, `forward` has the same result for each word of the vocabulary, in lower or upper case. Only a word
        that a fastText file lacks and that has capitals can differ: its n-grams are those of its own form.
        """
        known = set(vocabulary)
        file = (word for word in self._file.index.words() if word is not None)
        kept = dict.fromkeys(w for place, w in enumerate(file) if place < first or w.lower() in known)
        absent = [word for word in vocabulary if word not in kept]
        made = self._read(absent)
        there = np.any(made, axis=1).tolist()
        words = [*kept, *(word for word, has in zip(absent, there, strict=True) if has)]
        return words, np.concatenate([self._read(list(kept)), made[there]])

    def _find(self, words: list[str]) -> tuple[list[str], Int[np.ndarray, "W"]]:
        """Return the forms under which words are looked up, and their places in the file; -1 if absent."""
        places = self._file.index.find(words)
        if self.config.lowercase:
            lowered = [word.lower() for word in words]
            instead = np.where(places < 0, self._file.index.find(lowered), -1)
            words = [low if place >= 0 else word for word, low, place in zip(words, lowered, instead, strict=True)]
            places = np.maximum(places, instead)
        return words, places

    def _read(self, words: list[str]) -> Float[np.ndarray, "W D"]:
        words, places = self._find(words)
        vectors = self._file.read(words, places)
        finite = np.isfinite(vectors).all(1)
        if not finite.all():
            word = words[int(finite.argmin())]
            raise VectorFileError(f"{self.config.path}: the vector of {word!r} is not finite; the file is damaged")
        return vectors
