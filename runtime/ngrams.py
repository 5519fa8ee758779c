"""Hashed character n-grams, as in fastText (Bojanowski et al., 2017)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_OFFSET, _PRIME = np.uint32(2166136261), np.uint32(16777619)


def fnv1a(data: np.ndarray, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return FNV-1a hashes, 32 bits, of the spans `data[starts[i]:ends[i]]` of an array of bytes.

    Each byte is read as signed, as fastText does; for ASCII that changes nothing.
    """
    hashes = np.full(len(starts), _OFFSET)
    lengths = ends - starts
    longer = np.arange(len(starts))
    for place in range(lengths.max(initial=0)):
        longer = longer[lengths[longer] > place]
        byte = data[starts[longer] + place].view(np.int8).astype(np.uint32)
        hashes[longer] = (hashes[longer] ^ byte) * _PRIME
    return hashes


def hash_words(words: Sequence[bytes]) -> NDArray[np.uint32]:
    """Return the hash of each word."""
    ends = np.cumsum(np.fromiter(map(len, words), np.int64, len(words)))
    return fnv1a(np.frombuffer(b"".join(words), np.uint8), np.append(0, ends)[: len(words)], ends)


def ngram_hashes(
    words: Sequence[str], min_n: int, max_n: int, *, whole: bool = False
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return hashes of the n-grams of each word between "<" and ">", and the place of each n-gram's word.

    Args:
        words: as Unicode; n counts characters, the hash reads their UTF-8.
        min_n, max_n: lengths of the n-grams. "<" and ">" alone are no n-grams.
        whole: add "<word>" itself if its length excludes it from the n-grams.
    """
    data = np.frombuffer("".join(f"<{word}>" for word in words).encode(), np.uint8)
    bounds = np.append(np.flatnonzero((data & 0xC0) != 0x80), len(data))  # where characters start; and the end
    sizes = np.fromiter(map(len, words), np.int64, len(words)) + 2
    last = np.cumsum(sizes)
    owner = np.repeat(np.arange(len(words)), sizes)
    firsts, widths = [], []
    for n in range(min_n, max_n + 1):
        first = np.flatnonzero(np.arange(len(owner)) + n <= last[owner])
        if n == 1:
            first = np.setdiff1d(first, np.append(last - sizes, last - 1))
        firsts.append(first)
        widths.append(np.full(len(first), n))
    if whole:
        missing = (sizes < min_n) | (sizes > max_n)
        firsts.append((last - sizes)[missing])
        widths.append(sizes[missing])
    first, width = np.concatenate([np.zeros(0, np.int64), *firsts]), np.concatenate([np.zeros(0, np.int64), *widths])
    return fnv1a(data, bounds[first], bounds[first + width]), owner[first]
