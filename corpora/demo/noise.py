"""Noise: typing errors in every split, annotation errors in training.

docs/demo-corpus.md documents every rate.
"""

from random import Random

from structkd.corpora.demo.compose import Chunk, pick
from structkd.corpora.demo.shares import may_use
from structkd.corpora.sentences import Split

TYPO_RATE = 0.015  # of words of four letters or more
LOWER_CASE_RATE = 0.03  # of entities
ANNOTATION_ERROR_RATE = 0.02  # of the training split's entities
_KINDS = ("LOC", "ORG", "PER")


def slips(rng: Random, chunk: Chunk, split: Split) -> Chunk:
    """Return the chunk with typing errors: a lower-cased entity, a typo."""
    words = chunk.words
    if chunk.kind is not None and rng.random() < LOWER_CASE_RATE:
        words = tuple(word.lower() for word in words)
    return Chunk(tuple(_typed(rng, word, chunk.kind, split) for word in words), chunk.kind)


def _typed(rng: Random, word: str, kind: str | None, split: Split) -> str:
    if len(word) < 4 or not word.isalpha() or rng.random() >= TYPO_RATE:
        return word
    slip = _typo(rng, word)
    # A misspelt name must not become the name of another split.
    return slip if kind is None or may_use(split, slip) else word


def _typo(rng: Random, word: str) -> str:
    """Swap two letters, drop one or double one; the first letter stays."""
    place = 1 + int(rng.random() * (len(word) - 2))
    head, here, after, tail = word[:place], word[place], word[place + 1], word[place + 2 :]
    return head + pick(rng, (after + here, after, here + here + after)) + tail


def misannotated(rng: Random, chunk: Chunk) -> list[Chunk]:
    """Return the chunk with annotation errors: sometimes missed, of a wrong type or cut short."""
    if chunk.kind is None or rng.random() >= ANNOTATION_ERROR_RATE:
        return [chunk]
    error = pick(rng, ("missed", "wrong type", "cut short"))
    if error == "missed":
        return [Chunk((word,)) for word in chunk.words]
    if error == "cut short" and len(chunk.words) > 1:
        return [Chunk(chunk.words[:-1], chunk.kind), Chunk(chunk.words[-1:])]
    return [Chunk(chunk.words, pick(rng, [kind for kind in _KINDS if kind != chunk.kind]))]
