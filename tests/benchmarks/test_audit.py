"""Planted errors are those that are listed, as many of each kind, and are found where issues share a word with them."""

import polars as pl

from benchmarks.audit import KINDS, Planted, found, plant
from structkd.corpora.schemes import spans
from structkd.corpora.sentences import Corpus, Sentence


def test_each_error_is_listed_and_nothing_else_is_changed():
    sentences = [
        Sentence(("Ada", "Lovelace", "met", f"Bob{n}", "in", "Oslo"), ("B-PER", "E-PER", "O", "S-PER", "O", "S-LOC"))
        for n in range(60)
    ]
    corpus = Corpus("en", "train", tuple(sentences))
    wrong, planted = plant(corpus, "BIOES", 40, seed=3)
    assert sorted(one.kind for one in planted) == sorted(10 * KINDS)
    errors = {one.sentence: one for one in planted}
    assert len(errors) == len(planted)
    for place, (before, after) in enumerate(zip(corpus, wrong, strict=True)):
        spans(after.labels, "BIOES")  # valid
        differs = {word for word, pair in enumerate(zip(before.labels, after.labels, strict=True)) if len({*pair}) > 1}
        assert bool(differs) == (place in errors)
        assert differs <= {*range(errors[place].start, errors[place].end)} if differs else True
    assert plant(corpus, "BIOES", 40, seed=3)[0] == wrong


def test_an_error_is_found_by_an_issue_that_shares_a_word():
    issues = pl.DataFrame({"sentence_id": [1, 2, 2], "start": [0, 3, 3], "end": [1, 5, 4]})
    planted = [Planted(1, 1, 2, "type"), Planted(2, 4, 6, "border"), Planted(3, 0, 1, "removed")]
    assert found(planted, issues) == [planted[1]]
