"""Printing of commands: a terminal never gets a control character of a corpus, a file name or a model."""

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from structkd.runtime.terminal import printable

if TYPE_CHECKING:
    from structkd.pipeline.plan.pieces import Plan
    from structkd.pipeline.report.page.tables import TableView

UNBOUNDED = 100_000  # columns of what is no terminal: a table there is as wide as it needs


def write(text: str, file: TextIO | None = None) -> None:
    """Print a line on `file` (default: standard output) at once; it is changed only for a terminal."""
    file = file or sys.stdout
    print(printable(text) if file.isatty() else text, file=file, flush=True)


def make_console(**settings: Any) -> Console:
    """Return a console for plain text: brackets are no markup, and numbers have no colours.

    Output to a file or a pipe is not cut to a width, unless the variable COLUMNS names one.
    """
    console = _PlainConsole(markup=False, highlight=False, **settings)
    if not console.is_terminal and "width" not in settings and "COLUMNS" not in os.environ:
        console.width = UNBOUNDED
    return console


def print_table(console: Console, view: "TableView") -> None:
    """Print a table under its title."""
    from structkd.pipeline.report.formats import as_tables

    console.print(view.title, soft_wrap=True)
    console.print(*as_tables(view.heads, view.rows, left=view.left, width=console.width), sep="")
    if view.note:
        console.print(view.note, style="yellow", soft_wrap=True)


def print_namesakes(console: Console, name: str, plan: "Plan") -> None:
    """Say which other files the pieces of an experiment's folder come from."""
    from structkd.pipeline.experiment.namesakes import namesakes_note

    if note := namesakes_note(name, plan.folder):
        console.print(note, style="yellow", soft_wrap=True)


class _PlainConsole(Console):
    """A console that removes control characters before measuring and before printing."""

    def render_str(self, text: str, **settings: Any) -> Text:
        """Return the text with which Rich measures and prints strings."""
        return super().render_str(printable(text), **settings)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments that are finally written."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable(text), style, control)
