"""The equal processes that train one tagger together, as `torchrun` starts them."""

import os
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from structkd.ground.interrupts import end_after, orphaned
from structkd.tagger.devices import gpu_name, share_gpus

ValueT = TypeVar("ValueT")
PATIENCE = timedelta(days=30)  # others wait for rank 0's stage one; torchrun itself ends them if a rank dies

NOTICE = 2.0
"""Seconds before an error is raised: if a signal ended another rank, it also ends this one, and there is no error."""


@dataclass(frozen=True)
class Ranks:
    """This process, `rank` of `world`. With a world of 1 nothing is sent and nothing changes.

    Every rank must make the same calls in the same order. `tensors` is the group that sends tensors, by default the
    one that sends all else.
    """

    rank: int = 0
    world: int = 1
    tensors: dist.ProcessGroup | None = None

    @property
    def first(self) -> bool:
        """True for rank 0, which writes the files."""
        return self.rank == 0

    def from_first(self, value: ValueT) -> ValueT:
        """Return rank 0's value on every rank."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box)
        return box[0]

    def from_all(self, value: ValueT) -> list[ValueT]:
        """Return every rank's value, in the order of the ranks."""
        if self.world == 1:
            return [value]
        values: list[ValueT] = [value] * self.world
        dist.all_gather_object(values, value)
        return values

    def wait(self) -> None:
        """Wait for all ranks."""
        if self.world > 1:
            dist.barrier()

    @torch.no_grad()
    def copy_first(self, tensors: Iterable[Tensor]) -> None:
        """Copy rank 0's content of `tensors` to every rank, in place."""
        if self.world > 1:
            for tensor in tensors:
                dist.broadcast(tensor, 0, group=self.tensors)

    @torch.no_grad()
    def mean_gradients(self, parameters: Iterable[Tensor], loss: float, weight: int) -> tuple[float, int]:
        """Replace the gradient of the mean loss over `weight` sentences by that over the sentences of all ranks.

        Up to rounding, it is the gradient of one process with all sentences. A rank without sentences has weight 0
        and no gradients. A parameter for which no rank has a gradient keeps none. Returns the mean loss over all ranks
        and the sum of the weights.
        """
        if self.world == 1:
            return loss, weight
        parameters = list(parameters)
        pieces = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        numbers = pieces[0].new_tensor([*(p.grad is not None for p in parameters), loss, 1])
        sums = torch.cat([*(piece.flatten() for piece in pieces), numbers]) * weight
        dist.all_reduce(sums, group=self.tensors)
        total = round(sums[-1].item())
        sums /= total
        parts = torch.split(sums[: -len(numbers)], [p.numel() for p in parameters])
        for parameter, part, known in zip(parameters, parts, sums[-len(numbers) : -2].tolist(), strict=True):
            parameter.grad = part.view_as(parameter) if known else None
        return sums[-2].item(), total


ALONE = Ranks()


@contextmanager
def joined() -> Iterator[Ranks]:
    """Join the ranks that `torchrun` started; without torchrun, return ALONE."""
    if not dist.is_torchelastic_launched():
        yield ALONE
        return
    end_after(orphaned)  # torchrun was killed
    share_gpus(int(os.environ["LOCAL_RANK"]))
    store, rank, world = next(rendezvous("env://", timeout=PATIENCE))
    store = dist.PrefixStore(_start_name(store, rank, world), store)  # type: ignore[attr-defined]
    dist.init_process_group("gloo", store=store, rank=rank, world_size=world, timeout=PATIENCE)
    ranks = Ranks(rank, world)
    if own_gpus(ranks.from_all(gpu_name())):
        ranks = replace(ranks, tensors=dist.new_group(timeout=PATIENCE, backend="cpu:gloo,cuda:nccl"))
    try:
        yield ranks
    except Exception:
        time.sleep(NOTICE)
        raise
    # Not after an error, which the others do not know of: torchrun ends them once this process has ended with it.
    dist.barrier()
    dist.destroy_process_group()


def own_gpus(names: Sequence[str]) -> bool:
    """True if each rank has a GPU of its own, by their names: only then can NCCL send tensors."""
    return all(names) and len(set(names)) == len(names)


def _start_name(store: dist.Store, rank: int, world: int) -> str:
    """Return one new name on all ranks.

    After a rank has died, torchrun starts all ranks again with the same store. There, Gloo would find the addresses of
    the dead. So what is sent before the name is known may also be of the dead: a rank knows an answer by its own key,
    and rank 0 answers until all have heard it.
    """
    mine = uuid.uuid4().hex
    if rank:
        store.set(f"rank {rank}", mine)
        name: str = store.get(mine).decode()
        store.add(name, 1)
        return name
    while store.add(mine, 0) < world - 1:
        for other in range(1, world):
            store.set(store.get(f"rank {other}").decode(), mine)
        time.sleep(0.05)
    return mine
