"""Lines of UTF-8 text, and the blocks that blank lines make of them."""

import codecs
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import AnyStr, BinaryIO

from structkd.corpora.sentences import CorpusError


def read_lines(path: Path) -> list[str]:
    r"""The lines of a text file without their ends; line n of the file is item n - 1.

    A byte order mark is dropped, `\r\n` counts as `\n`, and the last line needs no end. Only these end a line: a word
    may hold any other character that Unicode calls a line break. Raises CorpusError at a byte that is not UTF-8 and at
    a carriage return elsewhere, which would otherwise become part of a label.
    """
    data = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line, byte = _position(data, b"\n", error.start)
        raise _not_utf8(f"{path}:{line}", data[error.start], byte) from None
    stray = text.find("\r")
    if stray >= 0:
        line, character = _position(text, "\n", stray)
        raise CorpusError(f"{path}:{line}: a carriage return at character {character}; end lines with LF or CR LF")
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def stream_lines(file: BinaryIO, name: str) -> Iterator[str]:
    """The lines of UTF-8 text as they come, with their ends. Raises CorpusError, which calls the file `name`."""
    for number, line in enumerate(file, 1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _not_utf8(f"{name}:{number}", line[error.start], error.start + 1) from None


def blocks(lines: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    """The runs of lines between blank lines (empty, or spaces only), each with the number of its first line."""
    start = 0
    for place, line in enumerate(lines):
        if not line.strip(" "):
            if place > start:
                yield start + 1, lines[start:place]
            start = place + 1
    if start < len(lines):
        yield start + 1, lines[start:]


def _not_utf8(where: str, byte: int, place: int) -> CorpusError:
    return CorpusError(f"{where}: 0x{byte:02x} at byte {place} of the line is not UTF-8; save the file as UTF-8")


def _position(text: AnyStr, newline: AnyStr, offset: int) -> tuple[int, int]:
    """Line and place in the line of an offset, both from 1."""
    return text.count(newline, 0, offset) + 1, offset - text.rfind(newline, 0, offset)
