"""The binary files of word2vec."""

import mmap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int

from structkd.tagger.vectors.index import VectorFileError, WordIndex


class Word2VecBinary:
    """Words, each followed by a blank and `dim` numbers of 32 bits; a newline may separate the entries."""

    def __init__(self, path: Path, mapped: mmap.mmap, begin: int, count: int, dim: int) -> None:
        self.dim = dim
        self._data = np.frombuffer(mapped, np.uint8)
        starts, ends = [], []
        for number in range(1, count + 1):
            begin += mapped[begin : begin + 1] == b"\n"
            end = mapped.find(b" ", begin)
            starts.append(begin)
            ends.append(end)
            begin = end + 1 + 4 * dim
            if end < 0 or begin > len(mapped):
                raise VectorFileError(
                    f"{path}: the file ends at byte {len(mapped)} inside word {number} of the {count} that its header "
                    f"promises with {dim} values each; it is truncated or damaged"
                )
        if mapped[begin:].strip():
            raise VectorFileError(
                f"{path}: {len(mapped) - begin} bytes follow the {count} words of {dim} values that its header "
                "promises; it is damaged, or no word2vec file (text has another suffix than .bin)"
            )
        self._values = np.array(ends) + 1
        self.index = WordIndex(self._data, np.array(starts), np.array(ends))

    def read(self, words: Sequence[str], places: Int[np.ndarray, "W"]) -> Float32[np.ndarray, "W D"]:
        """See `VectorFile`."""
        vectors = np.zeros((len(places), self.dim), np.float32)
        known = places >= 0
        vectors[known] = self._data[self._values[places[known]][:, None] + np.arange(4 * self.dim)].view("<f4")
        return vectors
