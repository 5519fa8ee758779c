"""Schemes write spans as labels and read them back, strictly."""

import pickle
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.v1 import precision_recall_fscore_support
from seqeval.scheme import IOB2, IOBES, Entities

from structkd.corpora.schemes import Scheme, SchemeError, Span, convert, faults, from_spans, repaired, spans

SCHEMES: tuple[Scheme, ...] = ("IOB1", "IOB2", "BIOES")
schemes = st.sampled_from(SCHEMES)


@st.composite
def span_sets(draw: st.DrawFn) -> tuple[tuple[Span, ...], int]:
    length = draw(st.integers(0, 12))
    bounds = sorted(draw(st.sets(st.integers(0, length))))
    kinds = st.sampled_from(("PER", "LOC", "B-2-x", "I", "é"))
    every = [Span(start, end, draw(kinds)) for start, end in pairwise(bounds)]
    return tuple(span for span in every if draw(st.booleans())), length


@given(span_sets(), schemes)
def test_spans_come_back_from_their_labels(drawn, scheme):
    chosen, length = drawn
    assert spans(from_spans(chosen, length, scheme), scheme) == chosen


@given(span_sets(), schemes, schemes)
def test_conversion_keeps_the_spans(drawn, source, target):
    chosen, length = drawn
    converted = convert(from_spans(chosen, length, source), source, target)
    assert spans(converted, target) == chosen
    assert converted == from_spans(chosen, length, target)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_sequence_is_accepted_exactly_if_some_spans_write_it(scheme):
    """Brute force over every sequence of up to four labels and every set of spans."""
    names = ["O", *(f"{prefix}-{kind}" for prefix in "BIES" for kind in "XY")]
    for length in range(5):
        writable = {from_spans(chosen, length, scheme) for chosen in _every_span_set(length)}
        for labels in product(names, repeat=length):
            try:
                found = from_spans(spans(labels, scheme), length, scheme)
            except SchemeError:
                assert labels not in writable
            else:
                assert found == labels
                assert labels in writable


def _every_span_set(length, start=0):
    yield ()
    for first in range(start, length):
        for end in range(first + 1, length + 1):
            for kind in "XY":
                for rest in _every_span_set(length, end):
                    yield (Span(first, end, kind), *rest)


@given(st.lists(span_sets(), min_size=1, max_size=4), st.sampled_from([("IOB2", IOB2), ("BIOES", IOBES)]))
def test_seqeval_strict_reads_the_same_spans(drawn, pair):
    scheme, theirs = pair
    sentences = [list(from_spans(chosen, length, scheme)) for chosen, length in drawn]
    read = Entities(sentences, theirs, suffix=False).entities
    found = [[Span(entity.start, entity.end, entity.tag) for entity in sentence] for sentence in read]
    assert found == [list(spans(labels, scheme)) for labels in sentences]


@given(span_sets(), span_sets(), st.sampled_from([("IOB2", IOB2), ("BIOES", IOBES)]))
def test_seqeval_strict_counts_the_same_hits(gold, predicted, pair):
    scheme, theirs = pair
    length = max(gold[1], predicted[1])
    if not gold[0] or not predicted[0]:
        return  # seqeval warns where a score is undefined
    sequences = [[list(from_spans(chosen, length, scheme))] for chosen, _ in (gold, predicted)]
    precision, recall, _, support = precision_recall_fscore_support(
        *sequences, average="micro", scheme=theirs, zero_division=0
    )
    hits = len(set(gold[0]) & set(predicted[0]))
    assert precision == hits / len(predicted[0])
    assert recall == hits / len(gold[0])
    assert support == len(gold[0])


@pytest.mark.parametrize(
    ("labels", "scheme", "place", "words"),
    [
        (["O", "I-PER"], "IOB2", 1, ["label 'I-PER'", "word 2", "after 'O'", "only after B-PER or I-PER"]),
        (["I-PER"], "IOB2", 0, ["at the start of the sentence"]),
        (["B-PER", "I-LOC"], "IOB2", 1, ["after 'B-PER'", "only after B-LOC or I-LOC"]),
        (["O", "B-PER"], "IOB1", 1, ["label 'B-PER'", "elsewhere a span starts with I-PER"]),
        (["I-LOC", "B-PER"], "IOB1", 1, ["only after B-PER or I-PER"]),
        (["B-PER", "O"], "BIOES", 1, ["label 'O'", "after 'B-PER'", "only I-PER or E-PER"]),
        (["O", "B-PER"], "BIOES", 2, ["the end of the sentence", "after 'B-PER'", "only I-PER or E-PER"]),
        (["S-PER", "E-PER"], "BIOES", 1, ["label 'E-PER'", "only after B-PER or I-PER"]),
        (["S-PER"], "IOB2", 0, ["IOB2 knows O and B-TYPE, I-TYPE"]),
        (["B-"], "IOB2", 0, ["label 'B-'"]),
        (["B"], "IOB2", 0, ["label 'B'"]),
        (["O-X"], "BIOES", 0, ["label 'O-X'"]),
        ([""], "IOB1", 0, ["label ''"]),
        (["-PER"], "IOB2", 0, ["label '-PER'"]),
        (["BI-PER"], "IOB2", 0, ["label 'BI-PER'"]),
    ],
)
def test_an_invalid_sequence_is_named(labels, scheme, place, words):
    with pytest.raises(SchemeError) as caught:
        spans(labels, scheme)
    assert caught.value.place == place
    for word in words:
        assert word in str(caught.value)


def test_a_type_may_hold_dashes():
    assert spans(["B-a-b", "I-a-b"], "IOB2") == (Span(0, 2, "a-b"),)


@pytest.mark.parametrize("wrong", [Span(0, 0, "X"), Span(2, 1, "X"), Span(-1, 1, "X"), Span(2, 4, "X"), Span(0, 1, "")])
def test_a_span_outside_the_sentence_or_without_a_type_is_refused(wrong):
    with pytest.raises(SchemeError, match="start < end <= 3"):
        from_spans([wrong], 3, "IOB2")


def test_overlapping_spans_are_refused():
    with pytest.raises(SchemeError, match="overlaps"):
        from_spans([Span(1, 3, "X"), Span(0, 2, "Y")], 3, "IOB2")


def test_an_error_survives_the_way_between_processes():
    error = pickle.loads(pickle.dumps(SchemeError("why", 7)))
    assert (str(error), error.place) == ("why", 7)


LABELS = [f"{prefix}-{kind}" for prefix in "BIES" for kind in "XY"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_repair_changes_invalid_sequences_alone_and_makes_them_valid(scheme):
    """Brute force over every sequence of up to four labels of the scheme."""
    names = ["O", *(label for label in LABELS if scheme == "BIOES" or label[0] in "BI")]
    for length in range(5 if scheme != "BIOES" else 4):
        for labels in product(names, repeat=length):
            valid = not faults(labels, scheme)
            mended = repaired(labels, scheme)
            assert not faults(mended, scheme)
            assert (mended == labels) == valid
            assert [label == "O" for label in mended] == [label == "O" for label in labels]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("O I-X I-X", "O B-X I-X"),
        ("B-X I-Y I-Y", "B-X B-Y I-Y"),
        ("I-X O I-X", "B-X O B-X"),
    ],
)
def test_repair_reads_as_conlleval_reads(labels, expected):
    assert repaired(labels.split(), "IOB2") == tuple(expected.split())


def test_all_faults_are_found():
    assert [error.place for error in faults(["O", "I-X", "I-X", "O", "I-Y", "B-X", "X"], "IOB2")] == [1, 4, 6]
    assert faults(["B-X"], "BIOES")[0].place == 1
