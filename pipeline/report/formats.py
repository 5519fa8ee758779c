"""Formats of text tables: for a terminal, Markdown, and LaTeX.

The first `left` columns are text, the others numbers.
"""

import re
from collections.abc import Sequence

from rich.table import Table

Texts = Sequence[str]

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
    """Format a table for a terminal."""
    table = Table(title=title, title_justify="left")
    for place, head in enumerate(heads):
        table.add_column(head, justify="left" if place < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


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
