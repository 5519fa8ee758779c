"""The order of jobs, and what is told of them: engines take jobs from here, and bring back what came of them."""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from structkd.ground.records import Annotated, Finished, Log, Record, Started, Taken
from structkd.pipeline.execution.claims import TakenError

Listen = Callable[[str, Record], None]
PAUSE = 2.0  # seconds until a job that another process was doing is tried again


@dataclass(frozen=True)
class Job:
    """A piece of work. `run` is picklable, reports to the given log, and writes its results to files.

    Several jobs may work for the piece `title`, and several may have one `name` (by default the title). A job starts
    when all jobs with the names that it `needs` are done. When it is done itself, `then` is called in the engine's
    process, and returns further jobs.
    """

    title: str
    run: Callable[[Log], None]
    name: str = ""
    needs: tuple[str, ...] = ()
    then: Callable[[], "Sequence[Job]"] | None = None


class Schedule:
    """The open jobs: those that are ready, in order; those that another process is doing come last, after a pause."""

    def __init__(self, jobs: Sequence[Job], listen: Listen) -> None:
        self._waiting: deque[tuple[Job, float]] = deque()
        self._open: Counter[str] = Counter()  # jobs by name, running ones too
        self._told: dict[str, str] = {}
        self._progress = _Progress(listen)
        self._listen = listen
        self._add(jobs)

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def pause(self) -> float | None:
        """The seconds until the next job may be taken; None if every job needs one that is running."""
        ready = [moment for job, moment in self._waiting if self._is_ready(job)]
        return max(0.0, min(ready) - time.monotonic()) if ready else None

    def take(self) -> Job | None:
        """Take the next job that is ready now."""
        now = time.monotonic()
        for place, (job, moment) in enumerate(self._waiting):
            if moment <= now and self._is_ready(job):
                del self._waiting[place]
                return job
        return None

    def hear(self, job: Job, record: Record) -> None:
        """Tell a record of a running job; the jobs of one title are told as one."""
        self._progress.hear(job, record)

    def done(self, job: Job) -> None:
        """Note that a job is done."""
        self._add(job.then() if job.then else ())
        self._open[_name(job)] -= 1

    def postpone(self, job: Job, taken: TakenError) -> None:
        """Postpone a job that another process is doing, which is told once."""
        self._waiting.append((job, time.monotonic() + PAUSE))
        if self._told.get(job.title) != taken.by:
            self._told[job.title] = taken.by
            self._listen(job.title, Taken(taken.by))

    def _add(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._waiting.append((job, 0.0))
            self._open[_name(job)] += 1
            self._progress.open[job.title] += 1

    def _is_ready(self, job: Job) -> bool:
        return not any(self._open[name] for name in job.needs)


def set_name(title: str, split: str) -> str:
    """Return the name of the job that finishes a piece's set of a text."""
    return f"{title}, set of {split}"


def _name(job: Job) -> str:
    return job.name or job.title


class _Progress:
    """The records of several jobs as those of one: one start, one end, and the sum of the annotated sentences."""

    def __init__(self, listen: Listen) -> None:
        self._listen = listen
        self.open: Counter[str] = Counter()
        self._started: set[str] = set()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._annotated: Counter[tuple[Job, str]] = Counter()  # sentences by job and set
        self._sums: Counter[str] = Counter()  # by title
        self._sets: defaultdict[str, dict[str, int]] = defaultdict(dict)  # sizes by title and set

    def hear(self, job: Job, record: Record) -> None:
        title = job.title
        match record:
            case Started():
                if title in self._started:
                    return
                self._started.add(title)
            case Finished(seconds):
                self.open[title] -= 1
                self._seconds[title] += seconds
                if self.open[title]:
                    return
                record = Finished(self._seconds[title])
            case Annotated():
                record = self._sum(job, record)
        self._listen(title, record)

    def _sum(self, job: Job, record: Annotated) -> Annotated:
        part = job, record.set
        self._sums[job.title] += record.sentences - self._annotated[part]
        self._annotated[part] = record.sentences
        self._sets[job.title][record.set] = record.of
        return Annotated(self._sums[job.title], sum(self._sets[job.title].values()), record.set)
