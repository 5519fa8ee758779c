"""Where the commands print: a terminal never sees a control character of a corpus, a file name or a model."""

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from structkd.runtime.terminal import printable

if TYPE_CHECKING:
    from structkd.pipeline.report.page.tables import TableView

UNBOUNDED = 100_000  # columns of what is no terminal: a table there is as wide as it needs


def write(text: str, file: TextIO | None = None) -> None:
    """Print a line on `file` (default: standard output) at once, as it is unless a terminal shows it."""
    file = file or sys.stdout
    print(printable(text) if file.isatty() else text, file=file, flush=True)


def make_console(**settings: Any) -> Console:
    """A console that prints text as it is: what stands in brackets is no markup, and numbers have no colours.

    Output that goes to a file or a pipe is not cut to a width, unless the variable COLUMNS names one.
    """
    console = _PlainConsole(markup=False, highlight=False, **settings)
    if not console.is_terminal and "width" not in settings and "COLUMNS" not in os.environ:
        console.width = UNBOUNDED
    return console


def print_table(console: Console, view: "TableView") -> None:
    """A table under its title."""
    from structkd.pipeline.report.formats import as_table

    console.print(view.title, soft_wrap=True)
    console.print(as_table(view.heads, view.rows, left=view.left))


class _PlainConsole(Console):
    """What is to be printed has no control characters when it is measured, nor when it is printed."""

    def render_str(self, text: str, **settings: Any) -> Text:
        """Text of which Rich measures and prints strings."""
        return super().render_str(printable(text), **settings)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is written in the end, whatever it was made from."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable(text), style, control)
