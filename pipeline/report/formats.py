"""Formats of text tables: for a terminal, Markdown, and LaTeX.

The first `left` columns are text, the others numbers.
"""

import re
from collections.abc import Sequence

from rich.cells import cell_len
from rich.table import Table

Texts = Sequence[str]

_FRAME = 3  # the blanks and the line beside a cell
_LATEX = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "±": r"$\pm$",
        "†": r"\dag{}",
    }
)


def as_table(heads: Texts, rows: Sequence[Texts], *, left: int = 1, title: str | None = None) -> Table:
    """Format a table for a terminal. Long texts continue in the next line; numbers are never broken."""
    table = Table(title=title, title_justify="left")
    for place, head in enumerate(heads):
        text = place < left
        table.add_column(head, justify="left" if text else "right", no_wrap=not text, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def as_tables(heads: Texts, rows: Sequence[Texts], *, left: int = 1, width: int) -> list[Table]:
    """Format a table for a terminal of a width: the columns of numbers that do not fit follow in further tables."""
    widths = [_FRAME + max(map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    beside = min(sum(widths[:left]), width // 2)
    blocks: list[list[int]] = [[]]
    for place in range(left, len(heads)):
        if blocks[-1] and 1 + beside + sum(widths[one] for one in (*blocks[-1], place)) > width:
            blocks.append([])
        blocks[-1].append(place)
    shown = [[*range(left), *block] for block in blocks]
    return [as_table([heads[p] for p in one], [[row[p] for p in one] for row in rows], left=left) for one in shown]


def as_markdown(heads: Texts, rows: Sequence[Texts], *, left: int = 1) -> str:
    """Format a Markdown table."""
    rule = ["---" if place < left else "---:" for place in range(len(heads))]
    head, *body = ([cell.replace("|", r"\|") for cell in cells] for cells in (heads, *rows))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *body))


def as_latex(heads: Texts, rows: Sequence[Texts], *, left: int = 1) -> str:
    r"""Format a LaTeX tabular with the rules of the package booktabs; LaTeX's special characters are escaped."""
    columns = "l" * min(left, len(heads)) + "r" * max(0, len(heads) - left)
    head, *body = (f"{' & '.join(map(latex_text, cells))} \\\\" for cells in (heads, *rows))
    lines = [
        f"\\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines)


def latex_text(text: str) -> str:
    """Escape LaTeX's special characters in a text."""
    escaped = re.sub(r"^-(?=\d)", "$-$", text.translate(_LATEX))  # a minus is longer than a hyphen
    return re.sub(r"^(?=[*\[])", "{}", escaped)  # which a line's end would take for its own
