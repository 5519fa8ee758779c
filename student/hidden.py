"""The first stage of a distillation: learning the teachers' hidden states (Mukherjee and Awadallah, ACL 2020).

Each teacher has a space of states of its own, so each has a linear projection of the student's states. The loss of a
sentence is a sum over its words of the mean squared error over dimensions. Projections are no part of the student.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows
from structkd.artifacts.schema import ArtifactError
from structkd.tagger.model import Tagger
from structkd.tagger.tokens import TokenBatch


@dataclass(frozen=True)
class HiddenTargets:
    """The teachers' states of a batch's words, and the place of each sentence's set among the streamed sets."""

    states: Float[Tensor, "B T D"]
    sets: Int[Tensor, "B"]

    @classmethod
    def of(cls, rows: DecodedRows, device: torch.device) -> "HiddenTargets":
        """Return the targets in rows of a stream with the column `hidden`."""
        return cls(torch.from_numpy(rows.hidden).to(device), torch.from_numpy(rows.set_number).to(device))


class HiddenProjections(nn.Module):
    """A projection of the student's states for each teacher; sets of one teacher have the same basis.

    Raises:
        ArtifactError: a set without hidden states, or sets whose states have different numbers of dimensions.
    """

    def __init__(self, sets: Sequence[ArtifactSet], size: int) -> None:
        super().__init__()
        for one in sets:
            if one.header.hidden is None:
                raise ArtifactError(
                    f"{one.folder}: has no hidden states, which distill.hidden_updates needs; set "
                    "teacher.annotation.hidden and run stage one again"
                )
        found = [one.header.hidden for one in sets if one.header.hidden is not None]
        dims = sorted({basis.dim for basis in found})
        if len(dims) > 1:
            raise ArtifactError(f"hidden states have {' and '.join(map(str, dims))} dimensions; expected one number")
        bases = list(dict.fromkeys(found))
        self.teacher_of_set: Tensor
        self.register_buffer("teacher_of_set", torch.tensor([bases.index(basis) for basis in found]))
        self.of_teacher = nn.ModuleList(nn.Linear(size, basis.dim) for basis in bases)

    def forward(self, states: Float[Tensor, "B T S"], lengths: Int[Tensor, "B"], targets: HiddenTargets) -> Tensor:
        """Return the mean loss of a batch's sentences, given the student's states."""
        inside = torch.arange(states.shape[1], device=states.device) < lengths[:, None]
        teachers = self.teacher_of_set[targets.sets]
        total = states.new_zeros(())
        for number, projection in enumerate(self.of_teacher):  # also those without a sentence: with gradients of 0
            mine = inside & (teachers == number)[:, None]
            errors = projection(states[mine]) - targets.states[mine]
            total = total + errors.square().mean(-1).sum()
        return total / len(lengths)


@contextmanager
def projections(student: Tagger, sets: Sequence[ArtifactSet]) -> Iterator[None]:
    """Add projections to a student while it is trained: they learn, are saved and are resumed with it."""
    student.hidden = HiddenProjections(sets, student.projection.in_features).to(student.device)
    try:
        yield
    finally:
        del student.hidden


def hidden_loss(student: Tagger, tokens: TokenBatch, targets: HiddenTargets | None) -> Tensor:
    """Return the mean loss of a batch's sentences for a student with `projections`."""
    made, states = student.get_submodule("hidden"), student.states(tokens)
    loss: Tensor = made(states, tokens.lengths.to(student.device), targets)
    return loss
