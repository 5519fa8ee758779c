"""Where jobs run: one after another in this process, or side by side in several."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.queues import Queue, SimpleQueue
from typing import TYPE_CHECKING, Protocol

from structkd.corpora.records import Annotated, Finished, Log, Record, Started, Updated
from structkd.pipeline.execution.cores import usable_cores
from structkd.pipeline.execution.memory import forget_peak

if TYPE_CHECKING:
    from structkd.tagger.ranks import Ranks  # loads torch

Listen = Callable[[str, Record], None]


@dataclass(frozen=True)
class Job:
    """Work with a name. `run` is picklable, reports through the log it is given, and leaves its results in files."""

    title: str
    run: Callable[[Log], None]


class EngineError(RuntimeError):
    """Jobs that could not be finished; the message says what to do."""


class Engine(Protocol):
    """Runs jobs that do not depend on each other."""

    def run(self, jobs: Sequence[Job], listen: Listen) -> None:
        """Run all jobs; `listen` gets every record with its job's title. The first error stops everything."""
        ...


class InProcess:
    """One job after another, here."""

    def run(self, jobs: Sequence[Job], listen: Listen) -> None:
        """See `Engine`."""
        for job in jobs:
            _run(job, lambda record, title=job.title: listen(title, record))  # type: ignore[misc]


class Together:
    """One job after another, each by all ranks that `torchrun` started: a job's `run` must know its ranks."""

    def __init__(self, ranks: "Ranks") -> None:
        self.ranks = ranks

    def run(self, jobs: Sequence[Job], listen: Listen) -> None:
        """See `Engine`."""
        self.ranks.wait()  # all have asked what is left to do before any does it
        InProcess().run(jobs, listen)
        self.ranks.wait()


class FirstAlone:
    """Jobs by rank 0's engine alone, while the other ranks wait."""

    def __init__(self, engine: Engine, ranks: "Ranks") -> None:
        self.engine, self.ranks = engine, ranks

    def run(self, jobs: Sequence[Job], listen: Listen) -> None:
        """See `Engine`."""
        self.ranks.wait()
        if self.ranks.first:
            self.engine.run(jobs, listen)
        self.ranks.wait()


class Processes:
    """Jobs in worker processes, one thread each: results do not depend on how many there are.

    Without a number of workers there is one for each GPU, or else for each core.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers

    def run(self, jobs: Sequence[Job], listen: Listen) -> None:
        """See `Engine`."""
        context = multiprocessing.get_context("spawn")
        queue: Queue[tuple[str, Record] | None] = context.Queue()
        count = min(self.workers or default_workers(), len(jobs))
        places: SimpleQueue[int] = context.SimpleQueue()
        for place in range(count):
            places.put(place)
        listener = threading.Thread(target=_forward, args=(queue, listen))
        listener.start()
        pool = ProcessPoolExecutor(count, context, _start_worker, (queue, places))
        try:
            futures = [pool.submit(_work, job) for job in jobs]
            finished, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in finished:
                future.result()
        except BrokenProcessPool as error:
            raise EngineError(
                "a worker process died (killed, or out of memory?); what is finished is kept: run the command again, "
                "with fewer --workers if memory was short"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)
            queue.put(None)
            listener.join()


def choose_engine(workers: int | None) -> Engine:
    """Processes for the given number of workers, see `Processes`; one works here."""
    alone = (workers or usable_cores()) == 1
    return InProcess() if alone else Processes(workers)


def default_workers() -> int:
    """One for each GPU, or else for each core."""
    import torch  # which a finished experiment never needs

    # Jobs that share a GPU share its memory, and are hardly faster for it.
    return torch.cuda.device_count() or usable_cores()


_queue: "Queue[tuple[str, Record] | None]"  # of a worker process


def _start_worker(queue: "Queue[tuple[str, Record] | None]", places: "SimpleQueue[int]") -> None:
    from structkd.tagger.devices import share_gpus

    global _queue
    _queue = queue
    share_gpus(places.get())


def _work(job: Job) -> None:
    _run(job, lambda record: _queue.put((job.title, record)))


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
    """Pass on all records but the updates that come in quick succession."""
    last = 0.0

    def log(record: Record) -> None:
        nonlocal last
        now = time.monotonic()
        if isinstance(record, Updated | Annotated) and now - last < interval:
            return
        last = now
        send(record)

    return log


def _forward(queue: "Queue[tuple[str, Record] | None]", listen: Listen) -> None:
    while (item := queue.get()) is not None:
        listen(*item)
