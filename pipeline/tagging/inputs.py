"""Inputs of `structkd tag`: lines of text, JSON lines, columns. Each is read as it arrives."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal, NoReturn

from structkd.corpora.columns import width_of, word_rows
from structkd.corpora.lines import arriving
from structkd.corpora.sentences import CorpusError
from structkd.pipeline.tagging.items import TOGETHER, Chunk, Item, Reading, check_names, from_value, from_words
from structkd.runtime.lines import whole_number

Form = Literal["text", "jsonl", "parquet", "columns"]
_FORMS: dict[str, Form] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".conll": "columns",
    ".bio": "columns",
    ".iob": "columns",
    ".iob2": "columns",
}


def form_of(path: Path) -> Form:
    """Return the form of a file by the end of its name."""
    return _FORMS.get(path.suffix.lower(), "text")


def read_texts(file: BinaryIO, name: str, reading: Reading) -> Iterator[Chunk]:
    """Yield the lines of a text. Raises CorpusError, see `corpora.lines.arriving`."""
    lines = arriving(file, name, lambda line: Item(line, reading.words_of(line)), reading.longest)
    return _chunks(file, lines)


def read_json_lines(file: BinaryIO, name: str, reading: Reading) -> Iterator[Chunk]:
    """Yield the texts, or the lists of words, of JSON objects, one object in a line; blank lines are left out.

    Raises CorpusError, see `corpora.lines.arriving`; also for what is no JSON object, or has something else in the
    field.
    """
    lines = arriving(file, name, partial(_json_item, reading=reading), reading.longest)
    return _chunks(file, ([item for item in some if item] for some in lines))


def _json_item(line: str, reading: Reading) -> Item | None:
    if not line.strip():
        return None
    try:
        found = json.loads(line, parse_constant=_refuse, parse_int=whole_number)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({error}); expected an object in each line") from None
    if not isinstance(found, dict):
        raise ValueError(f"found a JSON {type(found).__name__}, expected an object in each line")
    if reading.field not in found:
        names = ", ".join(map(repr, found)) or "none"
        raise ValueError(f"no field {reading.field!r}, found {names}; name the one with the text: --field")
    try:
        item = from_value(found[reading.field], reading)
    except ValueError as error:
        raise ValueError(f"field {reading.field!r}: {error}") from None
    check_names(tuple(found), item.known, reading)
    return replace(item, json=line.strip())


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def read_columns(file: BinaryIO, name: str, reading: Reading) -> Iterator[Chunk]:
    """Yield the sentences of a file in columns, see `corpora.columns.read_columns`.

    Raises CorpusError, see `corpora.lines.arriving`; also for a line with another number of columns.
    """
    return _chunks(file, _sentences(arriving(file, name, str, reading.longest), name, reading))


def _sentences(lines: Iterator[list[str]], name: str, reading: Reading) -> Iterator[list[Item]]:
    block: list[str] = []
    number = width = 0
    for some in lines:
        found: list[Item] = []
        for line in some:
            number += 1
            if line.strip():
                block.append(line)
                continue
            if rows := _rows(name, number - len(block), block, width):
                width = len(rows[0])
                found.append(_sentence(name, number - len(block), rows, reading))
            block = []
        yield found
    if rows := _rows(name, number - len(block) + 1, block, width):
        yield [_sentence(name, number - len(block) + 1, rows, reading)]


def _rows(name: str, first: int, block: Sequence[str], width: int) -> list[list[str]]:
    """Return the fields of a sentence's words."""
    return [fields for _, fields in word_rows(name, first, block, width or width_of(block))]


def _sentence(name: str, first: int, rows: Sequence[Sequence[str]], reading: Reading) -> Item:
    width, column = len(rows[0]), int(reading.field)
    if not -width <= column < width:
        raise CorpusError(f"{name}:{first}: found {width} columns, and --field {column} names none of them")
    try:
        return from_words([fields[column] for fields in rows], reading)
    except ValueError as error:
        raise CorpusError(f"{name}:{first}: {error}") from None


def _chunks(file: BinaryIO, lists: Iterator[list[Item]]) -> Iterator[Chunk]:
    for items in lists:
        for first in range(0, len(items), TOGETHER):
            yield Chunk(items[first : first + TOGETHER], _read(file))


def _read(file: BinaryIO) -> int:
    try:
        return os.lseek(file.fileno(), 0, os.SEEK_CUR)
    except OSError:  # a pipe
        return 0
