"""Lines of UTF-8 text, and blocks of lines between blank lines."""

import codecs
from collections.abc import Iterator, Sequence
from pathlib import Path

from structkd.corpora.sentences import CorpusError
from structkd.runtime.lines import arriving as arriving
from structkd.runtime.lines import not_utf8


def iterate_lines(path: Path) -> Iterator[str]:
    r"""Yield the lines of a text file without line ends, each as it is read.

    A byte order mark is dropped, `\r\n` counts as `\n`, and the last line needs no end. Nothing else ends a line: a
    word may contain any other character that Unicode calls a line break. Raises CorpusError at a byte that is not UTF-8
    and at a carriage return elsewhere, which would otherwise become part of a label.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if content:
                yield _line(f"{path}:{number}", content)


def _line(where: str, content: bytes) -> str:
    if content.endswith(b"\n"):
        content = content[:-1].removesuffix(b"\r")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorpusError(not_utf8(where, content[error.start], error.start + 1)) from None
    stray = text.find("\r")
    if stray >= 0:
        raise CorpusError(f"{where}: a carriage return at character {stray + 1}; end lines with LF or CR LF")
    return text


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file as `iterate_lines` yields them; line n of the file is item n - 1."""
    return list(iterate_lines(path))


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
