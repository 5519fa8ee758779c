"""Distributions change their scheme as label sequences do."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structkd.corpora.schemes import Span, convert, from_spans
from structkd.teachers.sources.config import SourceError
from structkd.teachers.sources.schemes import PREFIXES, SpanLabels, names_in

TYPES = ("PER", "LOC", "B-2-x")
targets = st.sampled_from(("IOB2", "BIOES"))
sources = st.sampled_from(tuple(PREFIXES))


def names_of(scheme, types=TYPES):
    return ("O", *(f"{prefix}-{kind}" for kind in types for prefix in PREFIXES[scheme]))


@st.composite
def span_sets(draw):
    length = draw(st.integers(1, 9))
    bounds = sorted(draw(st.sets(st.integers(0, length))))
    every = [Span(start, end, draw(st.sampled_from(TYPES))) for start, end in pairwise(bounds)]
    return tuple(span for span in every if draw(st.booleans())), length


@st.composite
def distributions(draw, scheme, lengths=None, types=TYPES):
    """Random distributions of the words of some sentences, some of them nearly certain."""
    names = names_of(scheme, types)
    lengths = np.array(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)) if lengths is None else lengths)
    generator = np.random.default_rng(draw(st.integers(0, 2**31)))
    scores = generator.normal(size=(lengths.sum(), len(names))) * draw(st.sampled_from([0.5, 3.0, 30.0]))
    exponentials = np.exp(scores - scores.max(1, keepdims=True))
    return names, exponentials / exponentials.sum(1, keepdims=True), lengths


def certain(sentences, names):
    rows = [names.index(label) for labels in sentences for label in labels]
    return np.eye(len(names))[rows], np.array([len(labels) for labels in sentences])


def decoded(probabilities, names, lengths):
    labels = [names[place] for place in probabilities.argmax(1)]
    ends = np.cumsum(lengths)
    return [tuple(labels[end - length : end]) for end, length in zip(ends, lengths, strict=True)]


@given(st.lists(span_sets(), min_size=1, max_size=3), st.sampled_from(("IOB1", "IOB2", "BIOES")), targets)
def test_certain_labels_become_what_the_sequences_become(drawn, source, target):
    sentences = [from_spans(spans, length, source) for spans, length in drawn]
    names = names_of(source)
    probabilities, lengths = certain(sentences, names)
    found = SpanLabels.read(names, source).convert(probabilities, lengths, target, TYPES)
    assert set(np.unique(found)) <= {0.0, 1.0}
    assert (found.sum(1) == 1).all()
    expected = [convert(labels, source, target) for labels in sentences]
    assert decoded(found, names_in(target, TYPES), lengths) == expected


@given(st.data(), targets)
def test_in_io_neighbours_of_one_type_are_one_span(data, target):
    labels = st.lists(st.sampled_from(names_of("IO")), min_size=1, max_size=8)
    sentences = data.draw(st.lists(labels, min_size=1, max_size=3))
    probabilities, lengths = certain(sentences, names_of("IO"))
    expected = [convert(labels, "IOB1", target) for labels in sentences]
    for names in (names_of("IO"), ("O", "PER", "LOC", "I-B-2-x")):
        found = SpanLabels.read(names, "IO").convert(probabilities, lengths, target, TYPES)
        assert decoded(found, names_in(target, TYPES), lengths) == expected


@given(st.data(), sources, targets)
def test_the_mass_of_o_and_of_each_type_stays(data, source, target):
    names, probabilities, lengths = data.draw(distributions(source))
    found = SpanLabels.read(names, source).convert(probabilities, lengths, target, TYPES)
    assert (found >= 0).all()
    np.testing.assert_allclose(found[:, 0], probabilities[:, 0], rtol=1e-12)
    given, became = (masses[:, 1:].reshape(len(masses), len(TYPES), -1).sum(2) for masses in (probabilities, found))
    np.testing.assert_allclose(became, given, rtol=1e-9)


@given(st.data(), sources)
def test_a_scheme_that_both_have_changes_nothing(data, scheme):
    if scheme not in ("IOB2", "BIOES"):
        return
    names, probabilities, lengths = data.draw(distributions(scheme))
    found = SpanLabels.read(names, scheme).convert(probabilities, lengths, scheme, TYPES)
    np.testing.assert_allclose(found, probabilities, rtol=1e-12)


@given(st.data(), targets)
def test_where_every_sequence_is_valid_it_is_the_mean_over_all_of_them(data, target):
    """Brute force: the posterior of the converted sequence, each weighted by the product of its words."""
    types, T = ("X", "Y"), data.draw(st.integers(1, 5))
    names, probabilities, lengths = data.draw(distributions("IO", [T], types))
    wanted = names_in(target, types)
    expected = np.zeros((T, len(wanted)))
    for path in product(range(len(names)), repeat=T):
        labels = convert([names[label] for label in path], "IOB1", target)
        weight = np.prod([probabilities[word, label] for word, label in enumerate(path)])
        for word, label in enumerate(labels):
            expected[word, wanted.index(label)] += weight
    found = SpanLabels.read(names, "IO").convert(probabilities, lengths, target, types)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-300)


@given(st.data(), st.sampled_from(("IOB1", "IOB2")))
def test_a_span_ends_where_the_next_word_does_not_go_on(data, source):
    names, probabilities, lengths = data.draw(distributions(source))
    found = SpanLabels.read(names, source).convert(probabilities, lengths, "BIOES", TYPES)
    begun = SpanLabels.read(names, source).convert(probabilities, lengths, "IOB2", TYPES)
    wanted, iob2 = names_in("BIOES", TYPES), names_in("IOB2", TYPES)
    lasts = set(np.cumsum(lengths) - 1)
    for word in range(len(found)):
        for kind in TYPES:
            on = 0.0 if word in lasts else probabilities[word + 1, names.index(f"I-{kind}")]
            first, later = (begun[word, iob2.index(f"{prefix}-{kind}")] for prefix in "BI")
            expected = {"B": first * on, "S": first * (1 - on), "I": later * on, "E": later * (1 - on)}
            for prefix, mass in expected.items():
                np.testing.assert_allclose(found[word, wanted.index(f"{prefix}-{kind}")], mass, atol=1e-12)


@pytest.mark.parametrize(
    ("names", "scheme", "words"),
    [
        (
            ("O", "B-X", "S-X", "LABEL_3"),
            "IOB2",
            "IOB2 knows O, B-TYPE, I-TYPE, but there is S-X, LABEL_3; set `scheme`",
        ),
        (("O", "B-X", "X"), "IO", "IO knows O, I-TYPE, TYPE, but there is B-X;"),
        (("O", "B-"), "IOB1", "but there is B-;"),
        (("O", "X"), "BIOES", "BIOES knows O, B-TYPE, I-TYPE, E-TYPE, S-TYPE, but there is X;"),
    ],
)
def test_labels_that_the_scheme_does_not_know_are_named(names, scheme, words):
    with pytest.raises(SourceError, match=words):
        SpanLabels.read(names, scheme)
