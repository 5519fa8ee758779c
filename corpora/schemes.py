"""Labelling schemes: spans of words written as one label per word."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from typing import Literal

from structkd.corpora.sentences import CorpusError

Scheme = Literal["IOB1", "IOB2", "BIOES"]
Metric = Literal["spans", "accuracy"]

_PREFIXES: dict[Scheme, str] = {"IOB1": "BI", "IOB2": "BI", "BIOES": "BIES"}


class SchemeError(CorpusError):
    """Labels that a scheme does not allow; `place` is the index of the wrong label, from 0."""

    def __init__(self, message: str, place: int = 0) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The words `start` to `end` (exclusive) of a sentence, and their type."""

    start: int
    end: int
    type: str


def spans(labels: Sequence[str], scheme: Scheme) -> tuple[Span, ...]:
    """Return the spans that `labels` write, in order.

    Strict: nothing is repaired. Raises SchemeError for a label that the scheme does not know or does not allow after
    its predecessor. In IOB1, B- stands only at the start of a span that touches one of its own type.
    """
    found = []
    start, previous = 0, "O"
    for place, label in enumerate(chain(labels, ("O",))):
        fault, continues = _step(previous, label, scheme)
        if fault:
            raise SchemeError(_message(labels, place, fault), place)
        if not continues:
            if previous != "O":
                found.append(Span(start, place, previous.partition("-")[2]))
            start = place
        previous = label
    return tuple(found)


def faults(labels: Sequence[str], scheme: Scheme) -> list[SchemeError]:
    """Return all errors of `labels` under `scheme`, in order; none if they are valid."""
    steps = enumerate(pairwise(("O", *labels, "O")))
    found = [(place, _step(previous, label, scheme)[0]) for place, (previous, label) in steps]
    return [SchemeError(_message(labels, place, fault), place) for place, fault in found if fault]


def is_label(label: str, scheme: Scheme) -> bool:
    """True if a label belongs to the scheme: O, or one of its prefixes and a type."""
    prefix, _, kind = label.partition("-")
    return label == "O" or (len(prefix) == 1 and prefix in _PREFIXES[scheme] and bool(kind))


def repaired(labels: Sequence[str], scheme: Scheme) -> tuple[str, ...]:
    """Return the labels for the spans that conlleval reads in `labels`; valid labels do not change.

    conlleval, the scorer of the CoNLL tasks, is tolerant: a label that continues no span of its type begins a span, and
    a label that does not continue a span ends it. Raises SchemeError for a label that the scheme does not know.
    """
    found: list[Span] = []
    is_open = False
    for place, label in enumerate(labels):
        if not is_label(label, scheme):
            raise SchemeError(_message(labels, place, _knows(scheme)), place)
        prefix, _, kind = label.partition("-")
        if is_open and prefix in ("I", "E") and kind == found[-1].type:
            found[-1] = Span(found[-1].start, place + 1, kind)
        elif label != "O":
            found.append(Span(place, place + 1, kind))
        is_open = prefix in ("B", "I")
    return from_spans(found, len(labels), scheme)


def from_spans(spans: Iterable[Span], length: int, scheme: Scheme) -> tuple[str, ...]:
    """Return the labels of `length` words for `spans`, which may be in any order.

    Raises SchemeError for a span that is empty, without a type, outside the sentence, or overlaps another span.
    """
    labels = ["O"] * length
    previous = Span(0, 0, "")
    for span in sorted(spans):
        if not (0 <= span.start < span.end <= length and span.type):
            raise SchemeError(f"{span} needs a type and 0 <= start < end <= {length}", span.start)
        if span.start < previous.end:
            raise SchemeError(f"{span} overlaps {previous}; one label a word cannot write both", span.start)
        touches = previous.end == span.start and previous.type == span.type
        labels[span.start : span.end] = _written(span, scheme, touches)
        previous = span
    return tuple(labels)


def convert(labels: Sequence[str], source: Scheme, target: Scheme) -> tuple[str, ...]:
    """Write the same spans in another scheme. Raises SchemeError if `labels` are not valid in `source`."""
    return from_spans(spans(labels, source), len(labels), target)


def _written(span: Span, scheme: Scheme, touches: bool) -> list[str]:
    """Return the labels of a span; `touches`: a span of the same type ends where it starts."""
    length = span.end - span.start
    prefixes = ["I"] * length
    if scheme != "IOB1" or touches:
        prefixes[0] = "B"
    if scheme == "BIOES":
        prefixes[-1] = "E" if length > 1 else "S"
    return [f"{prefix}-{span.type}" for prefix in prefixes]


@lru_cache(maxsize=4096)  # a corpus has few pairs of labels: each is judged once
def _step(previous: str, label: str, scheme: Scheme) -> tuple[str, bool]:
    """Return the error of `label` after `previous` ("" if none), and True if it continues a span."""
    prefix, _, kind = label.partition("-")
    if not is_label(label, scheme):
        return _knows(scheme), False
    before, _, open_kind = previous.partition("-")
    is_open = before in ("B", "I")
    continues = is_open and prefix in ("I", "E") and kind == open_kind
    if scheme == "BIOES" and is_open and not continues:
        return f"{scheme} allows only I-{open_kind} or E-{open_kind} here", False
    if scheme != "IOB1" and prefix in ("I", "E") and not continues:
        return f"{scheme} allows {label} only after B-{kind} or I-{kind}", False
    if scheme == "IOB1" and prefix == "B" and not (is_open and kind == open_kind):
        return f"{scheme} allows {label} only after B-{kind} or I-{kind}; elsewhere a span starts with I-{kind}", False
    return "", continues


def _knows(scheme: Scheme) -> str:
    return f"{scheme} knows O and {', '.join(f'{known}-TYPE' for known in _PREFIXES[scheme])}"


def _message(labels: Sequence[str], place: int, fault: str) -> str:
    found = f"label {labels[place]!r}" if place < len(labels) else "the end of the sentence"
    before = f"after {labels[place - 1]!r}" if place else "at the start of the sentence"
    return f"{found} (word {place + 1}) {before}: {fault}"
