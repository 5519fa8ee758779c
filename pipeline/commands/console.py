"""Where the commands print."""

from typing import Any

from rich.console import Console


def make_console(**settings: Any) -> Console:
    """A console that prints text as it is: what stands in brackets is no markup, and numbers have no colours."""
    return Console(markup=False, highlight=False, **settings)
