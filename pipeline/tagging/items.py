"""What `structkd tag` reads: texts, with what came beside them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from structkd.runtime.splitting import Word
from structkd.runtime.tagging import placed

if TYPE_CHECKING:
    import pyarrow as pa

TOGETHER = 1000
"""Texts that are tagged together, at most."""
_SURROGATES = re.compile("[\ud800-\udfff]")  # halves of pairs, which JSON can hold and UTF-8 cannot


@dataclass(frozen=True, slots=True)
class Reading:
    """How inputs are read."""

    words_of: Callable[[str], Sequence[Word]]
    """Splits a text."""
    longest: int
    """The largest number of characters of a line or a text."""
    field: str = "text"
    """The field of JSON, the column of Parquet, or the number of a column that has the text or the words."""
    added: frozenset[str] = frozenset()
    """Fields that the output adds to the input's: the input may not have them."""
    as_json: bool = False
    """Return rows of Parquet as JSON objects, too."""


@dataclass(frozen=True, slots=True)
class Item:
    """One input."""

    text: str
    words: Sequence[Word]
    json: str = ""
    """The JSON object in which it came."""
    known: frozenset[str] = frozenset()
    """Fields of the answer that the input has already, under whatever name."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Inputs that are tagged together."""

    items: Sequence[Item]
    read: float
    """Bytes of the file that are read, about."""
    rows: "pa.Table | None" = None
    """The inputs with all their columns, if they came in Parquet."""
    known: frozenset[str] = frozenset()
    """Fields of the answer that these columns have already."""


def from_value(value: Any, reading: Reading) -> Item:
    """Return the input that a field holds: a text, a list of words, or nothing (None).

    Raises ValueError for anything else, for a word that is empty, and for too many characters.
    """
    if value is None:
        return Item("", (), known=frozenset(("tokens" if reading.field == "tokens" else "text",)))
    if isinstance(value, str):
        text = _short(_SURROGATES.sub("\ufffd", value), reading)
        return Item(text, reading.words_of(text), known=frozenset(("text", reading.field)))
    if not isinstance(value, list):
        raise ValueError(f"found the {type(value).__name__} {str(value)[:40]}, expected a text or a list of words")
    return replace(from_words(value, reading), known=frozenset(("tokens", reading.field)))


def from_words(words: Sequence[Any], reading: Reading) -> Item:
    """Return the input of words. Raises ValueError for a word that is empty or no text."""
    for place, word in enumerate(words):
        if not isinstance(word, str) or not word.strip():
            raise ValueError(f"found {str(word)[:40]!r} as word {place} of the list, expected a text; remove it")
    found = placed([_SURROGATES.sub("\ufffd", word) for word in words])
    return Item(_short(" ".join(word.text for word in found), reading), found)


def check_names(names: Sequence[str], known: frozenset[str], reading: Reading) -> None:
    """Raise ValueError if an input has a field that the output adds."""
    if taken := reading.added.difference(known).intersection(names):
        raise ValueError(
            f"found the field {min(taken)!r}, which the answer has too; rename it, or put the answer into a field of "
            "its own: --under NAME"
        )


def _short(text: str, reading: Reading) -> str:
    if len(text) > reading.longest:
        raise ValueError(
            f"{len(text)} characters, at most {reading.longest} are taken; cut the text, or raise --max-characters"
        )
    return text
