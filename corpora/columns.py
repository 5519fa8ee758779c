"""Reads CoNLL columns: one word a line, a blank line after each sentence."""

from collections.abc import Sequence
from pathlib import Path

from structkd.corpora.lines import blocks, read_lines
from structkd.corpora.schemes import Scheme, SchemeError, spans
from structkd.corpora.sentences import CorpusError, Sentence

_DOCSTART = "-DOCSTART-"


def read_columns(
    path: Path, *, token_column: int = 0, label_column: int | None = -1, scheme: Scheme | None = None
) -> tuple[Sentence, ...]:
    """The sentences of a file in the layout of CoNLL-2002 and CoNLL-2003, without labels if `label_column` is None.

    Columns are counted from 0, or from the end if negative; every line of the file has the same number of them. A
    line that holds a tab is split at its tabs only, so a word may hold spaces; any other line is split at spaces. A
    `-DOCSTART-` line (any number of columns) is dropped, alone or before a sentence's first word. Several blank lines
    are one. Labels are checked against `scheme` where one is given.

    Raises CorpusError, its message starting with `file:line:`.
    """
    found: list[Sentence] = []
    width: int | None = None
    for first, block in blocks(read_lines(path)):
        skipped = 1 if _fields(block[0])[0] == _DOCSTART else 0
        rows = [_fields(line) for line in block[skipped:]]
        if not rows:
            continue
        if width is None:
            width = len(rows[0])
            _check_columns(f"{path}:{first + skipped}", width, token_column, label_column)
        _check_rows(path, first + skipped, rows, width)
        tokens = tuple(_column(path, first + skipped, rows, token_column, "word"))
        labels = None
        if label_column is not None:
            labels = tuple(_column(path, first + skipped, rows, label_column, "label"))
            _check_labels(path, first + skipped, labels, scheme)
        found.append(Sentence(tokens, labels))
    if not found:
        raise CorpusError(f"{path}:1: the file holds no sentence")
    return tuple(found)


def _fields(line: str) -> list[str]:
    if "\t" in line:
        return line.split("\t")
    # Not str.split(): that would also split at a no-break space, which belongs to its word.
    return [field for field in line.split(" ") if field]


def _check_columns(where: str, width: int, token_column: int, label_column: int | None) -> None:
    wanted = {"token_column": token_column}
    if label_column is not None:
        wanted["label_column"] = label_column
    for name, column in wanted.items():
        if not -width <= column < width:
            raise CorpusError(f"{where}: the file has {width} columns, so {name}={column} names none of them")
    if label_column is not None and token_column % width == label_column % width:
        raise CorpusError(
            f"{where}: the file has {width} columns, so token_column={token_column} and label_column={label_column} "
            "are the same one; words and labels are in two"
        )


def _check_rows(path: Path, first: int, rows: Sequence[Sequence[str]], width: int) -> None:
    for place, row in enumerate(rows):
        if row[0] == _DOCSTART:
            raise CorpusError(f"{path}:{first + place}: {_DOCSTART} inside a sentence; put a blank line before it")
        if len(row) != width:
            raise CorpusError(f"{path}:{first + place}: {len(row)} columns where the lines before have {width}")


def _column(path: Path, first: int, rows: Sequence[Sequence[str]], column: int, what: str) -> list[str]:
    values = [row[column] for row in rows]
    if "" in values:
        line = first + values.index("")
        raise CorpusError(f"{path}:{line}: the {what} is empty (column {column % len(rows[0])}, counted from 0)")
    return values


def _check_labels(path: Path, first: int, labels: Sequence[str], scheme: Scheme | None) -> None:
    if scheme is None:
        return
    try:
        spans(labels, scheme)
    except SchemeError as error:
        place = min(error.place, len(labels) - 1)  # a span left open at the end is the last line's fault
        raise SchemeError(f"{path}:{first + place}: {error}", place) from None
