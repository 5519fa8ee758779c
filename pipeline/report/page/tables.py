"""Tables as texts."""

from collections.abc import Sequence
from dataclasses import dataclass

from structkd.pipeline.report.page.errors import PageError


@dataclass(frozen=True)
class TableView:
    """A table of finished texts; marks of significance follow a number, as in `83.10*`.

    Raises PageError if a row is not as long as the head.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1
    """The number of columns of text; the columns after them are numbers."""
    note: str = ""
    best: frozenset[tuple[int, int]] = frozenset()
    """Places (row, column) to emphasise."""

    def __post_init__(self) -> None:
        for place, row in enumerate(self.rows):
            if len(row) != len(self.heads):
                raise PageError(f"table {self.title!r}, row {place}: {len(row)} cells under {len(self.heads)} heads")
