"""The one training loop, for teachers and students alike."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Protocol, TypeVar

import torch
from pydantic import TypeAdapter
from torch import Tensor

from structkd.crf import ScoreError
from structkd.ground.files import digest_json
from structkd.ground.interrupts import asked_to_end, end_if_asked, held
from structkd.ground.records import DevScored, Log, Restarted, Resumed, Updated, VectorsFound
from structkd.tagger.config import TrainingConfig
from structkd.tagger.model import Tagger
from structkd.tagger.optimisation import make_optimizer, set_learning_rates
from structkd.tagger.ranks import ALONE, Ranks
from structkd.tagger.resume import Resume, State, random_state, set_random_state


class Batch(Protocol):
    """A batch of a training: anything that knows its numbers of sentences and words."""

    def __len__(self) -> int: ...

    @property
    def words(self) -> int:
        """The number of words without padding."""


BatchT = TypeVar("BatchT", bound=Batch)


@dataclass(frozen=True)
class TrainingResult:
    """The result of a training; the tagger holds the weights of its best dev score.

    `words`: words that this process trained on, in `seconds`, which include scoring on dev.
    """

    best_dev: float
    best_update: int
    updates: int
    words: int
    seconds: float
    curve: list[tuple[int, float, float]]
    """At each scoring on dev: the update, the mean loss since the last one, the score."""


class TrainingError(RuntimeError):
    """A training that cannot continue; the message says where it stopped and what to do."""


@dataclass
class _Progress:
    """A training's progress: the next batch is `step` of `epoch`; `total` and `seen` sum the loss since a score."""

    update: int = 0
    epoch: int = 0
    step: int = 0
    best: float = float("-inf")
    best_update: int = 0
    total: float = 0.0
    seen: int = 0
    words: int = 0
    seconds: float = 0.0
    curve: list[tuple[int, float, float]] = field(default_factory=list)


def log_vectors(tagger: Tagger, words: Sequence[str], log: Log) -> None:
    """Log the number of distinct words of the training that the tagger's files of vectors contain."""
    for path, known in tagger.known_words(words).items():
        log(VectorsFound(path, len(words), known))


@held()  # a signal waits for the end of an update
def train(
    tagger: Tagger,
    batches: Callable[[int, int], Iterable[BatchT]],
    loss: Callable[[Tagger, BatchT, float], Tensor],
    score_dev: Callable[[Tagger], float],
    config: TrainingConfig,
    log: Log,
    *,
    resume: Resume | None = None,
    ranks: Ranks = ALONE,
    unscored: int = 0,
) -> TrainingResult:
    """Train until the updates or the patience are used up, and leave the best dev weights in `tagger`.

    With `resume`, a killed training continues from its last saved state and ends with the same weights, to the bit. On
    another number of ranks, the sentences of each update are the same, and dropout draws other numbers. An unusable
    state is reported, and the training starts again. If a signal ends the process, the state is saved first if that is
    quick and there is one rank.

    Args:
        batches: returns the batches of an epoch from a step on, given both numbers; this rank's share of each.
        loss: mean loss of a batch, given the finished share of the training (0 to 1), for annealing.
        score_dev: a score that is higher for a better tagger; called on rank 0.
        log: gets an `Updated` after each update, and a `DevScored` after each scoring.
        unscored: first updates, which learn something else: without dev scores, and without patience.

    Raises:
        TrainingError: an epoch without batches, or a loss that is not a number.
        ResumeError: a state that contains something else than this training.
    """
    began = time.perf_counter()
    optimizer = make_optimizer(tagger, config)
    at, kept = _start(tagger, optimizer, resume, ranks, log)
    began -= at.seconds
    tagger.train()
    coming = _forever(batches, at.epoch, at.step)
    for update in range(at.update + 1, config.updates + 1):
        done, parts = (update - 1) / config.updates, list(islice(coming, config.accumulate))
        losses = [(len(batch), partial(loss, tagger, batch, done)) for _, _, batch in parts]
        value, sentences = _step(tagger, losses, optimizer, config, update, ranks)
        epoch, step, _ = parts[-1]
        at.words += sum(batch.words for _, _, batch in parts)
        at = replace(at, update=update, epoch=epoch, step=step + 1)
        at.total, at.seen = at.total + value * sentences, at.seen + sentences
        log(Updated(update, config.updates))
        if update <= unscored:
            at.total, at.seen = 0.0, 0
        elif update % config.evaluate_every == 0 or update == config.updates:
            dev = ranks.from_first(_score(tagger, score_dev, update) if ranks.first else 0.0)
            if dev > at.best:
                at.best, at.best_update, kept = dev, update, _weights(tagger)
            mean, speed = at.total / at.seen, at.words / (time.perf_counter() - began)
            log(DevScored(update, epoch, loss=mean, dev=dev, best=at.best, words_per_second=speed))
            at.curve.append((update, mean, dev))
            at.total, at.seen = 0.0, 0
            if update - max(at.best_update, unscored) >= config.patience * config.evaluate_every:
                break
        last_chance = ranks.world == 1 and asked_to_end()
        if resume and update < config.updates and ranks.from_first(resume.due or last_chance):
            at.seconds = time.perf_counter() - began
            _save(resume, at, kept, tagger, optimizer, ranks)
        end_if_asked()
    tagger.set_weights(kept)
    tagger.eval()
    return TrainingResult(at.best, at.best_update, at.update, at.words, time.perf_counter() - began, at.curve)


