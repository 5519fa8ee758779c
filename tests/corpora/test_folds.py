"""Folds part a corpus, and nobody who is trained on the others has seen a sentence of one."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structkd.corpora.folds import Fold, fold_numbers, inside, outside
from structkd.corpora.sentences import Corpus, CorpusError, Sentence

WORDS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(tuple)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def corpora(draw):
    """A corpus in which words recur, sometimes with other labels, and a number of folds that it can have."""
    words = draw(st.lists(WORDS, min_size=2, max_size=40).filter(lambda found: len(set(found)) > 1))
    labels = draw(st.lists(st.sampled_from("XY"), min_size=len(words), max_size=len(words)))
    sentences = (Sentence(w, (label,) * len(w)) for w, label in zip(words, labels, strict=True))
    return Corpus("en", "train", tuple(sentences)), draw(st.integers(2, len(set(words))))


@given(corpora(), seeds)
def test_every_sentence_is_in_one_fold_and_outside_all_others(made, seed):
    corpus, folds = made
    every = [Fold(number, folds) for number in range(1, folds + 1)]
    places = [inside(corpus, fold, seed) for fold in every]
    assert sorted(np.concatenate(places).tolist()) == list(range(len(corpus)))
    for fold, chosen in zip(every, places, strict=True):
        rest = [corpus[place] for place in range(len(corpus)) if place not in chosen]
        assert outside(corpus, fold, seed).sentences == tuple(rest)
        assert rest


@given(corpora(), seeds)
def test_no_sentence_of_a_fold_has_the_words_of_one_outside(made, seed):
    corpus, folds = made
    for number in range(1, folds + 1):
        trained_on = {sentence.tokens for sentence in outside(corpus, Fold(number, folds), seed)}
        assert not any(corpus[place].tokens in trained_on for place in inside(corpus, Fold(number, folds), seed))


@given(corpora(), seeds)
def test_folds_have_equally_many_different_sentences(made, seed):
    corpus, folds = made
    numbers = dict(zip((s.tokens for s in corpus), fold_numbers(corpus, folds, seed).tolist(), strict=True))
    sizes = Counter(numbers.values())
    assert set(sizes) == set(range(1, folds + 1))
    assert max(sizes.values()) - min(sizes.values()) <= 1


@given(corpora(), seeds)
def test_labels_do_not_move_a_sentence(made, seed):
    corpus, folds = made
    bare = Corpus("de", "unlabelled", tuple(Sentence(sentence.tokens) for sentence in corpus))
    assert (fold_numbers(corpus, folds, seed) == fold_numbers(bare, folds, seed)).all()


def test_the_seed_moves_sentences():
    corpus = Corpus("en", "train", tuple(Sentence((f"w{place}",)) for place in range(100)))
    first, same, other = (fold_numbers(corpus, 5, seed).tolist() for seed in (1, 1, 2))
    assert first == same != other


def test_too_few_different_sentences_are_refused():
    corpus = Corpus("en", "train", tuple(Sentence((word,)) for word in "abab"))
    with pytest.raises(CorpusError, match="en train: 2 different sentences do not make 3 folds; give it more"):
        fold_numbers(corpus, 3, 0)
