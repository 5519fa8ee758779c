"""Engines run jobs: one after another in this process, or side by side in several processes."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from structkd.corpora.records import Annotated, Finished, Log, Record, Started, Taken, Updated
from structkd.pipeline.execution.claims import TakenError
from structkd.pipeline.execution.cores import usable_cores
from structkd.pipeline.execution.memory import forget_peak
from structkd.pipeline.execution.workers import Told, Worker, WorkerDiedError, heard, workers

if TYPE_CHECKING:
    from structkd.tagger.ranks import Ranks  # loads torch

Listen = Callable[[str, Record], None]
PAUSE = 2.0  # seconds until a job that another process was doing is tried again


@dataclass(frozen=True)
class Job:
    """A named piece of work. `run` is picklable, reports to the given log, and writes its results to files."""

    title: str
    run: Callable[[Log], None]


class EngineError(RuntimeError):
    """Unfinished jobs; the message says what to do."""


class Engine(Protocol):
    """An engine runs jobs that do not depend on each other."""

    def run(self, jobs: Sequence[Job], listen: Listen) -> None:
        """Run all jobs; `listen` gets every record with its job's title. The first error stops all jobs."""
        ...


class InProcess:
    """An engine that runs one job after another in this process."""

    def run(self, jobs: Sequence[Job], listen: Listen) -> None:
        """See `Engine`."""
        waiting = Waiting(jobs)
        while waiting:
            time.sleep(waiting.pause)
            job = waiting.take()
            try:
                _run(job, partial(listen, job.title))
            except TakenError as taken:
                waiting.postpone(job, taken, listen)


class Together:
    """An engine that runs each job by all ranks of `torchrun`, one after another: a job's `run` must know its ranks."""

    def __init__(self, ranks: "Ranks") -> None:
        self.ranks = ranks

    def run(self, jobs: Sequence[Job], listen: Listen) -> None:
        """See `Engine`."""
        self.ranks.wait()  # all have asked what is left to do before any does it
        InProcess().run(jobs, listen)
        self.ranks.wait()


class FirstAlone:
    """An engine that runs jobs by rank 0's engine alone, while the other ranks wait."""

    def __init__(self, engine: Engine, ranks: "Ranks") -> None:
        self.engine, self.ranks = engine, ranks

    def run(self, jobs: Sequence[Job], listen: Listen) -> None:
        """See `Engine`."""
        self.ranks.wait()
        if self.ranks.first:
            self.engine.run(jobs, listen)
        self.ranks.wait()


class Processes:
    """An engine with worker processes, one thread each: results do not depend on their number.

    The default is one worker per GPU, or else per core.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers

    def run(self, jobs: Sequence[Job], listen: Listen) -> None:
        """See `Engine`."""
        waiting, busy = Waiting(jobs), list[Worker[Job]]()
        count = min(self.workers or default_workers(), len(jobs))
        with _explained(), workers([partial(_work, place) for place in range(count)]) as idle:
            while waiting or busy:
                while idle and waiting and not waiting.pause:
                    idle[-1].give(waiting.take())
                    busy.append(idle.pop())
                for worker, message in heard(busy, waiting.pause if idle and waiting else None):
                    if isinstance(message, Told):
                        listen(worker.job.title, message.what)
                        continue
                    busy.remove(worker)
                    idle.append(worker)
                    if isinstance(message.error, TakenError):
                        waiting.postpone(worker.job, message.error, listen)
                    elif message.error:
                        raise message.error


def choose_engine(workers: int | None) -> Engine:
    """Return `Processes` for the given number of workers; with one worker, jobs run in this process."""
    alone = (workers or usable_cores()) == 1
    return InProcess() if alone else Processes(workers)


def default_workers() -> int:
    """Return the number of GPUs, or else of cores."""
    import torch  # which a finished experiment never needs

    # Jobs that share a GPU share its memory, and are hardly faster for it.
    return torch.cuda.device_count() or usable_cores()


class Waiting:
    """The open jobs, in order; jobs that another process is doing come last, and after a pause."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = deque((job, 0.0) for job in jobs)
        self._told: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def pause(self) -> float:
        """The seconds until the next job may be taken."""
        return max(0.0, self._jobs[0][1] - time.monotonic())

    def take(self) -> Job:
        """Take the next job."""
        return self._jobs.popleft()[0]

    def postpone(self, job: Job, taken: TakenError, listen: Listen) -> None:
        """Postpone a job; `listen` is told once which process is doing it."""
        self._jobs.append((job, time.monotonic() + PAUSE))
        if self._told.get(job.title) != taken.by:
            self._told[job.title] = taken.by
            listen(job.title, Taken(taken.by))


@contextmanager
def _explained() -> Iterator[None]:
    """Turn the death of a worker into an error that explains it."""
    try:
        yield
    except WorkerDiedError as death:
        if death.signal:
            time.sleep(1)  # whoever asked the worker to end will have asked this process, too
        why = f"stopped by {death.signal.name}" if death.signal else "killed, or out of memory?"
        raise EngineError(
            f"a worker process died ({why}); what is finished is kept: run the command again, "
            "with fewer --workers if memory was short"
        ) from death


def _work(place: int, job: Job, send: Log) -> None:
    from structkd.tagger.devices import share_gpus

    share_gpus(place)
    _run(job, send)


def _run(job: Job, send: Log) -> None:
    import torch

    torch.set_num_threads(1)
    forget_peak()
    send(Started())
    began = time.perf_counter()
    try:
        job.run(_thinned(send))
    except torch.OutOfMemoryError as error:
        raise EngineError(
            f"{job.title}: the GPU's memory is too small ({error}); what is finished is kept: run the command again "
            "with fewer --workers, smaller batch_tokens (accumulate makes up for them), or checkpointing = true"
        ) from error
    send(Finished(time.perf_counter() - began))


def _thinned(send: Log, interval: float = 0.1) -> Log:
    """Pass on all records except updates in quick succession."""
    last = 0.0

    def log(record: Record) -> None:
        nonlocal last
        now = time.monotonic()
        if isinstance(record, Updated | Annotated) and now - last < interval:
            return
        last = now
        send(record)

    return log
