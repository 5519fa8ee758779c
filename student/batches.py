"""Batches: the input of a training step, from rows of shards."""

from dataclasses import dataclass

import pyarrow as pa

from structkd.artifacts.rows import DecodedRows
from structkd.student.objectives import Signals
from structkd.student.signals import SignalSource
from structkd.tagger.tokens import TokenBatch


@dataclass(frozen=True)
class StudentBatch:
    """Sentences and their teachers' signals."""

    tokens: TokenBatch
    signals: Signals

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def words(self) -> int:
        """The number of words without padding."""
        return self.tokens.word_count


def student_batch(rows: pa.Table, source: SignalSource) -> StudentBatch:
    """Return a batch of rows of `artifacts.stream`, with signals from `source`."""
    decoded = DecodedRows(rows)
    return StudentBatch(TokenBatch.from_arrow(decoded.tokens), source.signals(decoded))
