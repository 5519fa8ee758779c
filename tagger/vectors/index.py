"""The index of the words of a file."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int

from structkd.runtime.ngrams import fnv1a, hash_words


class VectorFileError(ValueError):
    """An unusable file of vectors; the message names the place, what was found and what to do."""


class WordIndex:
    """The places of words in a file, by sorted hashes: 28 bytes per word; a dict of strings takes 200.

    Args:
        data: the bytes of the file.
        starts, ends: the span of each word, in the file's order. The first of equal words is found.
    """

    def __init__(self, data: np.ndarray, starts: Int[np.ndarray, "N"], ends: Int[np.ndarray, "N"]) -> None:
        self._data, self._starts, self._ends = data, starts, ends
        # In blocks, so that the pages of a file larger than memory are visited once.
        blocks = [slice(first, first + 65536) for first in range(0, len(starts), 65536)]
        hashes = np.concatenate([np.zeros(0, np.uint32), *(fnv1a(data, starts[at], ends[at]) for at in blocks)])
        self._order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._order]

    def __len__(self) -> int:
        return len(self._order)

    def words(self) -> Iterator[str | None]:
        """Yield the words in the file's order; None for one that is not UTF-8."""
        for start, end in zip(self._starts.tolist(), self._ends.tolist(), strict=True):
            try:
                yield self._data[start:end].tobytes().decode()
            except UnicodeDecodeError:
                yield None

    def find(self, words: Sequence[str]) -> Int[np.ndarray, "W"]:
        """Return the place of each word in the file's order; -1 if it is absent."""
        encoded = [word.encode() for word in words]
        hashes = hash_words(encoded)
        first, last = (np.searchsorted(self._hashes, hashes, side) for side in ("left", "right"))
        places = np.full(len(words), -1)
        for asked in np.flatnonzero(first < last):
            for place in self._order[first[asked] : last[asked]]:
                if self._data[self._starts[place] : self._ends[place]].tobytes() == encoded[asked]:
                    places[asked] = place
                    break
        return places
