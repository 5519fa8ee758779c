"""A tagger of this project as a teacher says what it says, in the task's order of labels."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from structkd.corpora.labels import LabelSet
from structkd.tagger.tokens import TokenBatch
from structkd.teachers.sources.config import SourceError
from structkd.teachers.sources.tagger import TaggerSource
from tests.teachers.sources.examples import CORPUS, SPANS, make_tagger, passage


@given(st.permutations(range(len(SPANS))))
def test_every_sequence_has_the_taggers_probability_in_any_order_of_labels(order):
    tagger = make_tagger()
    source = TaggerSource(tagger, LabelSet(tuple(SPANS.names[place] for place in order)))
    found = source.chain(passage())
    with torch.no_grad():
        expected = tagger(TokenBatch.from_sentences(sentence.tokens for sentence in CORPUS))
        paths = expected.sample(20, torch.Generator().manual_seed(1))
        theirs = torch.tensor(order).argsort()[paths]
        torch.testing.assert_close(found.log_prob(theirs), expected.log_prob(paths))
    for scores in (found.emissions, source.transitions, source.start, source.end):
        assert not scores.requires_grad
    torch.testing.assert_close(found.transitions, source.transitions)


def test_only_the_sentences_asked_for_are_read_and_without_dropout():
    source = TaggerSource(make_tagger().train(), SPANS)
    every, some = source.chain(passage()), source.chain(passage(places=[3, 1]))
    assert some.lengths.tolist() == [6, 1]
    torch.testing.assert_close(some.emissions[0], every.emissions[3])
    torch.testing.assert_close(some.emissions[1, 0], every.emissions[1, 0])


def test_other_labels_are_an_error_that_shows_both():
    task = LabelSet(("O", "B-PER", "I-PER", "B-ORG"))
    with pytest.raises(
        SourceError,
        match="runs/x: lacks B-ORG of the task and has B-LOC, I-LOC beside it; "
        "teacher: O, B-LOC, I-LOC, B-PER, I-PER; task: O, B-PER, I-PER, B-ORG",
    ):
        TaggerSource(make_tagger(), task, "runs/x")
