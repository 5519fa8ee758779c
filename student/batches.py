"""Batches: the input of a training step, from rows of shards."""

from dataclasses import dataclass

import pyarrow as pa
import torch

from structkd.artifacts.rows import DecodedRows
from structkd.student.hidden import HiddenTargets
from structkd.student.objectives import Signals
from structkd.student.signals import SignalSource
from structkd.tagger.tokens import TokenBatch


@dataclass(frozen=True)
class StudentBatch:
    """Sentences and their teachers' signals."""

    tokens: TokenBatch
    signals: Signals
    hidden: HiddenTargets | None = None

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def words(self) -> int:
        """The number of words without padding."""
        return self.tokens.word_count


def student_batch(rows: pa.Table, source: SignalSource, hidden: torch.device | None = None) -> StudentBatch:
    """Return a batch of rows of `artifacts.stream`, with signals from `source`; and with the teachers' hidden states
    on the device `hidden`, if it is given."""
    decoded = DecodedRows(rows)
    targets = HiddenTargets.of(decoded, hidden) if hidden else None
    return StudentBatch(TokenBatch.from_arrow(decoded.tokens), source.signals(decoded), targets)
