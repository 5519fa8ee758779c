"""A limit on the length of sentences, and a report of its effects."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from structkd.corpora.schemes import Scheme, Span, from_spans, spans
from structkd.corpora.sentences import Corpus, CorpusError, Sentence

LengthPolicy = Literal["cut", "drop", "keep"]


@dataclass(frozen=True)
class LengthReport:
    """The effects of a limit on longer sentences."""

    max_tokens: int
    policy: LengthPolicy
    long_sentences: int
    """Sentences over the limit."""
    long_tokens: int
    """Words in them."""
    pieces: int
    """Sentences in their place: none if dropped, the same if kept."""
    dropped_tokens: int
    """Words that were removed."""
    cut_spans: int
    """Spans longer than the limit, which were split."""

    def __add__(self, other: "LengthReport") -> "LengthReport":
        """Add the effects of the same limit on two corpora."""
        counts = ("long_sentences", "long_tokens", "pieces", "dropped_tokens", "cut_spans")
        return replace(self, **{name: getattr(self, name) + getattr(other, name) for name in counts})


class LengthLimit:
    """A limit on the length of sentences in words; `report` contains its effects so far.

    "cut" replaces a long sentence by consecutive pieces of at most `max_tokens` words and loses none. With a `scheme`,
    a cut inside a span moves before the span. Only a span longer than `max_tokens` is itself cut, into spans of its
    type. The labels of every piece are valid. Without a scheme (tags, unlabelled text) cuts are anywhere. "drop" leaves
    long sentences out; with "keep", nothing changes and they are only counted.

    Raises CorpusError for `max_tokens` below 1.
    """

    def __init__(self, max_tokens: int, policy: LengthPolicy, *, scheme: Scheme | None = None) -> None:
        if max_tokens < 1:
            raise CorpusError(f"max_tokens is {max_tokens}; a sentence has at least one word")
        if policy not in ("cut", "drop", "keep"):
            raise CorpusError(f"policy {policy!r} is none of cut, drop, keep")
        self.report = LengthReport(max_tokens, policy, 0, 0, 0, 0, 0)
        self._scheme = scheme

    def limited(self, sentences: Iterable[Sentence]) -> Iterator[Sentence]:
        """Yield sentences within the limit. Raises SchemeError for labels that are not valid in the scheme."""
        for sentence in sentences:
            if len(sentence) <= self.report.max_tokens:
                yield sentence
            else:
                yield from self._pieces(sentence)

    def _pieces(self, sentence: Sentence) -> list[Sentence]:
        report = self.report
        pieces, cut_spans = _limited(sentence, report.max_tokens, report.policy, self._scheme)
        self.report = replace(
            report,
            long_sentences=report.long_sentences + 1,
            long_tokens=report.long_tokens + len(sentence),
            pieces=report.pieces + len(pieces),
            dropped_tokens=report.dropped_tokens + len(sentence) - sum(map(len, pieces)),
            cut_spans=report.cut_spans + cut_spans,
        )
        return pieces


def limit_lengths(
    corpus: Corpus, max_tokens: int, policy: LengthPolicy, *, scheme: Scheme | None = None
) -> tuple[Corpus, LengthReport]:
    """Return a corpus within a `LengthLimit`, and the report. Raises as that does."""
    limit = LengthLimit(max_tokens, policy, scheme=scheme)
    return replace(corpus, sentences=tuple(limit.limited(corpus))), limit.report


def _limited(
    sentence: Sentence, max_tokens: int, policy: LengthPolicy, scheme: Scheme | None
) -> tuple[list[Sentence], int]:
    """Return the replacement of a long sentence, and the number of its cut spans."""
    if policy == "drop":
        return [], 0
    if policy == "keep":
        return [sentence], 0
    if scheme is None or sentence.labels is None:
        return [_piece(sentence, start, end) for start, end in _bounds(len(sentence), (), max_tokens)], 0
    found = spans(sentence.labels, scheme)
    pieces = [
        Sentence(sentence.tokens[start:end], from_spans(_clipped(found, start, end), end - start, scheme))
        for start, end in _bounds(len(sentence), found, max_tokens)
    ]
    return pieces, sum(span.end - span.start > max_tokens for span in found)


def _bounds(length: int, found: tuple[Span, ...], max_tokens: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each piece: as long as the limit and the spans allow."""
    straddled = {place: span.start for span in found for place in range(span.start + 1, span.end)}
    start = 0
    while start < length:
        end = min(start + max_tokens, length)
        before = straddled.get(end, end)
        end = before if before > start else end  # a span that fills the piece is longer than the limit
        yield start, end
        start = end


def _clipped(found: tuple[Span, ...], start: int, end: int) -> Iterator[Span]:
    """Yield the parts of spans inside a piece, counted from its start."""
    for span in found:
        if span.start < end and span.end > start:
            yield Span(max(span.start, start) - start, min(span.end, end) - start, span.type)


def _piece(sentence: Sentence, start: int, end: int) -> Sentence:
    return Sentence(sentence.tokens[start:end], sentence.labels and sentence.labels[start:end])