def _start(
    tagger: Tagger, optimizer: torch.optim.Optimizer, resume: Resume | None, ranks: Ranks, log: Log
) -> tuple[_Progress, dict[str, Tensor]]:
    """Return the starting point and the best weights so far; set weights, optimiser and random numbers."""
    state, fault = ranks.from_first(resume.load() if resume and ranks.first else (None, ""))
    if fault:
        log(Restarted(fault))
    if state is None:
        ranks.copy_first(tagger.weights().values())
        if not ranks.first:  # or all ranks would drop the same units
            _seed(torch.initial_seed(), ranks.rank)
        return _Progress(), _weights(tagger)
    assert resume is not None
    try:
        at, kept = _restored(tagger, optimizer, state, ranks)
    except (ValueError, LookupError, TypeError, AttributeError, RuntimeError) as error:
        raise resume.misfit(error) from error
    before = len(state["random"])
    log(Resumed(at.update, tuple(resume.earlier), before if before != ranks.world else None))
    return at, kept


def _restored(
    tagger: Tagger, optimizer: torch.optim.Optimizer, state: State, ranks: Ranks
) -> tuple[_Progress, dict[str, Tensor]]:
    """Restore weights, optimiser and random numbers from `_save`; a state that does not fit raises any error."""
    tagger.set_weights(state["best"])  # they must fit as well
    tagger.set_weights(state["weights"])
    optimizer.load_state_dict(state["optimizer"])
    at = TypeAdapter(_Progress).validate_python(state["progress"])
    seed, random = torch.initial_seed(), state["random"]
    set_random_state(random[min(ranks.rank, len(random) - 1)])
    if len(random) != ranks.world:
        _seed(seed, at.update, ranks.rank)
    return at, state["best"]


def _seed(*numbers: int) -> None:
    """Seed torch's random numbers, of which dropout is made, by all of `numbers`."""
    torch.manual_seed(int(digest_json(numbers)[:15], 16))


def _save(
    resume: Resume,
    at: _Progress,
    kept: dict[str, Tensor],
    tagger: Tagger,
    optimizer: torch.optim.Optimizer,
    ranks: Ranks,
) -> None:
    random = ranks.from_all(random_state())
    if ranks.first:
        state = {
            "progress": asdict(at),
            "weights": tagger.weights(),
            "optimizer": optimizer.state_dict(),
            "best": kept,
            "random": random,
        }
        resume.save(state)


def _step(
    tagger: Tagger,
    losses: Sequence[tuple[int, Callable[[], Tensor]]],
    optimizer: torch.optim.Optimizer,
    config: TrainingConfig,
    update: int,
    ranks: Ranks,
) -> tuple[float, int]:
    """Make one update from some batches; return the mean loss and number of sentences over all ranks."""
    optimizer.zero_grad(set_to_none=True)
    total, sentences = torch.zeros((), device=tagger.device), sum(size for size, _ in losses)
    for size, loss in losses:
        if not size:  # other ranks may have sentences where this one has none
            continue
        try:
            share = loss() * (size / sentences)
        except ScoreError:  # all ranks are to hear of it
            total += float("nan")
            break
        total += share.detach()
        share.backward()  # type: ignore[no-untyped-call]
    trained = [parameter for parameter in tagger.parameters() if parameter.requires_grad]
    value, sentences = ranks.mean_gradients(trained, total.item(), sentences)
    if value != value:
        raise TrainingError(f"update {update}: the loss is not a number; lower the learning rate")
    set_learning_rates(optimizer, config, update)
    torch.nn.utils.clip_grad_norm_(trained, config.clip)
    optimizer.step()
    return value, sentences


def _score(tagger: Tagger, score_dev: Callable[[Tagger], float], update: int) -> float:
    try:
        return score_dev(tagger)
    except ScoreError as error:
        raise TrainingError(f"update {update}: on dev, {error}; lower the learning rate") from error


def _forever(
    batches: Callable[[int, int], Iterable[BatchT]], epoch: int, start: int
) -> Iterator[tuple[int, int, BatchT]]:
    """Yield batches, epoch after epoch, from step `start` of `epoch` on."""
    while True:
        step = start - 1
        for step, batch in enumerate(batches(epoch, start), start):
            yield epoch, step, batch
        if step < 0:
            raise TrainingError(f"epoch {epoch} has no batches: the training corpus is empty")
        epoch, start = epoch + 1, 0


def _weights(tagger: Tagger) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tagger.weights().items()}
