"""A reader of CoNLL columns: one word per line, a blank line after each sentence."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from structkd.corpora.checking import Located, Repair, checked
from structkd.corpora.lines import blocks, read_lines
from structkd.corpora.schemes import Scheme
from structkd.corpora.sentences import CorpusError, Reading, Sentence

Comments = Literal["auto", "always", "never"]

_DOCSTART = "-DOCSTART-"
_HASH = re.compile(r"#(?=\s|$)")
# What CoNLL-U says of sentences: in a file whose words have as many columns, it could be a word and its label.
_CONVENTIONAL = re.compile(r"#\s*(newdoc|newpar)\b|#\s*[\w.:-]+\s*=\s")


def read_columns(
    path: Path,
    *,
    token_column: int = 0,
    label_column: int | None = -1,
    scheme: Scheme | None = None,
    repair: Repair = "none",
    comments: Comments = "auto",
) -> Reading:
    """Read a file in the layout of CoNLL-2002 and CoNLL-2003, without labels if `label_column` is None.

    Columns are counted from 0, or from the end if negative; every line of the file has the same number of columns. A
    line that contains a tab is split at tabs only, so a word may contain spaces; any other line is split at spaces.
    White space at the ends of a field is removed. A `-DOCSTART-` line (any number of columns) is dropped, alone
    or before a sentence's first word. Several blank lines count as one. Labels are checked against `scheme` if one is
    given, see `corpora.checking`.

    Comments are lines that begin with `#` and white space. `auto` leaves out comments before a sentence's first word
    that are not rows of the file: their number of columns differs, or they contain `newdoc`, `newpar` or `key = value`
    as in CoNLL-U. `always` leaves out all, `never` none. The reading counts them.

    Raises CorpusError, its message starting with `file:line:`.
    """
    lines = read_lines(path)
    width = width_of(lines, comments)
    found: list[Located] = []
    left_out = 0
    for first, block in blocks(lines):
        rows = dict(word_rows(path, first, block, width, comments))
        left_out += len(block) - len(rows) - (_fields(block[0])[0] == _DOCSTART)
        if not rows:
            continue
        if not found:
            _check_columns(f"{path}:{next(iter(rows))}", width, token_column, label_column)
        tokens = tuple(_column(path, rows, token_column, "word"))
        labels = None if label_column is None else tuple(_column(path, rows, label_column, "label"))
        found.append(Located(Sentence(tokens, labels), str(path), tuple(rows)))
    if not found:
        raise CorpusError(f"{path}:1: the file holds no sentence")
    return checked(found, scheme, repair, left_out)


def width_of(lines: Sequence[str], comments: Comments = "auto") -> int:
    """Return the number of columns: that of the first line that is surely a word's, else of the first word."""
    words = [line for line in lines if line.strip() and _fields(line)[0] != _DOCSTART]
    sure = (line for line in words if comments == "never" or not _HASH.match(line))
    return len(_fields(next(sure, words[0]))) if words else 0


def word_rows(
    path: Path | str, first: int, block: Sequence[str], width: int, comments: Comments = "auto"
) -> Iterator[tuple[int, list[str]]]:
    """Yield the words of a block of lines: the numbers and the fields of their lines. Raises CorpusError."""
    begun = False
    for line, text in enumerate(block, first):
        fields = _fields(text)
        if line == first and fields[0] == _DOCSTART:
            continue
        if text[0] == "#" and _is_comment(text, len(fields) == width, begun, comments):
            continue
        begun = True
        if len(fields) != width or fields[0] == _DOCSTART:
            raise _misplaced(f"{path}:{line}", fields, width)
        yield line, fields


def _is_comment(text: str, fits: bool, begun: bool, comments: Comments) -> bool:
    """True if a line that begins with `#` is a comment; `begun`: its sentence already has words."""
    if not _HASH.match(text):
        return False
    if comments == "auto":
        return not begun and (not fits or ("\t" not in text and bool(_CONVENTIONAL.match(text))))
    return comments == "always"


def _fields(line: str) -> list[str]:
    if "\t" in line:
        return list(map(str.strip, line.split("\t")))
    # Not str.split(): that would also split at a no-break space, which belongs to its word.
    return [field.strip() for field in line.strip().split(" ") if field]


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


def _misplaced(where: str, fields: Sequence[str], width: int) -> CorpusError:
    """Return the error for a line that is no row of the file."""
    if fields[0] == _DOCSTART:
        return CorpusError(f"{where}: {_DOCSTART} inside a sentence; put a blank line before it")
    hint = '; if this is a comment, set comments = "always" (evaluate: --comments always)' if fields[0] == "#" else ""
    return CorpusError(f"{where}: {len(fields)} columns where the other lines have {width}{hint}")


def _column(path: Path, rows: Mapping[int, Sequence[str]], column: int, what: str) -> Iterator[str]:
    for line, fields in rows.items():
        if not fields[column]:
            raise CorpusError(f"{path}:{line}: the {what} is empty (column {column % len(fields)}, counted from 0)")
        yield fields[column]
