"""What is printed can be read, and does nothing else to a terminal."""

from io import StringIO

import numpy as np
import pytest
from rich.cells import cell_len
from rich.text import Text

from structkd.artifacts.inspection import PathView, SentenceView
from structkd.pipeline.commands.console import make_console, print_table
from structkd.pipeline.report.page.tables import TableView
from structkd.pipeline.report.views import sentence_panel
from structkd.runtime.terminal import printable

ESCAPES = "\x1b[31mred \x1b]0;title\x07 \u009b1m \u202eabc \x7f\r"


def shown(*renderables, width=80):
    console = make_console(file=StringIO(), width=width)
    for renderable in renderables:
        console.print(renderable)
    return console.file.getvalue()


def test_no_control_character_is_printed():
    for one in (ESCAPES, Text(ESCAPES)):
        assert not {*shown(one)} & {"\x1b", "\x07", "\u009b", "\u202e", "\x7f", "\r"}
    assert printable("a\tb\nc") == "a\tb\nc"


def view(tokens, labels):
    """A sentence of which each path has another label at its last word."""
    T, L = len(tokens), len(labels)
    paths = [PathView((*[labels[0]] * (T - 1), label), 1e-9, 1 / L) for label in labels[:5]]
    posteriors = np.full((T, L), 1 / L, np.float32)
    return SentenceView(
        3, "x", "t", None, tuple(tokens), tuple([labels[0]] * T), tuple(paths), posteriors, tuple(labels)
    )


MANY = ["O", *(f"{prefix}-TYPE{number}" for number in range(18) for prefix in "BIES")]


@pytest.mark.parametrize(
    ("tokens", "labels"),
    [
        (["See", "https://example.org/" + "path/" * 30, "x"], ["O", "B-X"]),
        (["a", "b"], MANY),
        (["a", "b"], ["O", "B-" + "VeryLongName" * 5, "I-" + "VeryLongName" * 5]),
        (["東京都" * 20, "நிலா" * 20], ["O", "B-X"]),
        ([ESCAPES * 3, "b"], ["O", "B-" + ESCAPES, "x"]),
    ],
)
def test_a_sentence_is_whole_at_80_columns(tokens, labels):
    lines = shown(sentence_panel(view(tokens, labels), 5)).splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert "…" not in "".join(lines)
    rows = [line.split("│") for line in lines if line.startswith("│")]
    words = "".join(row[2].strip() for row in rows[: next(i for i, row in enumerate(rows) if len(row) < 7)])
    for token in tokens:
        assert "".join(printable(token).split()) in "".join(words.split())


def test_lesser_paths_show_what_differs():
    text = shown(sentence_panel(view(["a", "b"], ["O", "B-X"]), 5))
    assert "2 b: B-X" in text
    assert "1 a: " not in text
    assert "1.0e-09" in text


def cells_of(lines):
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]


@pytest.mark.parametrize("name", ["posterior+top-wk", "posterior+top-wk, lambda = 0.5", "x" * 100])
def test_no_score_of_many_languages_is_lost_at_80_columns(name):
    languages = [f"l{place}" for place in range(17)]
    row = (name, *(f"{10 + place}.25*" for place in range(17)), "79.33 ± 0.20*†", "44% [9, 82]")
    console = make_console(file=StringIO(), width=80)
    print_table(console, TableView("scores", ("system", *languages, "mean", "gap closed"), (row,)))
    lines = console.file.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert "…" not in "".join(lines)
    found = cells_of(lines)
    assert [cell for line in found for cell in line[1:] if cell] == [*row[1:]]
    assert "".join(line[0] for line in found).replace(" ", "").startswith(name.replace(" ", ""))


def test_a_table_of_texts_is_whole_at_80_columns():
    console = make_console(file=StringIO(), width=80)
    folder = "runs/mine/students/posterior+top-wk-seed1-48c830eb"
    row = ("student", "posterior+top-wk seed 1", "finished", folder)
    print_table(console, TableView("pieces", ("piece", "of", "state", "folder"), (row,), left=4))
    lines = console.file.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert "".join(line[3] for line in cells_of(lines)) == folder
