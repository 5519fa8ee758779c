"""A language's words, entity forms and templates, read from its two TOML files.

The template notation: blanks separate tokens; `[a b]` is kept half of the time; `<a|b>` is one of its alternatives;
`{noun}` is a phrase of the word list `noun`; `{ORG.club}` is an entity of type ORG in one of the forms listed under
that name; `#` is a digit and `@` a digit from 1 to 9. Repairs are regular expressions for changes at word boundaries
("a" before a vowel, "de el").
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from structkd.corpora.sentences import CorpusError

_FULL_STOP_SHARE = 0.93

LANGUAGES = ("en", "de", "nl", "es")
Phrases = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Register:
    """A way of writing: its templates, and the case, the end and the joining of its sentences."""

    name: str
    weight: int
    stop: float
    styles: tuple[str, ...]
    tails: tuple[str, ...]
    joins: tuple[str, ...]
    entities: tuple[str, ...]
    plain: tuple[str, ...]


@dataclass(frozen=True)
class Grammar:
    """The handwritten part of one language."""

    language: str
    words: Phrases
    forms: Phrases
    names: Phrases
    repairs: tuple[tuple[re.Pattern[str], str], ...]
    registers: tuple[Register, ...]


@cache
def load_grammar(language: str) -> Grammar:
    """Read a language's files. Raises CorpusError for a language that is not in LANGUAGES."""
    if language not in LANGUAGES:
        raise CorpusError(f"the demo corpus has no language {language!r}; it has {', '.join(LANGUAGES)}")
    words = _read("words", language)
    templates = _read("templates", language)
    return Grammar(
        language=language,
        words=_phrases(words["words"]),
        forms=_phrases(words["forms"]),
        names=_phrases(words["names"]),
        repairs=tuple((re.compile(wrong), right) for wrong, right in words.get("repairs", {}).items()),
        registers=tuple(_register(name, table) for name, table in templates.items()),
    )


def _read(folder: str, language: str) -> dict[str, Any]:
    with (Path(__file__).parent / folder / f"{language}.toml").open("rb") as file:
        return tomllib.load(file)


def _phrases(table: Mapping[str, str | list[str]]) -> dict[str, tuple[str, ...]]:
    """Return a word list: one string with bars, or an array if a phrase contains bars."""
    return {
        name: tuple(phrase.strip() for phrase in (value.split("|") if isinstance(value, str) else value))
        for name, value in table.items()
    }


def _register(name: str, table: Mapping[str, Any]) -> Register:
    return Register(
        name=name,
        weight=table["weight"],
        stop=table.get("stop", _FULL_STOP_SHARE),
        styles=tuple(table["styles"]),
        tails=tuple(table.get("tails", ())),
        joins=tuple(table.get("joins", ())),
        entities=tuple(table["entities"]),
        plain=tuple(table["plain"]),
    )
