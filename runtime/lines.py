"""Lines of UTF-8 text as they arrive, from a file or a pipe."""

import codecs
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, TypeVar

Parsed = TypeVar("Parsed")

_PIECE = 1 << 16  # bytes read at once
_UTF8_LONGEST = 4  # bytes of a character
_DIGITS = 4000  # of an integer of JSON at most; Python reads a few more
_SHORTER = "a line is a sentence: break it, or raise --max-characters"


class LineError(ValueError):
    """A line that cannot be read; the message names its place, what was found and what to do."""


def arriving(file: BinaryIO, name: str, parse: Callable[[str], Parsed], longest: int) -> Iterator[list[Parsed]]:
    """Yield lists of `parse`d lines of UTF-8 text: the lines that are there, without waiting for more.

    Lines have no line ends, and the first has no byte order mark. Raises LineError, with `name` for the file, after
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
        raise LineError(f"{where}: more than {longest} characters; {_SHORTER}")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LineError(not_utf8(where, line[error.start], error.start + 1)) from None
    if len(text) > longest:
        raise LineError(f"{where}: {len(text)} characters, at most {longest} are taken; {_SHORTER}")
    try:
        return parse(text)
    except ValueError as error:
        raise LineError(f"{where}: {error}") from None


def not_utf8(where: str, byte: int, place: int) -> str:
    """Return the message for a byte of a line that is not UTF-8."""
    return f"{where}: 0x{byte:02x} at byte {place} of the line is not UTF-8; save the file as UTF-8"


def whole_number(digits: str) -> int:
    """Return an integer of JSON. Raises ValueError if it has thousands of digits, which Python does not read."""
    if len(digits) > _DIGITS:
        raise ValueError(f"an integer of {len(digits)} digits, expected at most {_DIGITS}")
    return int(digits)
