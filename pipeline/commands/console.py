"""Where the commands print."""

import os
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from structkd.pipeline.report.page.tables import TableView

UNBOUNDED = 100_000  # columns of what is no terminal: a table there is as wide as it needs


def make_console(**settings: Any) -> Console:
    """A console that prints text as it is: what stands in brackets is no markup, and numbers have no colours.

    Output that goes to a file or a pipe is not cut to a width, unless the variable COLUMNS names one.
    """
    console = Console(markup=False, highlight=False, **settings)
    if not console.is_terminal and "width" not in settings and "COLUMNS" not in os.environ:
        console.width = UNBOUNDED
    return console


def print_table(console: Console, view: "TableView") -> None:
    """A table under its title."""
    from structkd.pipeline.report.formats import as_table

    console.print(view.title, soft_wrap=True)
    console.print(as_table(view.heads, view.rows, left=view.left))
