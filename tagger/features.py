"""Features of a frozen encoder for a corpus, on disk: one file, written whole, memory-mapped, checked at each read.

The file has the layout of safetensors. `features` is [words, F] float16. A sentence is found by the digest of its words
(`key`, sorted); its rows are `first` to `first + words`, and `crc32` is the checksum of their bytes. The metadata
contain the digest of the encoder and the SHA-256 of the other tensors.
"""

import json
import math
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float16, Int64, Shaped, UInt64
from pydantic import BaseModel, Field, NonNegativeInt

from structkd.ground.faults import FileError, explained
from structkd.ground.files import atomic_path, open_regular
from structkd.runtime.batches import length_batches
from structkd.tagger.tokens import TokenBatch

VERSION = "1"
_INDEX = ("key", "first", "words", "crc32")
_TYPES = {"F16": "<f2", "U64": "<u8", "I64": "<i8", "U32": "<u4"}
REMEDY = "delete it: the next run makes it again"
BATCH_TOKENS = 4096


class FeatureError(ValueError):
    """An unusable file of features; the message names it, what was found and what to do."""


def sentence_keys(tokens: TokenBatch) -> UInt64[np.ndarray, "B 2"]:
    """Return 128 bits of BLAKE2b of each sentence's words."""
    words = np.array(tokens.words, object)[tokens.index.numpy()]
    digests = [_digest(row[:n].tolist()) for row, n in zip(words, tokens.lengths.tolist(), strict=True)]
    return np.frombuffer(b"".join(digests), ">u8").reshape(-1, 2).astype(np.uint64)


def _digest(words: Sequence[str]) -> bytes:
    sizes = np.fromiter(map(len, words), np.int64, len(words))  # where one word ends and the next begins
    return blake2b("".join(words).encode() + sizes.tobytes(), digest_size=16).digest()


@dataclass(frozen=True)
class FeatureSet:
    """Features of a corpus, memory-mapped. `encoder` is the digest of their encoder."""

    path: Path
    encoder: str
    features: Float16[np.ndarray, "N F"]
    key: UInt64[np.ndarray, "S 2"]
    first: Int64[np.ndarray, "S"]
    words: Int64[np.ndarray, "S"]
    crc32: Shaped[np.ndarray, "S"]

    @classmethod
    def open(cls, path: Path) -> "FeatureSet":
        """Map a file. Raises FeatureError if it is missing, cut, of another version, or its index damaged."""
        try:
            with open_regular(path) as file:
                size = os.fstat(file.fileno()).st_size
                head = file.read(8)
                head += file.read(min(size, int.from_bytes(head, "little")))
        except FileError as error:
            raise FeatureError(f"{error}; or {REMEDY}") from error
        header, encoder, digest = _parsed(path, head)
        if size != header.size:
            raise FeatureError(
                f"{path}: {size} bytes, its header tells of another size, {header.size}; it was cut; {REMEDY}"
            )
        with explained(path, "read"):
            tensors = {name: header.mapped(path, name) for name in ("features", *_INDEX)}
        index = {name: np.array(tensors[name]) for name in _INDEX}
        if _index_digest(index, header.shape) != digest:
            raise FeatureError(f"{path}: its index does not have the SHA-256 that it was written with; {REMEDY}")
        return cls(path=path, encoder=encoder, features=tensors["features"], **index)

    def find(self, keys: UInt64[np.ndarray, "B 2"]) -> Int64[np.ndarray, "B"]:
        """Return each sentence's place in the index, -1 if it is absent."""
        if not len(self.key):
            return np.full(len(keys), -1)
        place = np.minimum(np.searchsorted(self._high, keys[:, 0]), len(self.key) - 1)
        return np.where((self.key[place] == keys).all(1), place, -1)

    @cached_property
    def _high(self) -> UInt64[np.ndarray, "S"]:
        return np.ascontiguousarray(self.key[:, 0])

    def read(self, place: int) -> Float16[np.ndarray, "T F"]:
        """Read a sentence's rows. Raises FeatureError if they are not the written ones."""
        rows = self.features[self.first[place] : self.first[place] + self.words[place]]
        if zlib.crc32(rows.data) != self.crc32[place]:
            raise FeatureError(
                f"{self.path}: words {self.first[place]} to {self.first[place] + self.words[place]} "
                f"do not have the checksum that they were written with; {REMEDY}"
            )
        return rows

    def verify(self) -> None:
        """Read every sentence. Raises FeatureError at the first that is damaged."""
        for place in range(len(self.key)):
            self.read(place)


def read_features(
    sets: Sequence[FeatureSet], tokens: TokenBatch, out: Float16[np.ndarray, "B T F"]
) -> Int64[np.ndarray, "M"]:
    """Copy the sentences that `sets` contain to `out`; return the places in the batch of the others."""
    wanted = np.arange(len(tokens))
    keys = sentence_keys(tokens) if sets else None
    for one in sets:
        assert keys is not None
        places = one.find(keys[wanted])
        for sentence, place in zip(wanted[places >= 0].tolist(), places[places >= 0].tolist(), strict=True):
            if one.words[place] != tokens.lengths[sentence]:
                raise FeatureError(
                    f"{one.path}: has {one.words[place]} words of a sentence of {tokens.lengths[sentence]}; {REMEDY}"
                )
            out[sentence, : one.words[place]] = one.read(place)
        wanted = wanted[places < 0]
        if not len(wanted):
            break
    return wanted


