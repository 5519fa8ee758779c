"""Opening a file of word vectors of any format."""

import mmap
import re
from codecs import BOM_UTF8
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int

from structkd.tagger.vectors.fasttext import MAGIC, FastTextBinary
from structkd.tagger.vectors.index import VectorFileError, WordIndex
from structkd.tagger.vectors.text import TextVectors
from structkd.tagger.vectors.word2vec import Word2VecBinary

_HEADER = re.compile(rb"\s*(\d+)\s+(\d+)\s*")
_COMPRESSED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


@runtime_checkable
class VectorFile(Protocol):
    """Vectors of words, on disk."""

    dim: int
    index: WordIndex

    def read(self, words: Sequence[str], places: Int[np.ndarray, "W"]) -> Float32[np.ndarray, "W D"]:
        """Read vectors of words at these places of the index.

        A word without a place (-1) gets zeros, or fastText's vector of its n-grams if the file contains n-grams.
        """
        ...


def open_vectors(path: Path) -> VectorFile:
    """Map a file and find its words.

    The content identifies fastText's binary files. A header "N D" in the first line distinguishes word2vec's text from
    GloVe's. The name `.bin` identifies word2vec's binary files. Raises VectorFileError.
    """
    if not path.is_file() or not path.stat().st_size:
        raise VectorFileError(f"{path}: no such file, or an empty one, where word vectors were expected")
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    for magic, name in _COMPRESSED.items():
        if mapped[: len(magic)] == magic:
            raise VectorFileError(f"{path}: {name} cannot be memory-mapped; decompress the file and name the result")
    if mapped[: len(MAGIC)] == MAGIC:
        return FastTextBinary(path, mapped)
    mark = len(BOM_UTF8) if mapped[: len(BOM_UTF8)] == BOM_UTF8 else 0
    first = mapped.readline()[mark:]
    header = _HEADER.fullmatch(first)
    binary = path.suffix == ".bin"
    if binary and header is None:
        raise VectorFileError(
            f"{path}: found {first[:40]!r}, expected a fastText model of format 11 or 12, or a word2vec file with a "
            'first line "N D"; if it is text, give it another suffix than .bin'
        )
    count, dim = (int(number) for number in header.groups()) if header else (None, len(first.split()) - 1)
    if dim < 1 or count == 0:
        raise VectorFileError(
            f'{path}:1: found {first[:40]!r}, expected a header "N D" with both above 0 or a word and its vector'
        )
    if binary and count is not None:
        return Word2VecBinary(path, mapped, mark + len(first), count, dim)
    return TextVectors(path, mapped, mark + (len(first) if header else 0), count, dim)
