"""Batches of tokenised sentences for every encoder: the distinct words, and their places."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from jaxtyping import Bool, Int, Int64
from torch import Tensor


@dataclass(frozen=True)
class TokenBatch:
    """Sentences of a batch; `words[index[b, i]]` is word i of sentence b (0 at padding).

    A batch contains each distinct word once, so values that depend on the word alone are computed once.
    """

    words: list[str]
    index: Int[Tensor, "B T"]
    lengths: Int[Tensor, "B"]

    @classmethod
    def from_arrow(cls, column: pa.ListArray | pa.ChunkedArray) -> "TokenBatch":
        """Make a batch from a `list<string>` column, by array operations. Raises ValueError for an empty sentence."""
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        lengths = np.diff(column.offsets.to_numpy()).astype(np.int64)
        if len(lengths) and lengths.min() < 1:
            raise ValueError(f"sentence {int(lengths.argmin())} of the batch has no words; drop it before")
        coded = column.flatten().dictionary_encode()
        if pc.index(coded.dictionary, "").as_py() >= 0:
            raise ValueError("a word of the batch is empty; drop it before")
        index = np.zeros((len(lengths), lengths.max(initial=0)), np.int64)
        index[np.arange(index.shape[1]) < lengths[:, None]] = coded.indices.to_numpy()
        return cls(coded.dictionary.to_pylist(), torch.from_numpy(index), torch.from_numpy(lengths))

    @classmethod
    def from_sentences(cls, sentences: Iterable[Sequence[str]]) -> "TokenBatch":
        """Make a batch from lists of words."""
        return cls.from_arrow(pa.array([list(words) for words in sentences], pa.list_(pa.string())))

    def take(self, places: Int64[np.ndarray, "M"]) -> "TokenBatch":
        """Return the batch of some of its sentences."""
        column = pa.ListArray.from_arrays(
            pa.array(np.concatenate([[0], np.cumsum(self.lengths.numpy()[places])]), pa.int32()),
            pa.DictionaryArray.from_arrays(
                pa.array(self.index.numpy()[places][self._inside[places]]), pa.array(self.words)
            ).cast(pa.string()),
        )
        return self.from_arrow(column)

    @property
    def word_count(self) -> int:
        """The number of words of all sentences."""
        return int(self.lengths.sum())

    @property
    def _inside(self) -> Bool[np.ndarray, "B T"]:
        inside: np.ndarray = np.arange(self.index.shape[1]) < self.lengths.numpy()[:, None]
        return inside

    def __len__(self) -> int:
        return len(self.lengths)