def write_features(
    path: Path,
    sentences: Sequence[Sequence[str]],
    compute: Callable[[TokenBatch], Float16[np.ndarray, "B T F"]],
    *,
    encoder: str,
    width: int,
    log: Callable[[int], None],
) -> None:
    """Write the features of a corpus; each distinct sentence is computed once. The file is whole or absent.

    Args:
        compute: the encoder, called with a batch.
        encoder: digest of the encoder, see `FeatureSet.encoder`.
        width: F, the numbers per word.
        log: gets the number of finished distinct sentences.
    """
    distinct = list(dict.fromkeys(map(tuple, sentences)))
    lengths = np.fromiter(map(len, distinct), np.int64, len(distinct))
    first, crc = np.cumsum(lengths) - lengths, np.zeros(len(distinct), np.uint32)
    shape = int(lengths.sum()), width
    header, keys = _Header(shape, len(distinct)), np.zeros((len(distinct), 2), np.uint64)
    done = 0
    with atomic_path(path) as temporary, temporary.open("w+b") as file:
        for places in length_batches(lengths.tolist(), BATCH_TOKENS):
            batch = TokenBatch.from_sentences(distinct[place] for place in places)
            features, keys[places] = compute(batch), sentence_keys(batch)
            for sentence, rows in zip(places, features, strict=True):
                data = rows[: lengths[sentence]].tobytes()
                crc[sentence] = zlib.crc32(data)
                file.seek(header.begin("features") + 2 * width * int(first[sentence]))
                file.write(data)
            done += len(places)
            log(done)
        order = np.lexsort((keys[:, 1], keys[:, 0]))
        index = {"key": keys[order], "first": first[order], "words": lengths[order], "crc32": crc[order]}
        for name, values in index.items():
            file.seek(header.begin(name))
            file.write(values.tobytes())
        file.seek(0)
        file.write(header.encoded(encoder, _index_digest(index, shape)))


class _Header:
    """The beginning of a safetensors file with these tensors."""

    def __init__(self, shape: tuple[int, int], sentences: int) -> None:
        self.shape = shape
        tensors = {
            "features": ("F16", list(shape)),
            "key": ("U64", [sentences, 2]),
            "first": ("I64", [sentences]),
            "words": ("I64", [sentences]),
            "crc32": ("U32", [sentences]),
        }
        self._entries: dict[str, Any] = {}
        end = 0
        for name, (kind, sizes) in tensors.items():
            begin, end = end, end + math.prod(sizes) * np.dtype(_TYPES[kind]).itemsize
            self._entries[name] = {"dtype": kind, "shape": sizes, "data_offsets": [begin, end]}
        self._begin = len(self.encoded("0" * 64, "0" * 64))
        self.size = self._begin + end

    def begin(self, name: str) -> int:
        """Return the offset of a tensor in the file."""
        return self._begin + int(self._entries[name]["data_offsets"][0])

    def mapped(self, path: Path, name: str) -> np.ndarray:
        """Return a tensor, memory-mapped."""
        kind, shape = np.dtype(_TYPES[self._entries[name]["dtype"]]), tuple(self._entries[name]["shape"])
        if not math.prod(shape):
            return np.zeros(shape, kind)
        return np.memmap(path, kind, "r", self.begin(name), shape)

    def encoded(self, encoder: str, index_digest: str) -> bytes:
        """Return the bytes; their number is the same for all digests of one length."""
        metadata = {"version": VERSION, "encoder": encoder, "index_sha256": index_digest}
        text = json.dumps({"__metadata__": metadata} | self._entries).encode()
        text += b" " * (-len(text) % 8)  # the data are aligned
        return len(text).to_bytes(8, "little") + text


class _Metadata(BaseModel):
    version: str
    encoder: str
    index_sha256: str


class _Features(BaseModel):
    shape: tuple[NonNegativeInt, NonNegativeInt]


class _Stored(BaseModel):
    """The values from which a header can be written again."""

    metadata: _Metadata = Field(alias="__metadata__")
    features: _Features
    key: _Features


def _parsed(path: Path, head: bytes) -> tuple[_Header, str, str]:
    """Parse a file's header; return it with the encoder's and the index's digest. Other bytes are an error."""
    try:
        stored = _Stored.model_validate_json(head[8:])
    except ValueError as error:
        raise FeatureError(f"{path}: not a file of features ({_first_line(error)}); {REMEDY}") from error
    metadata = stored.metadata
    if metadata.version != VERSION:
        raise FeatureError(f"{path}: version {metadata.version}, this program reads {VERSION}; {REMEDY}")
    header = _Header(stored.features.shape, stored.key.shape[0])
    if header.encoded(metadata.encoder, metadata.index_sha256) != head:
        raise FeatureError(f"{path}: its header is not one that this program writes; {REMEDY}")
    return header, metadata.encoder, metadata.index_sha256


def _first_line(error: Exception) -> str:
    return " ".join(str(error).splitlines()[:3])


def _index_digest(index: dict[str, np.ndarray], shape: tuple[int, ...]) -> str:
    digest = sha256(json.dumps(list(shape)).encode())
    for name in _INDEX:
        digest.update(np.ascontiguousarray(index[name]).tobytes())
    return digest.hexdigest()
