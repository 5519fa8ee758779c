"""Engines run jobs: one after another in this process, or side by side in several processes."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from typing import Protocol

from structkd.ground.records import Annotated, Finished, Log, Prepared, Record, Started, Updated
from structkd.pipeline.execution.claims import TakenError
from structkd.pipeline.execution.cores import usable_cores
from structkd.pipeline.execution.memory import forget_peak
from structkd.pipeline.execution.schedule import Job, Listen, Schedule
from structkd.pipeline.execution.workers import Crew, Told, Worker, WorkerDiedError, heard


class EngineError(RuntimeError):
    """Unfinished jobs; the message says what to do."""


class EngineKind(StrEnum):
    """What runs jobs: processes of this machine, or a Ray cluster."""

    PROCESSES = "processes"
    RAY = "ray"


class Engine(Protocol):
    """An engine runs jobs, each when those that it needs are done."""

    def run(self, jobs: Sequence[Job], listen: Listen) -> None:
        """Run all jobs; `listen` gets every record with its job's title. The first error stops all jobs."""
        ...


class InProcess:
    """An engine that runs one job after another in this process."""

    def run(self, jobs: Sequence[Job], listen: Listen) -> None:
        """See `Engine`."""
        schedule = Schedule(jobs, listen)
        while schedule:
            time.sleep(schedule.pause or 0.0)
            if job := schedule.take():
                try:
                    run_job(job.title, job.run, partial(schedule.hear, job))
                except TakenError as taken:
                    schedule.postpone(job, taken)
                else:
                    schedule.done(job)


class Processes:
    """An engine with worker processes, one thread each: results do not depend on their number.

    The default is one worker per GPU, or else per core.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers

    def run(self, jobs: Sequence[Job], listen: Listen) -> None:
        """See `Engine`."""
        schedule, idle, busy = Schedule(jobs, listen), list[Worker[Job]](), list[Worker[Job]]()
        most = self.workers or default_workers()
        with _explained(), Crew[Job]() as hired:
            while schedule or busy:
                while len(busy) < most and (job := schedule.take()):
                    worker = idle.pop() if idle else hired.hire(partial(_work, len(hired.workers)))
                    worker.give(job)
                    busy.append(worker)
                for worker, message in heard(busy, schedule.pause if len(busy) < most else None):
                    if isinstance(message, Told):
                        schedule.hear(worker.job, message.what)
                        continue
                    busy.remove(worker)
                    idle.append(worker)
                    if isinstance(message.error, TakenError):
                        schedule.postpone(worker.job, message.error)
                    elif message.error:
                        raise message.error
                    else:
                        schedule.done(worker.job)


def choose_engine(workers: int | None, kind: EngineKind = EngineKind.PROCESSES, address: str | None = None) -> Engine:
    """Return an engine with the given number of workers; with one worker of this machine, jobs run in this process.

    `address` is that of a Ray cluster, by default one that is started here. Raises EngineError without that engine.
    """
    if kind == EngineKind.RAY:
        from structkd.pipeline.execution.cluster import LOCAL, Cluster

        return Cluster(address or LOCAL, workers)
    if address:
        raise EngineError(f"--address {address} is that of a Ray cluster; add --engine ray")
    alone = (workers or usable_cores()) == 1
    return InProcess() if alone else Processes(workers)


def default_workers() -> int:
    """Return the number of GPUs, or else of cores."""
    import torch  # which a finished experiment never needs

    # Jobs that share a GPU share its memory, and are hardly faster for it.
    return torch.cuda.device_count() or usable_cores()


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
    run_job(job.title, job.run, send)


def run_job(title: str, run: Callable[[Log], None], send: Log) -> None:
    """Run a job in this process, on one thread. Raises EngineError if a GPU's memory is too small."""
    import torch

    torch.set_num_threads(1)
    forget_peak()
    send(Started())
    began, thinned = time.perf_counter(), _Thinned(send)
    try:
        run(thinned)
    except torch.OutOfMemoryError as error:
        raise EngineError(
            f"{title}: the GPU's memory is too small ({error}); what is finished is kept: run the command again "
            "with fewer --workers, smaller batch_tokens (accumulate makes up for them), or checkpointing = true"
        ) from error
    thinned.flush()
    send(Finished(time.perf_counter() - began))


class _Thinned:
    """A log that passes on all records except counts in quick succession; `flush` tells the last of each set."""

    def __init__(self, send: Log, interval: float = 0.1) -> None:
        self._send, self._interval = send, interval
        self._last = 0.0
        self._kept: dict[str, Annotated] = {}

    def __call__(self, record: Record) -> None:
        now = time.monotonic()
        soon = isinstance(record, Updated | Annotated | Prepared) and now - self._last < self._interval
        if isinstance(record, Annotated):
            self._kept[record.set] = record
        if not soon:
            self._last = now
            self._send(record)

    def flush(self) -> None:
        """Pass on the last count of each set, again if need be."""
        for record in self._kept.values():
            self._send(record)
