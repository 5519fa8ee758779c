"""An engine that runs jobs as tasks of a Ray cluster.

All nodes work in one folder on a shared disk. A job whose worker or node died is tried again by Ray, and goes on from
what is on the disk. So results are those of one process, whatever dies.
"""

import os
import platform
import signal
import socket
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from structkd.ground.extras import needs
from structkd.ground.interrupts import SIGNALS, at_end
from structkd.ground.records import Log, Record
from structkd.pipeline.execution.claims import TakenError
from structkd.pipeline.execution.cores import usable_cores
from structkd.pipeline.execution.engines import EngineError, run_job
from structkd.pipeline.execution.schedule import Job, Listen, Schedule
from structkd.pipeline.plan.pieces import RUNS
from structkd.pipeline.plan.versions import VERSIONS, code_digest

LOCAL = "local"
_ANSWER = 10.0  # seconds to wait for the cluster's first answer
_POLL = 0.2
_TRIES = 3  # after the first one, of a job whose worker or node died
_STORE = 100 << 20  # bytes of a local cluster's object store, through which only records pass
_VARIABLES = ("STRUCTKD_CORPORA", "STRUCTKD_ENCODERS")


class Cluster:
    """An engine on the Ray cluster at `address` (HOST:PORT), or on one that is started here (`local`).

    A job has one processor, and one GPU if the cluster has any. `most` limits the jobs side by side.
    """

    def __init__(self, address: str = LOCAL, most: int | None = None) -> None:
        self.address, self.most = address, most

    def run(self, jobs: Sequence[Job], listen: Listen) -> None:
        """See `Engine`. Raises EngineError also for a cluster that does not answer, and for a node that differs."""
        schedule, numbers = Schedule(jobs, listen), count()
        running: dict[Any, tuple[int, Job]] = {}
        with _connected(self.address, self.most) as ray, _site() as site:
            inbox, work = _inbox(ray), _task(ray)
            while schedule or running:
                while (self.most is None or len(running) < self.most) and (job := schedule.take()):
                    number = next(numbers)
                    running[work.remote(site, inbox, number, job.title, job.run)] = number, job
                if not running:
                    time.sleep(schedule.pause or 0.0)
                    continue
                ended, owners = ray.wait([*running], timeout=_POLL)[0], dict(running.values())
                for number, record in ray.get(inbox.take.remote()):
                    if job := owners.get(number):  # not of a node that was lost, whose job another node has done
                        schedule.hear(job, record)
                for one in ended:
                    _settle(ray, one, running.pop(one)[1], schedule)


class Site(NamedTuple):
    """What a node must have in common with this process."""

    folder: Path
    mark: Path
    """A file that only this process has made: a node that sees it shares the disk."""
    variables: Mapping[str, str]
    versions: Mapping[str, str]

    def check(self, node: str) -> None:
        """Raise EngineError for a node that does not share the folder, or would compute something else."""
        if not self.mark.is_file():
            raise EngineError(
                f"{node}: {self.folder} is not the folder of this command; expected a disk that all nodes share, "
                "under the same path"
            )
        if found := {name: value for name, value in _versions().items() if value != self.versions[name]}:
            wanted = {name: self.versions[name] for name in found}
            raise EngineError(f"{node}: found {_listed(found)}, expected {_listed(wanted)}, as here; install the same")


def _task(ray: Any) -> Any:
    gpus = 1 if ray.cluster_resources().get("GPU") else 0
    return ray.remote(num_cpus=1, num_gpus=gpus, max_retries=_TRIES)(_work)


def _work(site: Site, inbox: Any, number: int, title: str, run: Callable[[Log], None]) -> None:
    """Run a job on a node."""
    import ray

    site.check(f"node {socket.gethostname()} ({ray.util.get_node_ip_address()})")
    os.chdir(site.folder)
    os.environ.update(site.variables)
    run_job(title, run, lambda record: ray.get(inbox.put.remote(number, record)))


def _inbox(ray: Any) -> Any:
    """Start an actor that collects records. It stands on this node, which lives as long as this process."""
    here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
        ray.get_runtime_context().get_node_id(), soft=False
    )
    return ray.remote(num_cpus=0, scheduling_strategy=here)(_Inbox).remote()


class _Inbox:
    def __init__(self) -> None:
        self._records: list[tuple[int, Record]] = []

    def put(self, number: int, record: Record) -> None:
        self._records.append((number, record))

    def take(self) -> list[tuple[int, Record]]:
        taken, self._records = self._records, []
        return taken


def _settle(ray: Any, ended: Any, job: Job, schedule: Schedule) -> None:
    """Note that a job is done; raise its error if there is one."""
    try:
        ray.get(ended)
    except ray.exceptions.RayTaskError as error:
        if not isinstance(error.cause, TakenError):
            raise error.cause from error
        schedule.postpone(job, error.cause)
    except ray.exceptions.RayError as error:
        raise EngineError(
            f"{job.title}: its worker died {1 + _TRIES} times (killed, or out of memory?): {_line(error)}; "
            "what is finished is kept: run the command again, with fewer --workers if memory was short"
        ) from error
    else:
        schedule.done(job)


@contextmanager
def _connected(address: str, most: int | None) -> Iterator[Any]:
    """Yield the library, connected. A cluster that was started here ends with the block, and with this process."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its maker of this cluster
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError:
        raise EngineError(f"the engine ray {needs('ray', 'ray')}") from None
    settings: dict[str, Any] = {"address": address, "log_to_driver": False, "logging_level": "ERROR"}
    if address == LOCAL:
        settings |= {
            "num_cpus": most or usable_cores(),
            "include_dashboard": False,
            "object_store_memory": _STORE,
        }
    else:
        _knock(address)
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    with at_end(ray.shutdown), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's own future
        try:
            ray.init(**settings)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise _unanswered(address, error) from error
        for number, handler in handlers.items():
            signal.signal(number, handler)  # Ray has set its own
        try:
            yield ray
        finally:
            ray.shutdown()


def _knock(address: str) -> None:
    """Raise EngineError if nobody listens at an address, which Ray would find out after minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _ANSWER).close()
    except (OSError, ValueError) as error:
        raise _unanswered(address, error) from error


def _unanswered(address: str, error: Exception) -> EngineError:
    return EngineError(
        f"{address}: no Ray cluster answers there ({_line(error)}); expected HOST:PORT of the head, as "
        "`ray start --head` prints it, or local"
    )


@contextmanager
def _site() -> Iterator[Site]:
    RUNS.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix=".cluster-", dir=RUNS) as mark, at_end(Path(mark.name).unlink):
        variables = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
        yield Site(Path.cwd(), Path(mark.name).absolute(), variables, _versions())


def _versions() -> dict[str, str]:
    import torch

    return {
        "structkd's code": code_digest(*VERSIONS, "pipeline")[:8],
        "torch": torch.__version__,
        "Python": platform.python_version(),
    }


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in versions.items())


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
