"""Tables of text for a terminal, in Markdown and in LaTeX."""

import re
import shutil
import subprocess
from io import StringIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from structkd.pipeline.report.formats import as_latex, as_markdown, as_table

HEADS = ["system", "NER & POS", "gap closed"]
ROWS = [["teachers", "82.98", "-"], ["top-wk_{x}", "79.33 ± 0.20*† (2)", "-31%"]]


def test_a_terminal_and_markdown_show_the_same_texts():
    console = Console(record=True, width=100, file=StringIO())
    console.print(as_table(HEADS, ROWS))
    lines = as_markdown(HEADS, ROWS).splitlines()
    assert lines[:2] == ["| system | NER & POS | gap closed |", "| --- | ---: | ---: |"]
    shown = console.export_text()
    for row, line in zip(ROWS, lines[2:], strict=True):
        assert line == f"| {' | '.join(row)} |"
        assert all(text in shown for text in row)
    console.width = 36
    console.print(as_table(["type", "precision", "found"], [["a long name of a type", "83.20", "1,234"]]))
    narrow = console.export_text()
    assert "…" not in narrow
    assert {"precision", "83.20", "1,234"} <= set(narrow.replace("│", " ").replace("┃", " ").split())
    assert as_markdown(["a|b"], []).startswith(r"| a\|b |")


def test_latex_has_the_rules_of_booktabs_and_escapes():
    assert (
        as_latex(HEADS, ROWS)
        == r"""
\begin{tabular}{lrr}
\toprule
system & NER \& POS & gap closed \\
\midrule
teachers & 82.98 & - \\
top-wk\_\{x\} & 79.33 $\pm$ 0.20*\dag{} (2) & $-$31\% \\
\bottomrule
\end{tabular}
""".strip()
    )
    assert as_latex(HEADS, ROWS, left=2).startswith(r"\begin{tabular}{llr}")


ESCAPED = r"\\[&%$#_{}]"
NAMED = r"\\(?:textbackslash|textasciitilde|textasciicircum|textless|textgreater|textbar|dag)\{\}"
MATHS = r"\$(?:-|\\pm)\$"
GUARD = r"(?:^|(?<= & ))\{\}(?=[*\[])"
KNOWN = "|".join((ESCAPED, NAMED, MATHS, GUARD))  # from left to right, so that the $ of \$ begins no $-$
texts = st.text(st.sampled_from(r"ab1é .-*\&%$#_{}~^<>|±†"), max_size=12)


@example([["$-±"]])
@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(texts, min_size=width, max_size=width), min_size=1)))
def test_every_latex_line_has_all_columns_and_nothing_special_is_left(rows):
    head, *body = rows
    first, _, *lines, _, _ = as_latex(head, body).splitlines()
    lines = [line for line in lines if line != r"\midrule"]
    assert first == f"\\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}"
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        assert line.endswith(r" \\")
        plain = re.sub(KNOWN, "", line.removesuffix(r" \\"))
        assert plain.count("&") == len(row) - 1
        assert not set(plain) & set(r"\%$#_{}~^<>|±†")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX is installed")
def test_latex_compiles(tmp_path):
    rows = [[sign, "-1%", "é"] for sign in r"\&%$#_{}~^<>|±†*[]-"]
    body = f"\\begin{{document}}\n{as_latex(HEADS, rows)}\n\\end{{document}}\n"
    (tmp_path / "a.tex").write_text("\\documentclass{article}\n\\usepackage{booktabs}\n" + body, "utf-8")
    done = subprocess.run(["pdflatex", "-halt-on-error", "a.tex"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
