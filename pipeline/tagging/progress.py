"""Progress of `structkd tag` through files, for a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
from rich.text import Text

LONG = 1 << 20
"""Bytes of files from which on a bar is shown."""


class _Speed(ProgressColumn):
    """Words a second."""

    def render(self, task: Task) -> Text:
        """See `ProgressColumn`."""
        return Text(f"{task.fields['words'] / max(task.elapsed or 0, 1e-3):,.0f} words/s")


@contextmanager
def word_bar(console: Console, size: int) -> Iterator[Callable[[float, int], None]]:
    """Yield a function that takes the bytes that are read, and the number of words that are tagged since.

    Only a terminal shows the bar, for files of `LONG` bytes or more in all, until the end.
    """
    columns = (BarColumn(), DownloadColumn(), _Speed(), TimeRemainingColumn())
    shown = console.is_terminal and size >= LONG
    with Progress(
        *columns,
        console=console,
        transient=True,
        redirect_stdout=False,  # it would go to standard error
        redirect_stderr=False,
        disable=not shown,
    ) as progress:
        task = progress.add_task("", total=size, words=0)

        def tell(read: float, words: int) -> None:
            progress.update(task, completed=read, words=progress.tasks[task].fields["words"] + words)

        yield tell
