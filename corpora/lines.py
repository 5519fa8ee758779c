"""Lines of UTF-8 text, and blocks of lines between blank lines."""

import codecs
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import AnyStr, BinaryIO, TypeVar

from structkd.corpora.sentences import CorpusError

Parsed = TypeVar("Parsed")

_PIECE = 1 << 16  # bytes read at once
_UTF8_LONGEST = 4  # bytes of a character
_SHORTER = "a line is a sentence: break it, or raise --max-characters"


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
        raise _not_utf8(f"{path}:{line}", data[error.start], byte) from None
    stray = text.find("\r")
    if stray >= 0:
        line, character = _position(text, "\n", stray)
        raise CorpusError(f"{path}:{line}: a carriage return at character {character}; end lines with LF or CR LF")
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def arriving(file: BinaryIO, name: str, parse: Callable[[str], Parsed], longest: int) -> Iterator[list[Parsed]]:
    """Yield lists of `parse`d lines of UTF-8 text: the lines that are there, without waiting for more.

    Lines have no line ends, and the first has no byte order mark. Raises CorpusError, with `name` for the file, after
    the lines before the fault: at a byte that is not UTF-8, at a line of more than `longest` characters (it is never
    whole in memory), and if `parse` raises ValueError.
    """
    number, rest = 0, b""
    while data := file.read1(_PIECE):  # type: ignore[attr-defined]  # files and pipes have it, BinaryIO does not say so
        *lines, rest = (rest + data).split(b"\n")
        if len(rest) > _UTF8_LONGEST * longest + len(codecs.BOM_UTF8):
            lines.append(rest)  # which `_parsed_until_fault` refuses
        yield from _parsed_until_fault(lines, name, number, parse, longest)
        number += len(lines)
    if rest:
        yield from _parsed_until_fault([rest], name, number, parse, longest)


def _parsed_until_fault(
    lines: Sequence[bytes], name: str, before: int, parse: Callable[[str], Parsed], longest: int
) -> Iterator[list[Parsed]]:
    found: list[Parsed] = []
    try:
        for number, line in enumerate(lines, before + 1):
            found.append(_parsed(line, f"{name}:{number}", number == 1, parse, longest))
    finally:  # the lines before a fault, too
        if found:
            yield found


def _parsed(line: bytes, where: str, is_first: bool, parse: Callable[[str], Parsed], longest: int) -> Parsed:
    line = (line.removeprefix(codecs.BOM_UTF8) if is_first else line).removesuffix(b"\r")
    if len(line) > _UTF8_LONGEST * longest:
        raise CorpusError(f"{where}: more than {longest} characters; {_SHORTER}")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(where, line[error.start], error.start + 1) from None
    if len(text) > longest:
        raise CorpusError(f"{where}: {len(text)} characters, at most {longest} are taken; {_SHORTER}")
    try:
        return parse(text)
    except ValueError as error:
        raise CorpusError(f"{where}: {error}") from None


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


def _not_utf8(where: str, byte: int, place: int) -> CorpusError:
    return CorpusError(f"{where}: 0x{byte:02x} at byte {place} of the line is not UTF-8; save the file as UTF-8")


def _position(text: AnyStr, newline: AnyStr, offset: int) -> tuple[int, int]:
    """Return line and column of an offset, both from 1."""
    return text.count(newline, 0, offset) + 1, offset - text.rfind(newline, 0, offset)
