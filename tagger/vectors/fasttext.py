"""The binary files of fastText (github.com/facebookresearch/fastText, `FastText::saveModel`)."""

import mmap
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int

from structkd.runtime.ngrams import ngram_hashes
from structkd.tagger.bags import bag_mean
from structkd.tagger.vectors.index import VectorFileError, WordIndex

MAGIC = struct.pack("<i", 793712314)
_VERSIONS = (11, 12)
_SUPERVISED = 3  # of the models cbow, skip-gram, supervised


class FastTextBinary:
    """A fastText model: rows for words, then rows for hashed n-grams (Bojanowski et al., 2017).

    A word's vector is the mean of its row and its n-grams' rows; an unknown word has only its n-grams' rows.
    """

    def __init__(self, path: Path, mapped: mmap.mmap) -> None:
        file = _Cursor(path, mapped)
        (version,) = file.unpack("i", "the version")
        if version not in _VERSIONS:
            raise VectorFileError(
                f"{path}: fastText format {version}, expected 11 or 12; save the model anew, or use its .vec"
            )
        self.dim, *_, model, self._buckets, min_n, self._max_n, _, _ = file.unpack("12id", "the settings")
        self._min_n = max(min_n, 1)
        if not self._buckets or (version == 11 and model == _SUPERVISED):
            self._max_n = 0  # no n-grams
        entries, words, _, _, pruned = file.unpack("3i2q", "the dictionary's sizes")
        starts, ends = file.dictionary(entries, words)
        (quantised,) = file.unpack("?", "the mark of a quantised model")
        if quantised or pruned >= 0:
            raise VectorFileError(f"{path}: a quantised model; use the .bin from before it was quantised, or a .vec")
        rows, columns, begin = file.matrix("the input matrix")
        if (rows, columns) != (words + self._buckets, self.dim):
            raise VectorFileError(
                f"{path}: the input matrix is {rows} x {columns}, expected {words} words and {self._buckets} buckets "
                f"x {self.dim}; it is damaged"
            )
        file.unpack("?", "the mark of a quantised output")
        file.matrix("the output matrix")
        if file.at != len(mapped):
            raise VectorFileError(f"{path}: {len(mapped)} bytes, expected {file.at} by its parts; it is damaged")
        self._matrix = np.frombuffer(mapped, "<f4", rows * columns, begin).reshape(rows, columns)
        self.index = WordIndex(np.frombuffer(mapped, np.uint8), starts, ends)

    def read(self, words: Sequence[str], places: Int[np.ndarray, "W"]) -> Float32[np.ndarray, "W D"]:
        """See `VectorFile`."""
        known = np.flatnonzero(places >= 0)
        hashes, owners = ngram_hashes(words, self._min_n, self._max_n)
        plain = np.array([word != "</s>" for word in words], bool)  # the end of a sentence has no n-grams
        hashes, owners = hashes[plain[owners]], owners[plain[owners]]
        ngrams = len(self.index) + hashes.astype(np.int64) % max(self._buckets, 1)
        rows, at = np.unique(np.concatenate([places[known], ngrams]), return_inverse=True)
        table = torch.from_numpy(self._matrix[rows].astype(np.float32))
        return bag_mean(table, at, np.concatenate([known, owners]), len(words)).numpy()


class _Cursor:
    """A reader of a file's parts one after the other, from the end of the magic number."""

    def __init__(self, path: Path, mapped: mmap.mmap) -> None:
        self._path, self._mapped = path, mapped
        self.at = len(MAGIC)

    def _advance(self, size: int, what: str) -> int:
        """Skip a part of `size` bytes; return its offset."""
        begin, self.at = self.at, self.at + size
        if self.at > len(self._mapped):
            raise VectorFileError(
                f"{self._path}: the file ends at byte {len(self._mapped)} inside {what}; it is truncated, get it again"
            )
        return begin

    def unpack(self, form: str, what: str) -> tuple[Any, ...]:
        """Read little-endian values, see `struct`."""
        return struct.unpack_from("<" + form, self._mapped, self._advance(struct.calcsize("<" + form), what))

    def matrix(self, what: str) -> tuple[int, int, int]:
        """Read a matrix of 32-bit numbers: its rows, columns, and offset."""
        rows, columns = self.unpack("2q", f"the sizes of {what}")
        return rows, columns, self._advance(4 * rows * columns, what)

    def dictionary(self, entries: int, words: int) -> tuple[np.ndarray, np.ndarray]:
        """Read the spans of the words; in the file, the labels of a supervised model follow them."""
        spans = []
        for number in range(1, entries + 1):
            end = self._mapped.find(b"\0", self.at)
            spans.append((self.at, end))
            what = f"entry {number} of the dictionary's {entries}"
            self._advance(end + 1 - self.at if end >= 0 else len(self._mapped), what)
            _, kind = self.unpack("qb", what)
            if kind != (number > words):
                raise VectorFileError(
                    f"{self._path}: {what} is of type {kind}, expected {words} words (type 0), then labels (type 1); "
                    "it is damaged"
                )
        starts, ends = np.array(spans[:words], np.int64).reshape(-1, 2).T
        return starts, ends
