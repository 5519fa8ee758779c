"""Outputs of `structkd tag` that are lines: columns, entities, JSON lines. A page and Parquet are beside this."""

import json
from collections.abc import Callable, Sequence
from itertools import count
from typing import Protocol

from structkd.corpora.sentences import CorpusError
from structkd.pipeline.tagging.answers import answer
from structkd.pipeline.tagging.items import Chunk
from structkd.runtime.tagging import Tagged, Wanted

Emit = Callable[[str], None]
"""Writes a text and a line end."""
_BREAKS = {*"\t\n\r"}


class Output(Protocol):
    """A form of answers."""

    def write(self, chunk: Chunk, found: Sequence[Tagged]) -> None:
        """Write answers."""

    def close(self) -> None:
        """Write what stands at the end."""


class Columns:
    """A line for each word: the word, its label, and the label's probability if it is wanted; then a blank line."""

    def __init__(self, emit: Emit, *, probabilities: bool) -> None:
        self._emit, self._probabilities = emit, probabilities

    def write(self, chunk: Chunk, found: Sequence[Tagged]) -> None:
        """See `Output`."""
        if found:
            self._emit("\n".join(map(self._lines, found)))

    def _lines(self, tagged: Tagged) -> str:
        words = (_in_a_line(word.text) for word in tagged.words)
        if not self._probabilities:
            return "".join(f"{word}\t{label}\n" for word, label in zip(words, tagged.labels, strict=True))
        rows = zip(words, tagged.labels, tagged.probabilities, strict=True)
        return "".join(f"{word}\t{label}\t{chance:.4f}\n" for word, label, chance in rows)

    def close(self) -> None:
        """See `Output`."""


def _in_a_line(word: str) -> str:
    if not _BREAKS.isdisjoint(word):
        raise CorpusError(f"found the word {word!r}, which breaks a line of columns; use --output json")
    return word


class Entities:
    """A line for each entity: the input's number, from 1 on, type, text, start, end, and probability."""

    def __init__(self, emit: Emit) -> None:
        self._emit, self._number = emit, count(1)

    def write(self, chunk: Chunk, found: Sequence[Tagged]) -> None:
        """See `Output`."""
        lines = [
            f"{number}\t{one.type}\t{' '.join(one.text.split())}\t{one.start}\t{one.end}\t{one.probability:.4f}"
            for tagged, number in zip(found, self._number, strict=False)
            for one in tagged.entities
        ]
        if lines:
            self._emit("\n".join(lines))

    def close(self) -> None:
        """See `Output`."""


class JsonLines:
    """A JSON object for each input: the fields of the object in which it came as they were, and those of the answer."""

    def __init__(self, emit: Emit, wanted: Wanted, under: str | None) -> None:
        self._emit, self._wanted, self._under = emit, wanted, under

    def write(self, chunk: Chunk, found: Sequence[Tagged]) -> None:
        """See `Output`."""
        lines = []
        for item, tagged in zip(chunk.items, found, strict=True):
            added = answer(tagged, self._wanted, item.known)
            text = json.dumps({self._under: added} if self._under else added, ensure_ascii=False)
            lines.append(f"{item.json[:-1].rstrip()}, {text[1:]}" if item.json else text)
        if lines:
            self._emit("\n".join(lines))

    def close(self) -> None:
        """See `Output`."""
