"""Splitting of raw text into words, by Unicode's properties of characters; each word contains its place.

A word is a run of letters, digits and marks, with single signs inside it; any other sign is a word by itself, as a
whole grapheme cluster, so that no mark, joiner or emoji sequence is cut. It knows two habits of languages: French,
Italian and Catalan elision (`l'homme` is two words) and English contraction (`do|n't`, `Mary|'s`), which their
treebanks split. Scripts without blanks between words need ICU's dictionaries: the extra `segmentation`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import regex

BLANKS = " \t"
"""The separators of words that are already split. Other white space, such as a no-break space, belongs to its word."""

# Chinese and Japanese, and what Unicode's line breaking calls South East Asian (SA): Thai, Lao, Khmer, Burmese.
_UNSPACED = r"[[\p{lb=SA}\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}]&&[\p{L}\p{M}]]"
# What a character takes after it: marks, zero-width joiner and non-joiner, variation selectors, skin tones.
_EXTEND = r"[\p{M}\p{GCB=Extend}\p{GCB=ZWJ}]*+"  # possessive, as all that repeats: no line takes quadratic time
_LETTER = rf"(?:\p{{L}}{_EXTEND})"
_CHARACTER = rf"(?:[[\p{{L}}\p{{N}}\p{{Pc}}]--{_UNSPACED}]{_EXTEND})"
_RUN = rf"{_CHARACTER}++"
_END = rf"(?!{_CHARACTER})"
_BARE = r"(?![\p{M}\p{GCB=Extend}\p{GCB=ZWJ}])"
_APOSTROPHE = r"['’ʼ]"
_INSIDE = r"[-\u00ad\u200e\u200f\u2010\u2011\u2060'’ʼ＇.,·‧:״׳\"/&@+_]"
_NOT = rf"n{_APOSTROPHE}t{_END}"
_ELIDED = r"\b(?:[cdjlmnst]|(?:jus|lors|puis|quoi|quel|pres)?qu|(?:de|a|da|ne|su)ll|gl|un)"
_VOWEL = r"[aeiouhyàâáäéèêëíîïóôöúùûüœæ]"

_WORD = regex.compile(
    rf"""
      (?P<unspaced>{_UNSPACED}(?:{_UNSPACED}|[\p{{GCB=Extend}}\p{{GCB=ZWJ}}])*+)
    | \p{{Nd}}{{1,3}}(?:[\u00a0\u2007\u2009\u202f]\p{{Nd}}{{3}})+(?!\p{{Nd}}){_BARE}   # 20 000 with no-break spaces
    | (?:{_LETTER}\.){{2,}}{_END}{_BARE}                                      # U.S.
    | {_LETTER}\.(?=\s+\p{{L}})                                               # J. Smith
    | {_APOSTROPHE}{_LETTER}{{1,2}}{_END}                                     # 's, what a contraction leaves
    | (?i:{_ELIDED}{_APOSTROPHE}(?={_VOWEL}|\s))                              # l'homme
    | (?i:(?:(?!{_NOT}){_LETTER})++(?={_NOT}))                                # do|n't
    | (?i:{_NOT})
    | {_RUN}(?:(?!{_APOSTROPHE}(?i:[dms]|ll|re|ve){_END}){_INSIDE}{_RUN})*+
    | (?P<sign>[-\p{{Pd}}.,!?*=_~#…'"`])(?P=sign)+{_BARE}                     # ... and --
    | (?![\s\p{{Default_Ignorable_Code_Point}}])\X
    """,
    regex.VERBOSE | regex.VERSION1,
)
_FIRST_RIGHT_TO_LEFT = "\u0590"  # below are Latin, Greek, Cyrillic and Armenian
_LETTER_APOSTROPHE = "ʼ"  # a letter to Unicode
_SPLIT = regex.compile(rf"[^{BLANKS}\r\n]+")


class SplittingError(ValueError):
    """Text that cannot be split; the message names what was found and what to do."""


class Word(NamedTuple):
    """A word of a text: `text[start:end]`, counted in characters."""

    text: str
    start: int
    end: int


def split(text: str) -> list[Word]:
    """Return the words of raw text, in order, without white space and invisible characters between them.

    Raises:
        SplittingError: a script that needs a dictionary, if ICU is not installed.
    """
    return list(_words(text))


def split_blanks(text: str) -> list[Word]:
    """Return the words of text that is already split: the parts between spaces and tabs."""
    return [Word(found[0], *found.span()) for found in _SPLIT.finditer(text)]


def _words(text: str) -> Iterator[Word]:
    start = 0
    for chunk in text.split(" "):
        end = start + len(chunk)
        if _is_plain(chunk):
            yield Word(chunk, start, end)
        elif chunk:
            yield from _found(text, start, end)
        start = end + 1


def _is_plain(chunk: str) -> bool:
    """True for letters alone that the expression would find as one word: it is slow, and most words are such."""
    return chunk.isalpha() and (
        chunk.isascii() or (max(chunk) < _FIRST_RIGHT_TO_LEFT and _LETTER_APOSTROPHE not in chunk)
    )


def _found(text: str, start: int, end: int) -> Iterator[Word]:
    """Yield the words that begin in a part of a text between blanks."""
    for found in _WORD.finditer(text, start):
        first, last = found.span()
        if first >= end:
            break
        if found["unspaced"] is None:
            yield Word(found[0], first, last)
        else:
            yield from _segments(found[0], first)
        if last >= end:
            break


def _segments(run: str, start: int) -> Iterator[Word]:
    """Yield the words of a run of letters without blanks, by ICU."""
    try:
        pieces = _breaker()
    except ImportError:
        raise SplittingError(
            f"found {run[:10]!r} at character {start + 1}, in a script without blanks between words; its words need "
            "ICU: pip install 'structkd[segmentation]', or separate the words by blanks beforehand"
        ) from None
    for piece in pieces(run, "und"):  # the dictionaries go by script, whatever the locale
        yield Word(piece, start, start + len(piece))
        start += len(piece)


def _breaker() -> Callable[[str, str], Iterable[str]]:
    from icu4py.breakers import WordBreaker

    return WordBreaker
