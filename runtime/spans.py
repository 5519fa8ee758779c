"""Spans in label sequences, as strict scorers read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Scheme = Literal["IOB2", "BIOES"]


@dataclass(frozen=True, slots=True)
class WordSpan:
    """The words `start` to `end` (exclusive) of a sentence, and their type."""

    start: int
    end: int
    type: str


def strict_spans(labels: Sequence[str], scheme: Scheme) -> list[WordSpan]:
    """Return the spans that seqeval's strict mode reads: what is not valid in the scheme is no span, and is left out.

    In IOB2 a span is a B- and all I- of its type that follow; in BIOES a B-, any number of I-, and an E- of one type,
    or an S-.
    """
    found = []
    begun, kind = -1, ""  # the first word and the type of a span that is open
    for place, label in enumerate([*labels, "O"]):
        prefix, _, named = label.partition("-")
        continues = begun >= 0 and named == kind
        if continues and prefix == "I":
            continue
        if scheme == "BIOES" and prefix == "E" and continues:
            found.append(WordSpan(begun, place + 1, kind))
        elif scheme == "IOB2" and begun >= 0:
            found.append(WordSpan(begun, place, kind))
        elif scheme == "BIOES" and prefix == "S":
            found.append(WordSpan(place, place + 1, named))
        begun, kind = (place, named) if prefix == "B" else (-1, "")
    return found


def may_follow(span: WordSpan, label: str, scheme: Scheme) -> bool:
    """True if a span ends where the next word has this label."""
    return scheme == "BIOES" or label != f"I-{span.type}"
