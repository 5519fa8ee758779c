"""Progress of jobs: bars on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from structkd.corpora.sentences import Changes
from structkd.ground.records import (
    Annotated,
    CorpusChanged,
    CorpusSuspected,
    DevScored,
    FeaturesRead,
    FeaturesWritten,
    Finished,
    LabelsUnknown,
    LeftAside,
    LengthLimited,
    Prepared,
    Record,
    Restarted,
    Resumed,
    SetWritten,
    Started,
    Taken,
    Updated,
    VectorsFound,
)
from structkd.pipeline.execution.schedule import Listen

EVERY = 30.0
"""Seconds in which a log hears at least once of a job."""


class Bars:
    """A display with a bar for each job."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def watch(self, heading: str, titles: list[str]) -> Iterator[Listen]:
        """See `pipeline.execution.stages.Display`."""
        self.console.print(heading, style="bold")
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
        )
        with Progress(*columns, console=self.console) as progress:
            tasks = {title: progress.add_task(title, total=None, start=False, note="waiting") for title in titles}

            def listen(title: str, record: Record) -> None:
                task = tasks[title]
                match record:
                    case Started():
                        progress.start_task(task)
                    case Updated(done, total) | Annotated(done, total):
                        progress.update(task, completed=done, total=total)
                    case Prepared(done):
                        progress.update(task, completed=done)
                    case (
                        LengthLimited()
                        | CorpusChanged()
                        | CorpusSuspected()
                        | LeftAside()
                        | Resumed()
                        | LabelsUnknown()
                        | VectorsFound()
                    ):
                        progress.console.print(f"{title}: {describe(record)}")  # or the next note would replace it
                    case Finished():
                        progress.stop_task(task)
                progress.update(task, note=describe(record) or _speed(progress.tasks[task], record))

            yield listen


def _speed(task: Task, record: Record) -> str:
    """Return how many sentences a second are annotated or prepared, or the last note of a job."""
    counts = isinstance(record, Annotated | Prepared) and task.speed
    return f"{task.speed:,.0f} sentences/s" if counts else str(task.fields["note"])


class Lines:
    """A display with a line for each important record, and at least one in `EVERY` seconds of a job."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def watch(self, heading: str, titles: list[str]) -> Iterator[Listen]:
        """See `pipeline.execution.stages.Display`."""
        self.console.print(heading)
        done: list[str] = []
        paces: dict[str, _Pace] = {}

        def listen(title: str, record: Record) -> None:
            pace = paces.setdefault(title, _Pace())
            if isinstance(record, Finished):
                done.append(title)
                place = f" ({len(done)} of {len(titles)})"
            else:
                place = ""
            if line := describe(record) or pace.line(record):
                self.console.print(f"  {title}: {line}{place}", soft_wrap=True)
                pace.said = time.monotonic()

        yield listen


class _Pace:
    """How fast a job goes on, for a log in which nothing else was said for a while."""

    def __init__(self) -> None:
        self.said = time.monotonic()
        self._first: Updated | Annotated | Prepared | None = None
        self._began = 0.0

    def line(self, record: Record) -> str:
        """Return a line about an update or about sentences if it is time for one."""
        if not isinstance(record, Updated | Annotated | Prepared):
            return ""
        now = time.monotonic()
        if self._first is None or type(self._first) is not type(record):
            self._first, self._began = record, now
        made = _done(record) - _done(self._first)
        if not made or now - self.said < EVERY:
            return ""
        rate = made / (now - self._began)
        if isinstance(record, Prepared):
            return f"{record.sentences:,} sentences, {rate:,.1f} a second"
        left = (record.of - _done(record)) / rate
        what, pace = ("update", "") if isinstance(record, Updated) else ("sentence", f" {rate:,.1f} a second,")
        return f"{what} {_done(record):,} of {record.of:,},{pace} some {left / 60:.0f} min left"


def _done(record: Updated | Annotated | Prepared) -> int:
    return record.update if isinstance(record, Updated) else record.sentences


def choose_display(console: Console) -> Bars | Lines:
    """Return bars for a terminal, else lines."""
    return Bars(console) if console.is_terminal else Lines(console)


@contextmanager
def byte_bar(console: Console, title: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """Yield a function that advances a bar by bytes, with a note. Only a terminal shows the bar, until the end."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TextColumn("{task.fields[note]}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=total, note="")
        yield lambda size, note: progress.update(task, advance=size, note=note)


def describe(record: Record) -> str:
    """Describe a record in words; empty for unimportant records."""
    match record:
        case Started() | Updated() | Annotated() | Prepared() | SetWritten() | FeaturesWritten():
            return ""
        case DevScored():
            scores = f"loss {record.loss:.2f}, dev {record.dev:.2f}, best {record.best:.2f}"
            return f"update {record.update}, {scores}, {record.words_per_second:,.0f} words/s"
        case Resumed(update, codes, ranks):
            before = f", up to which other code trained ({', '.join(code[:8] for code in codes)})" if codes else ""
            anew = f"; before, there were {ranks} processes: dropout draws other numbers" if ranks else ""
            return f"goes on after update {update}{before}{anew}"
        case Restarted(reason):
            return f"starts again: {reason}"
        case Taken(by):
            return f"waits for {by}, which is at it"
        case Finished(seconds):
            return f"finished in {seconds:.0f} s"
        case _:
            return _describe_corpora(record)


def _describe_corpora(
    record: VectorsFound | FeaturesRead | LeftAside | LabelsUnknown | LengthLimited | CorpusChanged | CorpusSuspected,
) -> str:
    """Describe records about corpora and the files beside them."""
    match record:
        case VectorsFound(path, words, known):
            return f"{path} has {known} of {words} words"
        case FeaturesRead(corpora, size, seconds):
            return f"reads features of {corpora} corpora, {size / 1e6:.1f} MB, instead of {seconds:.0f} s of an encoder"
        case CorpusChanged(language, split, comments, repaired):
            return f"{language} {split}: {Changes(comments, repaired)}"
        case CorpusSuspected(language, split, reason):
            return f"{language} {split}: {reason}"
        case LeftAside(reason):
            return f"left aside: {reason}"
        case LabelsUnknown(split, sentences):
            return f"{split}: {sentences} sentences have a label that no training corpus has: without gold"
        case LengthLimited():
            return (
                f"{record.language} {record.split}: {record.long_sentences} sentences longer than {record.max_tokens} "
                f"words ({record.policy}: {record.pieces} pieces, {record.dropped_tokens} words dropped, "
                f"{record.cut_spans} spans cut)"
            )
