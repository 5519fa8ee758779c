"""What is said of corpora before anything is trained."""

from structkd.corpora.sentences import Corpus, Sentence
from structkd.corpora.survey import size_of, warnings

ADA = Sentence(("Ada", "flew"), ("S-PER", "O"))
OSLO = Sentence(("to", "New", "York"), ("O", "B-LOC", "E-LOC"))
OTHER = Sentence(("Acme", "sold", "it"), ("S-ORG", "O", "O"))


def corpora(language, train, dev, test, unlabelled=()):
    given = {"train": train, "dev": dev, "test": test} | ({"unlabelled": unlabelled} if unlabelled else {})
    return {split: Corpus(language, split, tuple(sentences)) for split, sentences in given.items()}


def said(**languages):
    return [str(one) for one in warnings(languages)]


def test_spans_and_tags_are_counted():
    found = size_of(Corpus("en", "train", (ADA, OSLO, OSLO)))
    assert (found.sentences, found.words, found.longest) == (3, 8, 3)
    assert dict(found.types) == {"PER": 1, "LOC": 2}
    assert dict(size_of(Corpus("en", "dev", (Sentence(("a", "b"), ("X", "X")),))).types) == {"X": 2}
    assert not size_of(Corpus("en", "unlabelled", (Sentence(("a",)),))).types


def test_ordinary_corpora_are_not_suspected():
    more = Sentence(("Bo", "ran"), ("S-PER", "O")), Sentence(("in", "Rome"), ("O", "S-LOC"))
    third = Sentence(("Cy", "is", "in", "Bonn"), ("S-PER", "O", "O", "S-LOC"))
    mine = [[ADA, OSLO], list(more), [third]]
    assert said(en=corpora("en", *mine), de=corpora("de", *mine)) == []


def test_sentences_in_two_splits_are_named():
    relabelled = Sentence(ADA.tokens, ("O", "O"))
    found = said(en=corpora("en", [ADA, OSLO], [ADA, OSLO], [relabelled, OSLO], [Sentence(OSLO.tokens)]))
    assert (
        "en dev: 2 of 2 sentences stand in train, too (2 of them with the same labels, such as: to New York)" in found
    )
    assert (
        "en test: 2 of 2 sentences stand in train, too (1 of them with the same labels, such as: to New York)" in found
    )
    assert "en unlabelled: 1 of 1 sentences stand in train, too (such as: to New York)" in found


def test_types_that_a_split_or_a_language_lacks_are_named():
    found = said(en=corpora("en", [ADA, OSLO], [ADA, OTHER], [ADA, OSLO]), de=corpora("de", [ADA], [ADA], [ADA]))
    assert "en dev: train has no ORG, so all of that counts as wrong" in found
    assert "en dev: has no LOC, which train has" in found
    assert "en train: no other language has LOC" in found


def test_a_wrong_column_is_suspected():
    numbers = Sentence(("1", "2"), ("X", "X"))
    found = said(en=corpora("en", [numbers], [numbers], [numbers]))
    assert any(one.startswith("en train: all words are numbers") for one in found)
    assert any(one.startswith("en train: all 2 words have one label") for one in found)
