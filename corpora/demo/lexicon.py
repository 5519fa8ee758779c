"""The names that a split may use: Faker's finite lists and our own, divided by hash.

A call of Faker is slow (it picks a provider, a format and a generator each time), so its lists are read once as class
attributes. Faker is imported at the first use.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import product

from structkd.corpora.demo.grammar import Grammar, Phrases, load_grammar
from structkd.corpora.demo.shares import may_use
from structkd.corpora.sentences import Split

_LOCALES = {
    "en": ("en_US", "en_GB"),
    "de": ("de_DE", "de_AT"),
    "nl": ("nl_NL", "nl_BE"),
    "es": ("es_ES", "es_MX"),
}
_FAKER_LISTS = {
    "first": ("person", ("first_names",)),
    "last": ("person", ("last_names",)),
    "city": ("address", ("cities",)),
    "country": ("address", ("countries",)),
    "region": ("address", ("states", "regions", "provinces", "counties")),
    "core": ("company", ("large_companies",)),
}
# A name is at most three words of letters: this drops "Iran, Islamic Republic of" and "Sint Maarten (NL)".
_NAME = re.compile(
    r"[^\W\d_](?:[^\W\d_]|['’.-](?=\S))*(?: ['’]?[^\W\d_](?:[^\W\d_]|['’.-](?=\S))*){0,2}|'s[ -]\w[\w-]+"
)
_CONJUNCTIONS = {"and", "und", "en", "y"}
_ACRONYM_LETTERS = "ABCDEFGHKLMNPRST"


@dataclass(frozen=True)
class Lexicon:
    """The names that one split may use, by kind, the common words, and the names that must not occur."""

    names: Phrases
    foreign: frozenset[str]


@cache
def load_lexicon(language: str, split: Split) -> Lexicon:
    """Return the share of `split` in a language's names."""
    names = _all_names(language)
    own = {kind: tuple(name for name in entries if may_use(split, name)) for kind, entries in names.items()}
    words = load_grammar(language).words
    every = {name.casefold() for entries in names.values() for name in entries}
    return Lexicon({**words, **own}, frozenset(name for name in every if not may_use(split, name)))


@cache
def _all_names(language: str) -> dict[str, tuple[str, ...]]:
    grammar = load_grammar(language)
    kinds = {kind: set(_faker_names(language, kind)) for kind in _FAKER_LISTS}
    kinds["acronym"] = {"".join(letters) for letters in product(_ACRONYM_LETTERS, repeat=3)}
    kinds["core"] |= _invented_companies(grammar)
    for kind, names in grammar.names.items():
        kinds[kind] = kinds.get(kind, set()).union(names)
    awkward = set(grammar.words["awkward"])  # names that need an article, which the templates do not write
    return {kind: tuple(sorted(names - awkward)) for kind, names in kinds.items()}


def _faker_names(language: str, kind: str) -> Iterator[str]:
    topic, attributes = _FAKER_LISTS[kind]
    for locale, attribute in product(_LOCALES[language], attributes):
        yield from _clean(_provider_list(topic, locale, attribute))


def _provider_list(topic: str, locale: str, attribute: str) -> Iterable[str | tuple[str, ...]]:
    try:
        provider = import_module(f"faker.providers.{topic}.{locale}").Provider
    except ModuleNotFoundError as error:
        if error.name != f"faker.providers.{topic}.{locale}":  # Faker itself is missing: not a locale's gap
            raise
        return ()
    return getattr(provider, attribute, ())


def _clean(entries: Iterable[str | tuple[str, ...]]) -> Iterator[str]:
    """Yield plain names; a pair is (code, name)."""
    for entry in entries:
        name = entry if isinstance(entry, str) else entry[-1]
        if len(name) > 2 and _NAME.fullmatch(name) and _CONJUNCTIONS.isdisjoint(name.split()):
            yield name


def _invented_companies(grammar: Grammar) -> set[str]:
    return {head + tail for head, tail in product(grammar.words["core_head"], grammar.words["core_tail"])}
