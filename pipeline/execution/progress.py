"""Progress of jobs: bars on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from structkd.pipeline.execution.engines import Listen, Record

_TOLD = ("limited", "left aside", "resumed", "unknown labels", "vectors")  # what must not be gone with the next note


class Bars:
    """A bar for each job."""

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
            TextColumn("{task.fields[note]}", markup=False),
        )
        with Progress(*columns, console=self.console) as progress:
            tasks = {title: progress.add_task(title, total=None, start=False, note="waiting") for title in titles}

            def listen(title: str, record: Record) -> None:
                task = tasks[title]
                if record["event"] == "started":
                    progress.start_task(task)
                elif record["event"] == "update":
                    progress.update(task, completed=record["update"], total=record["of"])
                elif record["event"] == "annotated":
                    progress.update(task, completed=record["sentences"], total=record["of"])
                elif record["event"] in _TOLD:
                    progress.console.print(f"{title}: {describe(record)}")
                progress.update(task, note=describe(record) or progress.tasks[task].fields["note"])
                if record["event"] == "finished":
                    progress.stop_task(task)

            yield listen


class Lines:
    """A line for each thing worth telling."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def watch(self, heading: str, titles: list[str]) -> Iterator[Listen]:
        """See `pipeline.execution.stages.Display`."""
        self.console.print(heading)
        done: list[str] = []

        def listen(title: str, record: Record) -> None:
            if record["event"] == "finished":
                done.append(title)
                place = f" ({len(done)} of {len(titles)})"
            else:
                place = ""
            if line := describe(record):
                self.console.print(f"  {title}: {line}{place}", soft_wrap=True)

        yield listen


def choose_display(console: Console) -> Bars | Lines:
    """Bars where someone is watching."""
    return Bars(console) if console.is_terminal else Lines(console)


@contextmanager
def byte_bar(console: Console, title: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """A bar that a call with further bytes and a note moves on; it is gone at the end, and only a terminal has one."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TextColumn("{task.fields[note]}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=total, note="")
        yield lambda size, note: progress.update(task, advance=size, note=note)


def describe(record: Record) -> str:
    """A record in words; empty for what is not worth a line."""
    if record["event"] == "dev":
        return (
            f"update {record['update']}, loss {record['loss']:.2f}, dev {record['dev']:.2f}, "
            f"best {record['best']:.2f}, {record['words_per_second']:,.0f} words/s"
        )
    if record["event"] == "limited":
        return (
            f"{record['language']} {record['split']}: {record['long_sentences']} sentences longer than "
            f"{record['max_tokens']} words ({record['policy']}: {record['pieces']} pieces, "
            f"{record['dropped_tokens']} words dropped, {record['cut_spans']} spans cut)"
        )
    if record["event"] == "features read":
        cost = f"{record['bytes'] / 1e6:.1f} MB, instead of {record['seconds']:.0f} s of an encoder"
        return f"reads features of {record['corpora']} corpora, {cost}"
    if record["event"] == "left aside":
        return f"left aside: {record['reason']}"
    if record["event"] == "vectors":
        return f"{record['path']} has {record['known']} of {record['words']} words"
    if record["event"] == "unknown labels":
        return (
            f"{record['split']}: {record['sentences']} sentences have a label that no training corpus has: without gold"
        )
    if record["event"] == "resumed":
        codes = ", ".join(code[:8] for code in record["earlier_code"])
        before = f", up to which other code trained ({codes})" if codes else ""
        return f"goes on after update {record['update']}{before}"
    if record["event"] == "restarted":
        return f"starts again: {record['reason']}"
    if record["event"] == "taken":
        return f"waits for {record['by']}, which is at it"
    if record["event"] == "finished":
        return f"finished in {record['seconds']:.0f} s"
    return ""
