"""The one training loop, for teachers and students alike."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from tagger.config import TrainingConfig
from tagger.model import Tagger


class Sized(Protocol):
    """A batch: anything that knows its sentences."""

    def __len__(self) -> int: ...


BatchT = TypeVar("BatchT", bound=Sized)
Log = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class TrainingResult:
    """What came of a training; the tagger holds the weights of its best dev score."""

    best_dev: float
    best_update: int
    updates: int
    seconds: float


class TrainingError(RuntimeError):
    """Training that cannot go on; the message says where it stopped and what to do."""


def train(
    tagger: Tagger,
    batches: Callable[[int], Iterable[BatchT]],
    loss: Callable[[Tagger, BatchT, float], Tensor],
    score_dev: Callable[[Tagger], float],
    config: TrainingConfig,
    log: Log,
) -> TrainingResult:
    """Train until the updates or the patience are used up, and leave the best dev weights in `tagger`.

    Args:
        batches: an epoch's batches, by the number of the epoch.
        loss: mean loss of a batch, given the share of the training that is over (0 to 1), for annealing.
        score_dev: a score that rises as the tagger gets better.
        log: takes a record after each scoring, and is called in between with `{"event": "update", ...}`.

    Raises:
        TrainingError: an epoch without batches, or a loss that is not a number.
    """
    began = time.perf_counter()
    optimizer = torch.optim.Adam(tagger.parameters(), lr=config.learning_rate)
    best, best_update, kept = float("-inf"), 0, _weights(tagger)
    total, seen, update = 0.0, 0, 0
    tagger.train()
    for update, (epoch, batch) in zip(range(1, config.updates + 1), _forever(batches), strict=False):
        done = (update - 1) / config.updates
        value = _step(tagger, loss(tagger, batch, done), optimizer, config, done, update)
        total, seen = total + value * len(batch), seen + len(batch)
        log({"event": "update", "update": update, "of": config.updates})
        if update % config.evaluate_every and update < config.updates:
            continue
        dev = score_dev(tagger)
        if dev > best:
            best, best_update, kept = dev, update, _weights(tagger)
        log({"event": "dev", "update": update, "epoch": epoch, "loss": total / seen, "dev": dev, "best": best})
        total, seen = 0.0, 0
        if update - best_update >= config.patience * config.evaluate_every:
            break
    tagger.load_state_dict(kept)
    tagger.eval()
    return TrainingResult(best, best_update, update, time.perf_counter() - began)


def _step(
    tagger: Tagger, loss: Tensor, optimizer: torch.optim.Adam, config: TrainingConfig, done: float, update: int
) -> float:
    value = loss.item()
    if value != value:
        raise TrainingError(f"update {update}: the loss is not a number; lower the learning rate")
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * (1 - done)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(tagger.parameters(), config.clip)
    optimizer.step()
    return value


def _forever(batches: Callable[[int], Iterable[BatchT]]) -> Iterator[tuple[int, BatchT]]:
    epoch = 0
    while True:
        empty = True
        for batch in batches(epoch):
            empty = False
            yield epoch, batch
        if empty:
            raise TrainingError(f"epoch {epoch} has no batches: the training corpus is empty")
        epoch += 1


def _weights(tagger: Tagger) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tagger.state_dict().items()}
