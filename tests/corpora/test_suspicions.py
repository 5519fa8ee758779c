"""What looks wrong in a corpus is said, and what is usual is not."""

import pytest

from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, CorpusError, Sentence
from structkd.corpora.suspicions import suspicions, unknown_types


def corpus(tokens, labels):
    return Corpus("x", "test", (Sentence(tuple(tokens.split()), tuple(labels.split())),))


@pytest.mark.parametrize(
    ("tokens", "labels", "message"),
    [
        ("1 2 3", "O B-X O", "all words are numbers, such as 1; is the column of words"),
        ("a b", "_ _", "all 2 words have one label, _; is the column of labels"),
    ],
)
def test_a_wrong_column_is_suspected(tokens, labels, message):
    (found,) = suspicions(corpus(tokens, labels))
    assert found.startswith(message)


@pytest.mark.parametrize(("tokens", "labels"), [("a 1", "O B-X"), ("a", "O"), ("1 .", "NUM PUNCT")])
def test_an_ordinary_corpus_is_not(tokens, labels):
    assert list(suspicions(corpus(tokens, labels))) == []


def test_unknown_types_are_named_beside_the_known_ones():
    found = unknown_types(corpus("a b c", "B-Person I-Person B-LOC"), ("O", "S-LOC", "S-PER"))
    assert found == (
        "the tagger never says Person, so all of that counts as wrong; the file has LOC, Person, the tagger knows "
        "LOC, PER"
    )
    assert unknown_types(corpus("a b", "B-LOC O"), ("O", "S-LOC")) is None
    assert "never says ADJ" in unknown_types(corpus("a b", "ADJ X"), ("X",))


@pytest.mark.parametrize("other", ["B-LOC\u00a0", "B-LOC\u200b", "B-\u200dLOC", "Ｂ-LOC", "B-LOC\x1f"])
def test_labels_that_look_the_same_are_refused(other):
    with pytest.raises(CorpusError, match="look the same in print"):
        LabelSet.union(["O", "B-LOC"], [other])
    assert len(LabelSet.union(["O", "B-LOC"], ["B-LOK", "b-loc"])) == 4
