"""Lines of UTF-8 text, and blocks of lines between blank lines."""

import codecs
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import AnyStr

from structkd.corpora.sentences import CorpusError
from structkd.runtime.lines import arriving as arriving
from structkd.runtime.lines import not_utf8


def read_lines(path: Path) -> list[str]:
    r"""Return the lines of a text file without line ends; line n of the file is item n - 1.

    A byte order mark is dropped, `\r\n` counts as `\n`, and the last line needs no end. Nothing else ends a line: a
    word may contain any other character that Unicode calls a line break. Raises CorpusError at a byte that is not UTF-8
    and at a carriage return elsewhere, which would otherwise become part of a label.
    """
    data = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line, byte = _position(data, b"\n", error.start)
        raise CorpusError(not_utf8(f"{path}:{line}", data[error.start], byte)) from None
    stray = text.find("\r")
    if stray >= 0:
        line, character = _position(text, "\n", stray)
        raise CorpusError(f"{path}:{line}: a carriage return at character {character}; end lines with LF or CR LF")
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def blocks(lines: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield blocks of lines between blank lines (white space only), each with the number of its first line."""
    start = 0
    for place, line in enumerate(lines):
        if not line.strip():
            if place > start:
                yield start + 1, lines[start:place]
            start = place + 1
    if start < len(lines):
        yield start + 1, lines[start:]


def _position(text: AnyStr, newline: AnyStr, offset: int) -> tuple[int, int]:
    """Return line and column of an offset, both from 1."""
    return text.count(newline, 0, offset) + 1, offset - text.rfind(newline, 0, offset)
