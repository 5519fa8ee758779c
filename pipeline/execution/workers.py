"""The worker processes of a command: each does one job at a time, and ends with the command, however it ends."""

import pickle
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from structkd.ground.interrupts import SIGNALS, at_end, end_after, end_on_signals, held

JobT = TypeVar("JobT")
Send = Callable[[Any], None]
TERM = 1.8  # seconds that a worker has to end by itself


@dataclass(frozen=True)
class Told:
    """A record of a running job."""

    what: Any


@dataclass(frozen=True)
class Ended:
    """The end of a job, with its error if there was one."""

    error: Exception | None


class WorkerDiedError(Exception):
    """A worker is gone. `signal` is the signal that asked it to end, or None for another kind of death."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"a worker process died with exit code {code}")
        asked = [number for number in SIGNALS if code in (-number, 128 + number)]
        self.signal = asked[0] if asked else None


class Worker(Generic[JobT]):
    """A process that calls `run(job, send)` for each given job; `send` sends picklable things to this process."""

    job: JobT

    def __init__(self, run: Callable[[JobT, Send], None]) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, run), daemon=True)
        with held(), _deaf_to_ctrl_c():
            self._process.start()
        theirs.close()

    def give(self, job: JobT) -> None:
        """Start a job. Call it when the last job has ended."""
        self.job = job
        try:
            self._pipe.send(job)
        except ConnectionError:
            raise self._death() from None

    @property
    def signs(self) -> "tuple[Connection | int, ...]":
        """Objects for `multiprocessing.connection.wait`: one is ready if there is a message, or if the worker died."""
        return self._pipe, self._process.sentinel

    def hear(self) -> Told | Ended:
        """Wait for the next message and return it. Raises WorkerDiedError."""
        wait(self.signs)
        try:
            if self._pipe.poll():
                message: Told | Ended = self._pipe.recv()
                return message
        except (EOFError, ConnectionError):
            pass
        raise self._death()

    def _death(self) -> WorkerDiedError:
        self._process.join(TERM)
        return WorkerDiedError(self._process.exitcode)

    def dismiss(self) -> None:
        """Ask the worker to end now, also in the middle of a job."""
        self._process.terminate()

    def end(self, deadline: float) -> None:
        """Wait for the worker's end until a time of `time.monotonic`, then kill it."""
        self._process.join(max(0.0, deadline - time.monotonic()))
        self._process.kill()
        self._process.join()


class Crew(Generic[JobT]):
    """Workers that are hired one by one. After the `with` block all are gone, also in the middle of a job."""

    def __init__(self) -> None:
        self.workers: list[Worker[JobT]] = []

    def __enter__(self) -> "Crew[JobT]":
        self._end = ExitStack()
        self._end.enter_context(at_end(self._dismiss))
        self._end.callback(self._dismiss)
        return self

    def __exit__(self, *error: object) -> None:
        self._end.close()

    def hire(self, run: Callable[[JobT, Send], None]) -> Worker[JobT]:
        """Start a worker with its way to run jobs."""
        self.workers.append(Worker(run))
        return self.workers[-1]

    def _dismiss(self) -> None:
        for worker in self.workers:
            worker.dismiss()
        deadline = time.monotonic() + TERM
        for worker in self.workers:
            worker.end(deadline)


def heard(workers: Sequence[Worker[JobT]], seconds: float | None) -> Iterator[tuple[Worker[JobT], Told | Ended]]:
    """Wait for messages and return one of each worker that has one; none after this many seconds.

    Raises WorkerDiedError.
    """
    ready = wait([sign for worker in workers for sign in worker.signs], seconds)
    for worker in [worker for worker in workers if any(sign in ready for sign in worker.signs)]:
        yield worker, worker.hear()


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Start processes in the block without SIGINT from a terminal: their parent ends them."""
    resource_tracker.ensure_running()  # starting it sets the mask too
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, run: Callable[[JobT, Send], None]) -> None:
    end_on_signals()
    parent = parent_process()
    assert parent is not None
    end_after(parent.join)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the parent is gone, and so is this process soon
        while True:
            job = pipe.recv()
            pipe.send(Ended(_outcome(job, run, lambda what: pipe.send(Told(what)))))


def _outcome(job: JobT, run: Callable[[JobT, Send], None], send: Send) -> Exception | None:
    """Run a job; return its error in a form that can be sent."""
    try:
        run(job, send)
    except Exception as error:
        error.add_note(f"In a worker process:\n{traceback.format_exc()}")
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            return RuntimeError(f"{type(error).__name__}: {error}\n{error.__notes__[-1]}")
        return error
    return None
