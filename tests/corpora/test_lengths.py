"""A length limit loses nothing that it does not report, and leaves every label valid."""

from itertools import chain, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from structkd.corpora.lengths import LengthReport, limit_lengths
from structkd.corpora.schemes import Span, from_spans, spans
from structkd.corpora.sentences import Corpus, CorpusError, Sentence

SCHEMES = ("IOB1", "IOB2", "BIOES")


def corpus_of(*sentences):
    return Corpus("en", "train", tuple(sentences))


@st.composite
def annotated(draw, scheme):
    length = draw(st.integers(1, 25))
    bounds = sorted(draw(st.sets(st.integers(0, length))))
    every = [Span(*pair, draw(st.sampled_from("XY"))) for pair in pairwise(bounds)]
    chosen = [span for span in every if draw(st.booleans())]
    return Sentence(tuple(map(str, range(length))), from_spans(chosen, length, scheme))


@given(st.data(), st.sampled_from(SCHEMES), st.integers(1, 10))
def test_cutting_keeps_words_in_order_and_labels_valid(data, scheme, limit):
    corpus = corpus_of(*data.draw(st.lists(annotated(scheme), max_size=4)))
    limited, report = limit_lengths(corpus, limit, "cut", scheme=scheme)
    assert [*chain(*(piece.tokens for piece in limited))] == [*chain(*(sentence.tokens for sentence in corpus))]
    assert all(len(piece) <= limit for piece in limited)
    assert report.dropped_tokens == 0
    assert report.long_sentences == sum(len(sentence) > limit for sentence in corpus)
    assert len(limited) - len(corpus) == report.pieces - report.long_sentences
    before, after = placed(corpus, scheme), placed(limited, scheme)
    whole = [span for span in before if span.end - span.start <= limit]
    assert set(whole) <= set(after)
    assert report.cut_spans == len(before) - len(whole)
    assert covered(before) == covered(after)


@given(st.lists(st.integers(1, 20), max_size=6), st.integers(0, 6), st.integers(1, 8))
def test_reports_add_up(lengths, place, limit):
    sentences = [Sentence(tuple(map(str, range(length)))) for length in lengths]
    parts = (corpus_of(*sentences[:place]), corpus_of(*sentences[place:]))
    first, second = (limit_lengths(part, limit, "cut")[1] for part in parts)
    assert first + second == limit_lengths(corpus_of(*sentences), limit, "cut")[1]


def placed(corpus, scheme):
    """Every span, counted from the corpus's first word."""
    found, offset = [], 0
    for sentence in corpus:
        found += [Span(s.start + offset, s.end + offset, s.type) for s in spans(sentence.labels, scheme)]
        offset += len(sentence)
    return found


def covered(found):
    return {(place, span.type) for span in found for place in range(span.start, span.end)}


@given(st.lists(st.integers(1, 20), max_size=5), st.integers(1, 8), st.sampled_from((None, "tags")))
def test_tags_and_unlabelled_text_are_cut_anywhere(lengths, limit, kind):
    tagged = [Sentence(words, words if kind else None) for words in (tuple(map(str, range(n))) for n in lengths)]
    limited, report = limit_lengths(corpus_of(*tagged), limit, "cut")
    assert len(limited) == sum(-(-length // limit) for length in lengths)
    assert all(piece.labels == (piece.tokens if kind else None) for piece in limited)
    assert report.long_tokens == sum(length for length in lengths if length > limit)


def test_a_cut_moves_before_the_span_it_would_split():
    sentence = Sentence(tuple("abcde"), ("O", "O", "B-X", "I-X", "O"))
    limited, _ = limit_lengths(corpus_of(sentence), 3, "cut", scheme="IOB2")
    assert [piece.tokens for piece in limited] == [("a", "b"), ("c", "d", "e")]


def test_a_span_longer_than_the_limit_becomes_several():
    sentence = Sentence(tuple("abcd"), ("B-X", "I-X", "I-X", "E-X"))
    limited, report = limit_lengths(corpus_of(sentence), 3, "cut", scheme="BIOES")
    assert [piece.labels for piece in limited] == [("B-X", "I-X", "E-X"), ("S-X",)]
    assert report.cut_spans == 1


def test_dropping_reports_what_is_gone_and_keeping_changes_nothing():
    corpus = corpus_of(Sentence(tuple("abc")), Sentence(("d",)), Sentence(tuple("efghi")))
    dropped, report = limit_lengths(corpus, 2, "drop")
    assert dropped == corpus_of(Sentence(("d",)))
    assert report == LengthReport(2, "drop", 2, 8, 0, 8, 0)
    kept, report = limit_lengths(corpus, 2, "keep")
    assert kept == corpus
    assert report == LengthReport(2, "keep", 2, 8, 2, 0, 0)


def test_a_limit_below_one_and_an_unknown_policy_are_refused():
    with pytest.raises(CorpusError, match="max_tokens is 0"):
        limit_lengths(corpus_of(), 0, "cut")
    with pytest.raises(CorpusError, match="none of cut, drop, keep"):
        limit_lengths(corpus_of(), 1, "trim")
