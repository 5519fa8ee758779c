"""Rows of shards as padded arrays, one column at a time."""

from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float32, Int64, Shaped

from structkd.artifacts.posteriors import code_of
from structkd.artifacts.ragged import length_mask, list_lengths, pad
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.stream import SET_COLUMN

PATH_COLUMNS = ("paths", "path_log_probs", "path_weights")


class DecodedRows:
    """B rows of shards. A column is decoded at its first use, and kept.

    Arrays are 0 past a sentence's length and its path count; T and K are the largest numbers of words and paths in
    these rows. All arrays are writable.

    Raises:
        ArtifactError: for a column that these rows do not have, and for one that disagrees with `tokens`.
    """

    def __init__(self, rows: pa.RecordBatch | pa.Table) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return int(self._rows.num_rows)

    @cached_property
    def tokens(self) -> pa.ListArray:
        """The words."""
        return self._column("tokens")

    @cached_property
    def lengths(self) -> Int64[np.ndarray, "B"]:
        """Words in each sentence."""
        return list_lengths(self.tokens)

    @cached_property
    def mask(self) -> Bool[np.ndarray, "B T"]:
        """True at words, False at padding."""
        return length_mask(self.lengths, int(self.lengths.max(initial=0)))

    @cached_property
    def sentence_id(self) -> Int64[np.ndarray, "B"]:
        """Each sentence's place in its corpus."""
        return self._numbers("sentence_id", np.int64)

    @cached_property
    def language(self) -> tuple[str, ...]:
        """Each sentence's language."""
        return self._values("language")

    @cached_property
    def teacher(self) -> tuple[str, ...]:
        """The teacher that annotated each sentence."""
        return self._values("teacher")

    @cached_property
    def seen(self) -> tuple[bool | None, ...]:
        """True if the teacher was trained on the sentence; None if this is not known."""
        return self._values("seen")

    @cached_property
    def has_gold(self) -> Bool[np.ndarray, "B"]:
        """True for sentences with gold labels."""
        return np.array(self._column("gold").is_valid(), bool)

    @cached_property
    def gold(self) -> Int64[np.ndarray, "B T"]:
        """Label ids; 0 for a sentence without gold labels."""
        return self._padded("gold", self.mask & self.has_gold[:, None], np.int64)

    @cached_property
    def counts(self) -> Int64[np.ndarray, "B"]:
        """The number of paths of each sentence, from any column with one entry per path."""
        known = self._rows.schema.names
        return list_lengths(self._column(next((name for name in PATH_COLUMNS if name in known), "paths")))

    @cached_property
    def paths(self) -> Int64[np.ndarray, "B K T"]:
        """The likeliest label sequences, best first."""
        return self._padded("paths", self._stored[:, :, None] & self.mask[:, None, :], np.int64)

    @cached_property
    def path_log_probs(self) -> Float32[np.ndarray, "B K"]:
        """log p(path)."""
        return self._padded("path_log_probs", self._stored, np.float32)

    @cached_property
    def path_weights(self) -> Float32[np.ndarray, "B K"]:
        """p(path), renormalised over the stored paths; of drawn ones, the share of the draws."""
        return self._padded("path_weights", self._stored, np.float32)

    @cached_property
    def log_posteriors(self) -> Float32[np.ndarray, "B T L"]:
        """log q(word, label)."""
        return self._padded("log_posteriors", self.mask, np.float32)

    @cached_property
    def emissions(self) -> Float32[np.ndarray, "B T L"]:
        """The teacher's emission scores."""
        return self._padded("emissions", self.mask, np.float32)

    @cached_property
    def log_partition(self) -> Float32[np.ndarray, "B"]:
        """log Z."""
        return self._numbers("log_partition", np.float32)

    @cached_property
    def hidden(self) -> Float32[np.ndarray, "B T D"]:
        """The teacher's state of each word, in the dimensions of the header's basis."""
        return self._padded("hidden", self.mask, np.float32)

    @cached_property
    def set_number(self) -> Int64[np.ndarray, "B"]:
        """The place of each row's set among the streamed sets, for rows of a stream."""
        return self._numbers(SET_COLUMN, np.int64)

    @cached_property
    def _stored(self) -> Bool[np.ndarray, "B K"]:
        return length_mask(self.counts, int(self.counts.max(initial=0)))

    def _column(self, name: str) -> pa.Array:
        known = self._rows.schema.names
        if name not in known:
            raise ArtifactError(f"rows with columns {', '.join(known)} have no {name}: read that column too")
        column = self._rows.column(name)
        return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column

    def _values(self, name: str) -> tuple[Any, ...]:
        return tuple(self._column(name).to_pylist())

    def _numbers(self, name: str, dtype: type[np.generic]) -> Shaped[np.ndarray, "B"]:
        return np.array(self._column(name), dtype)  # a copy: Arrow's buffers are read-only, and torch warns of those

    def _padded(
        self, name: str, mask: Bool[np.ndarray, "B ..."], dtype: type[np.generic]
    ) -> Shaped[np.ndarray, "B ..."]:
        """Return a column of lists, or of lists of lists, laid out by `mask`."""
        values = self._column(name)
        while pa.types.is_list(values.type):
            values = values.flatten()
        if not pa.types.is_fixed_size_list(values.type):
            return pad(values.to_numpy(), mask, dtype, name)
        vectors = values.flatten().to_numpy().reshape(len(values), values.type.list_size)
        if name == "log_posteriors":
            vectors = code_of(values.type.value_type).decode(vectors)
        return pad(vectors, mask, dtype, name)
