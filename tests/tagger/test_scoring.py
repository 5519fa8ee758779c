"""Scores and the counts that they come from, held to seqeval's own."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2, IOBES

from structkd.corpora.sentences import Corpus, Sentence
from structkd.tagger.evaluation import EvaluationSet
from structkd.tagger.scoring import Outcomes, Reference, score_of

SCHEMES = {"IOB2": (IOB2, "BI"), "BIOES": (IOBES, "BIES")}


@st.composite
def labelled(draw, scheme):
    """Gold and predicted labels of some sentences; most are invalid in the scheme."""
    names = st.sampled_from(["O", *(f"{prefix}-{kind}" for prefix in SCHEMES[scheme][1] for kind in ("X", "Y-Z"))])
    words = st.lists(st.tuples(names, names), min_size=1, max_size=8)
    sentences = draw(st.lists(words, min_size=1, max_size=5))
    copied = draw(st.lists(st.booleans(), min_size=len(sentences), max_size=len(sentences)))  # right sentences
    gold = [[one for one, _ in words] for words in sentences]
    other = [[one for _, one in words] for words in sentences]
    return gold, [g if same else o for g, o, same in zip(gold, other, copied, strict=True)]


@pytest.mark.parametrize("scheme", SCHEMES)
@given(st.data())
def test_the_score_of_the_counts_is_seqevals_strict_f1(scheme, data):
    gold, predicted = data.draw(labelled(scheme))
    theirs = f1_score(gold, predicted, mode="strict", scheme=SCHEMES[scheme][0], zero_division=0)
    assert score_of(Reference("spans", gold, scheme).outcomes(predicted)) == pytest.approx(100 * theirs, rel=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("labels", [["O", "O"], ["I-X", "O"]])
def test_nothing_to_find_and_nothing_found_scores_zero_as_in_seqeval(scheme, labels):
    assert f1_score([labels], [labels], mode="strict", scheme=SCHEMES[scheme][0], zero_division=0) == 0
    assert Reference("spans", [labels], scheme).outcomes([labels]) == Outcomes((0,), (0,), (0,))
    assert score_of(Reference("spans", [labels], scheme).outcomes([labels])) == 0


@given(st.lists(st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from("AB")), min_size=1), min_size=1))
@example([[("A", "A")] * 3, [("A", "B")]])
def test_the_score_of_words_is_accuracy(sentences):
    gold, predicted = ([[pair[side] for pair in words] for words in sentences] for side in (0, 1))
    pairs = [pair for words in sentences for pair in words]
    assert score_of(Reference("accuracy", gold).outcomes(predicted)) == 100 * sum(g == p for g, p in pairs) / len(pairs)


def test_outcomes_are_counted_by_sentence():
    gold = [["B-X", "I-X", "O", "B-Y"], ["O", "O"], ["B-X", "B-X"]]
    predicted = [["B-X", "O", "O", "B-Y"], ["B-X", "I-Y"], ["B-X", "B-Y"]]  # the second: one span that ends at once
    assert Reference("spans", gold, "IOB2").outcomes(predicted) == Outcomes((1, 0, 1), (2, 1, 2), (2, 0, 2))
    assert Reference("accuracy", gold).outcomes(predicted) == Outcomes((3, 0, 1), (4, 2, 2), (4, 2, 2))


@pytest.mark.parametrize("scheme", SCHEMES)
@given(st.data())
def test_a_corpus_scores_outcomes_again_and_again(scheme, data):
    gold, predicted = data.draw(labelled(scheme))
    sentences = tuple(Sentence(("w",) * len(labels), tuple(labels)) for labels in gold)
    corpus = EvaluationSet(Corpus("en", "dev", sentences), "spans", scheme)
    reference = Reference("spans", gold, scheme)
    for labels in (predicted, gold, predicted):
        assert reference.outcomes(labels) == Reference("spans", gold, scheme).outcomes(labels)
        assert corpus.outcomes_of(labels) == reference.outcomes(labels)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="differ in their numbers"):
        Reference("spans", [["O", "O"]], "IOB2").outcomes([["O"]])
    with pytest.raises(ValueError, match="IOB2, BIOES, got 'IOB1'"):
        Reference("spans", [["O"]], "IOB1")
