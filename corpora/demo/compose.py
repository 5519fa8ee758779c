"""Making a sentence from a template: choices, words, entities, case."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from structkd.corpora.demo.grammar import Grammar, Phrases, Register
from structkd.corpora.demo.lexicon import Lexicon
from structkd.corpora.demo.shares import held_out
from structkd.corpora.sentences import Split

PLAIN_SHARE = 0.2
JOINED_SHARE = 0.15
TAIL_SHARE = 0.2

Item = TypeVar("Item")

_CHOICE = re.compile(r"\[([^][<>]*)\]|<([^][<>]*)>|\{([a-z_]+)\}")
_DIGIT = re.compile(r"[#@]")
_FINAL = ".?!,:"


@dataclass(frozen=True, slots=True)
class Chunk:
    """An entity's words, or one word outside any entity (kind None)."""

    words: tuple[str, ...]
    kind: str | None = None

    @property
    def surface(self) -> str:
        """The words in one lower-case string."""
        return " ".join(self.words).casefold()


@dataclass(frozen=True)
class Composer:
    """A source of random sentences of one language and split."""

    grammar: Grammar
    lexicon: Lexicon
    split: Split

    def draw(self, rng: Random) -> list[Chunk]:
        """Draw one sentence, without noise."""
        register = weighted(rng, self.grammar.registers)
        text = self._clause(rng, register)
        if register.joins and rng.random() < JOINED_SHARE:
            text = _joined(text, pick(rng, register.joins), self._clause(rng, register))
        if register.tails and rng.random() < TAIL_SHARE and text[-1] not in _FINAL:
            text = f"{text} {self._expand(rng, pick(rng, register.tails), self.grammar.words)}"
        if text[-1] not in _FINAL and rng.random() < register.stop:
            text += " ."
        for wrong, right in self.grammar.repairs:
            text = wrong.sub(right, text)
        return cased([self._chunk(rng, token) for token in text.split()], pick(rng, register.styles))

    def _clause(self, rng: Random, register: Register) -> str:
        templates = register.plain if rng.random() < PLAIN_SHARE else register.entities
        template = pick(rng, templates)
        while self.split == "train" and held_out(template):
            template = pick(rng, templates)
        return self._expand(rng, template, self.grammar.words)

    def _chunk(self, rng: Random, token: str) -> Chunk:
        if not token.startswith("{"):
            return Chunk((_digits(rng, token),))
        form = token[1:-1]
        while True:
            name = self._expand(rng, pick(rng, self.grammar.forms[form]), self.lexicon.names)
            if name.casefold() not in self.lexicon.foreign:
                return Chunk(tuple(name.split()), form.partition(".")[0])

    @staticmethod
    def _expand(rng: Random, text: str, phrases: Phrases) -> str:
        """Make every choice of a template, inner choices first; return the words and entities."""

        def choose(match: re.Match[str]) -> str:
            optional, alternatives, slot = match[1], match[2], match[3]
            if slot is not None:
                return pick(rng, phrases[slot])
            if alternatives is not None:
                return pick(rng, str(alternatives).split("|"))
            return str(optional) if rng.random() < 0.5 else ""

        changed = 1
        while changed:
            text, changed = _CHOICE.subn(choose, text)
        return text


def pick(rng: Random, items: Sequence[Item]) -> Item:
    """Choose uniformly by `Random.random`, the only method whose stream Python keeps between versions."""
    return items[int(rng.random() * len(items))]


def weighted(rng: Random, registers: Sequence[Register]) -> Register:
    """Draw a register by weight."""
    place = rng.random() * sum(register.weight for register in registers)
    for register in registers:
        place -= register.weight
        if place < 0:
            return register
    return registers[-1]


def cased(chunks: list[Chunk], style: str) -> list[Chunk]:
    """Apply a register's capitals: sentence, title, upper, lower."""
    if style == "sentence":
        first = next((place for place, chunk in enumerate(chunks) if chunk.words[0][0].isalnum()), 0)
        head, *rest = chunks[first].words
        return [*chunks[:first], Chunk((_capital(head), *rest), chunks[first].kind), *chunks[first + 1 :]]
    change = {"title": _capital, "upper": str.upper, "lower": str.lower}[style]
    return [Chunk(tuple(map(change, chunk.words)), chunk.kind) for chunk in chunks]


def _joined(left: str, conjunction: str, right: str) -> str:
    """Join two clauses into one sentence if both are plain statements; else return the left one."""
    plain = all(text[-1] not in _FINAL and (text[0].isalpha() or text[0] == "{") for text in (left, right))
    return f"{left} {conjunction} {right}" if plain else left


def _capital(word: str) -> str:
    return word[0].upper() + word[1:]


def _digits(rng: Random, token: str) -> str:
    return _DIGIT.sub(lambda match: pick(rng, "0123456789" if match[0] == "#" else "123456789"), token)
