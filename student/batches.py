"""From the rows of shards to what a training step takes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Int
from torch import Tensor

from structkd.artifacts.codec import Decoded, decode
from structkd.artifacts.header import SetHeader
from structkd.artifacts.stream import SET_COLUMN
from structkd.crf import LinearChain
from structkd.student.objectives import Signals
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


def student_batch(
    rows: pa.Table, headers: Sequence[SetHeader], *, k: int, chains: bool, device: torch.device
) -> StudentBatch:
    """Tensors of a batch of rows.

    Args:
        rows: of `artifacts.stream`, with the columns that the system reads and `SET_COLUMN`.
        headers: of the sets that are streamed, in their order.
        k: how many of the stored paths to use.
        chains: whether the teachers' chains are needed, for their marginals.
    """
    values = decode(rows)
    assert values.gold is not None

    def tensor(array: np.ndarray | None) -> Tensor | None:
        return None if array is None else torch.from_numpy(array).to(device)

    emissions = tensor(values.emissions)
    marginals, edge_counts = None, None
    if chains:
        assert emissions is not None
        owner = torch.from_numpy(rows.column(SET_COLUMN).to_numpy().copy())
        marginals, edge_counts = _teacher_marginals(emissions, torch.from_numpy(values.lengths), owner, headers)
    weights, counts = _best(values, k)
    signals = Signals(
        gold=torch.from_numpy(values.gold).to(device),
        has_gold=torch.from_numpy(values.has_gold).to(device),
        paths=tensor(None if values.paths is None else values.paths[:, :k]),
        weights=tensor(weights),
        counts=tensor(counts),
        log_posteriors=tensor(values.log_posteriors),
        emissions=emissions,
        marginals=marginals,
        edge_counts=edge_counts,
    )
    return StudentBatch(TokenBatch.from_arrow(values.tokens), signals)


def _best(values: Decoded, k: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Weights of the k best stored paths, renormalised over them, and their number in each sentence."""
    if values.path_weights is None or values.counts is None:
        return None, None
    weights = values.path_weights[:, :k]
    return weights / weights.sum(1, keepdims=True), np.minimum(values.counts, k)


def _teacher_marginals(
    emissions: Float[Tensor, "B T L"],
    lengths: Int[Tensor, "B"],
    owner: Int[Tensor, "B"],
    headers: Sequence[SetHeader],
) -> tuple[Float[Tensor, "B T L"], Float[Tensor, "B L L"]]:
    """Marginals and expected transitions of each sentence under its own teacher's chain.

    A batch mixes teachers; the sets of one teacher share its chain.
    """
    B, _, L = emissions.shape
    marginals, edge_counts = torch.zeros_like(emissions), emissions.new_zeros(B, L, L)
    lengths, places = lengths.to(emissions.device), defaultdict(list)
    for place in set(owner.tolist()):
        header = headers[place]
        places[header.transitions, header.start, header.end].append(place)
    for (transitions, start, end), owned in places.items():
        mine = torch.isin(owner, torch.tensor(owned)).to(emissions.device)
        chain = LinearChain(
            emissions=emissions[mine],
            transitions=emissions.new_tensor(transitions),
            start=emissions.new_tensor(start),
            end=emissions.new_tensor(end),
            lengths=lengths[mine],
        )
        marginals[mine], edge_counts[mine] = chain.marginals, chain.edge_counts
    return marginals, edge_counts
