"""Vectors as text, as word2vec, fastText (.vec) and GloVe write them."""

import mmap
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int

from structkd.tagger.vectors.index import VectorFileError, WordIndex

_CHUNK = 1 << 20  # bytes that are scanned at once
_NUMBER = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


class TextVectors:
    """Lines with a word and `dim` numbers, separated by single blanks; the word may contain blanks.

    Args:
        begin: offset of the first such line, after the header if there is one.
        count: number of lines in the header; None for a file without a header.
    """

    def __init__(self, path: Path, mapped: mmap.mmap, begin: int, count: int | None, dim: int) -> None:
        self.dim = dim
        self._path, self._mapped = path, mapped
        self._first_line = 1 if count is None else 2
        data = np.frombuffer(mapped, np.uint8)
        starts, ends, found = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
        while begin < len(data):
            stop = mapped.rfind(b"\n", begin, begin + _CHUNK) + 1 or mapped.find(b"\n", begin) + 1 or len(data)
            start, end = self._scan(data[begin:stop], self._first_line + found)
            starts.append(begin + start)
            ends.append(begin + end)
            found += len(start)
            begin = stop
        if count is not None and found != count:
            raise VectorFileError(
                f"{path}:1: the header promises {count} words, the file has {found}; it is truncated or damaged"
            )
        self._starts, self._ends = np.concatenate(starts), np.concatenate(ends)
        self.index = WordIndex(data, self._starts, self._ends)

    def _scan(self, text: np.ndarray, line: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the spans of the words of whole lines; the first is line number `line` of the file."""
        if text[-1] != ord("\n"):
            text = np.append(text, np.uint8(ord("\n")))
        stops = np.flatnonzero(text == ord("\n"))
        starts = np.append(0, stops[:-1] + 1)
        blanks = np.flatnonzero(text == ord(" "))
        blanks = blanks[text[blanks + 1] != ord("\n")]  # fastText ends each line with a blank
        before, after = np.searchsorted(blanks, starts), np.searchsorted(blanks, stops)
        for at in np.flatnonzero(after - before != self.dim):
            values = after[at] - before[at]
            # More blanks than values: they are in the word, unless what they part off is a number, or nothing.
            excess = text[starts[at] : blanks[after[at] - self.dim]].tobytes() if values > self.dim else b""
            if not (piece := excess.rpartition(b" ")[2]) or _NUMBER.fullmatch(piece):
                raise VectorFileError(
                    f"{self._path}:{line + at}: {values} values after the word, expected {self.dim} as "
                    f"line 1 has it; single blanks part a word and its values"
                )
        return starts, blanks[after - self.dim]

    def read(self, words: Sequence[str], places: Int[np.ndarray, "W"]) -> Float32[np.ndarray, "W D"]:
        """See `VectorFile`."""
        vectors = np.zeros((len(places), self.dim), np.float32)
        for row, place in enumerate(places):
            if place < 0:
                continue
            stop = self._starts[place + 1] if place + 1 < len(self._starts) else len(self._mapped)
            values = self._mapped[self._ends[place] + 1 : stop].rstrip(b"\r\n").removesuffix(b" ").split(b" ")
            try:
                vectors[row] = [float(value) for value in values]
            except ValueError as error:
                raise VectorFileError(
                    f"{self._path}:{self._first_line + place}: the vector of {words[row]!r} is not "
                    f"{self.dim} numbers: {error}"
                ) from None
        return vectors
