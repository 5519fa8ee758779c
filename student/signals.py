"""Sources of a student's signals: shards, unless `distill` gets another source."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from structkd.artifacts.header import SetHeader
from structkd.artifacts.rows import DecodedRows
from structkd.crf import LinearChain
from structkd.student.config import SystemName
from structkd.student.objectives import Signals, System, as_system


@runtime_checkable
class SignalSource(Protocol):
    """A source of teachers' signals for a batch's sentences."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the artifact sets that `signals` reads, beside `tokens` and `gold`."""

    def signals(self, rows: DecodedRows) -> Signals:
        """Return the input of the system's loss, and the gold labels, on the student's device.

        `rows` come from a stream: they contain `tokens`, `gold`, these columns, and `set_number`.
        """


@dataclass(frozen=True)
class ShardSignals:
    """Signals from the teachers' shards, for one system.

    Attributes:
        system: decides the needed columns and chains.
        headers: those of the streamed sets, in order.
        k: number of stored paths to use, if they are the best ones; of drawn paths all are used.
    """

    system: SystemName | System
    headers: Sequence[SetHeader]
    k: int
    device: torch.device

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the system's loss reads."""
        return as_system(self.system).columns

    def signals(self, rows: DecodedRows) -> Signals:
        """Return the rows' columns as tensors. Raises ArtifactError for a missing column."""
        columns = self.columns
        emissions = self._tensor(rows.emissions) if "emissions" in columns else None
        marginals, edge_counts = None, None
        if emissions is not None and as_system(self.system).chains:
            marginals, edge_counts = _teacher_marginals(emissions, rows, self.headers)
        return Signals(
            gold=self._tensor(rows.gold),
            has_gold=self._tensor(rows.has_gold),
            paths=self._tensor(rows.paths[:, : self._kept]) if "paths" in columns else None,
            weights=self._tensor(self._weights(rows)) if "path_weights" in columns else None,
            counts=self._tensor(rows.counts if self._kept is None else np.minimum(rows.counts, self._kept))
            if "paths" in columns
            else None,
            log_posteriors=self._tensor(rows.log_posteriors) if "log_posteriors" in columns else None,
            emissions=emissions,
            marginals=marginals,
            edge_counts=edge_counts,
        )

    @property
    def _kept(self) -> int | None:
        """The number of paths to use; None, all, if they are drawn: a part of the draws would be a biased choice."""
        return None if any(header.paths == "sampled" for header in self.headers) else self.k

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.device)

    def _weights(self, rows: DecodedRows) -> Float32[np.ndarray, "B K"]:
        """Return the weights of the k best stored paths, renormalised over them."""
        weights = rows.path_weights[:, : self._kept]
        renormalised: Float32[np.ndarray, "B K"] = weights / weights.sum(1, keepdims=True)
        return renormalised


def _teacher_marginals(
    emissions: Float[Tensor, "B T L"], rows: DecodedRows, headers: Sequence[SetHeader]
) -> tuple[Float[Tensor, "B T L"], Float[Tensor, "B L L"]]:
    """Return marginals and expected transitions of each sentence under its own teacher's chain.

    A batch contains several teachers; the sets of one teacher share its chain.
    """
    B, _, L = emissions.shape
    marginals, edge_counts = torch.zeros_like(emissions), emissions.new_zeros(B, L, L)
    lengths, places = torch.from_numpy(rows.lengths).to(emissions.device), defaultdict(list)
    for place in {*rows.set_number.tolist()}:
        header = headers[place]
        places[header.transitions, header.start, header.end].append(place)
    for (transitions, start, end), owned in places.items():
        mine = torch.from_numpy(np.isin(rows.set_number, owned)).to(emissions.device)
        chain = LinearChain(
            emissions=emissions[mine],
            transitions=emissions.new_tensor(transitions),
            start=emissions.new_tensor(start),
            end=emissions.new_tensor(end),
            lengths=lengths[mine],
        )
        marginals[mine], edge_counts[mine] = chain.marginals, chain.edge_counts
    return marginals, edge_counts
