"""From the rows of shards to what a training step takes."""

from dataclasses import dataclass

import pyarrow as pa

from structkd.artifacts.rows import DecodedRows
from structkd.student.objectives import Signals
from structkd.student.signals import SignalSource
from structkd.tagger.tokens import TokenBatch


@dataclass(frozen=True)
class StudentBatch:
    """Sentences and what their teachers said."""

    tokens: TokenBatch
    signals: Signals

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def words(self) -> int:
        """How many it has, padding aside."""
        return self.tokens.word_count


def student_batch(rows: pa.Table, source: SignalSource) -> StudentBatch:
    """A batch of rows of `artifacts.stream`, and what `source` says of them."""
    decoded = DecodedRows(rows)
    return StudentBatch(TokenBatch.from_arrow(decoded.tokens), source.signals(decoded))
