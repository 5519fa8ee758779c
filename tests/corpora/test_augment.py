"""Text made from a corpus."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from structkd.corpora.augment import MASK, augment
from structkd.corpora.sentences import Corpus, CorpusError, Sentence

SETTINGS = {"copies": 2, "replace": 0.2, "mask": 0.1, "join": 0.5, "seed": 3}
corpora = st.lists(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=9), min_size=1, max_size=8).map(
    lambda sentences: Corpus("xx", "train", tuple(Sentence(tuple(words), ("O",) * len(words)) for words in sentences))
)


def large(sentences=2000, words=10):
    """Every word occurs once, and names its sentence and place."""
    made = (tuple(f"{number}.{place}" for place in range(words)) for number in range(sentences))
    return Corpus("xx", "train", tuple(Sentence(tokens, ("O",) * words) for tokens in made))


@given(corpora, st.integers(1, 3), st.integers(0, 5))
def test_copies_have_no_labels_known_words_and_no_more_of_them_than_the_longest_sentence(corpus, copies, seed):
    made = augment(corpus, **(SETTINGS | {"copies": copies, "seed": seed}))
    assert len(made) == copies * len(corpus)
    assert (made.language, made.split) == ("xx", "augmented")
    known = {word for sentence in corpus for word in sentence.tokens} | {MASK}
    for sentence in made:
        assert sentence.labels is None
        assert 1 <= len(sentence) <= max(map(len, corpus))
        assert known >= set(sentence.tokens)


@given(corpora)
def test_without_changes_a_copy_is_the_corpus(corpus):
    made = augment(corpus, copies=2, replace=0, mask=0, join=0, seed=1)
    assert [sentence.tokens for sentence in made] == [sentence.tokens for sentence in corpus] * 2


def test_equal_arguments_give_equal_text_and_another_seed_another():
    assert augment(large(50), **SETTINGS).digest == augment(large(50), **SETTINGS).digest
    assert augment(large(50), **SETTINGS).digest != augment(large(50), **(SETTINGS | {"seed": 4})).digest


def test_copies_differ():
    made = augment(large(50), **SETTINGS)
    assert all(made[place] != made[place + 50] for place in range(50))


def test_words_are_replaced_and_masked_as_often_as_asked():
    corpus = large()
    made = augment(corpus, copies=1, replace=0.2, mask=0.1, join=0, seed=0)
    pairs = [pair for old, new in zip(corpus, made, strict=True) for pair in zip(old.tokens, new.tokens, strict=True)]
    masked = sum(new == MASK for _, new in pairs)
    replaced = sum(old != new for old, new in pairs) - masked
    assert masked / len(pairs) == pytest.approx(0.1, abs=0.01)  # 4 standard deviations are 0.0085
    assert replaced / len(pairs) == pytest.approx(0.2, abs=0.012)


def test_words_come_in_by_their_frequency():
    corpus = Corpus("xx", "train", tuple(Sentence(("a", "a", "a", "b")) for _ in range(3000)))
    made = augment(corpus, copies=1, replace=1, mask=0, join=0, seed=0)
    count = Counter(word for sentence in made for word in sentence.tokens)
    assert count["a"] / count.total() == pytest.approx(0.75, abs=0.017)


def test_joined_sentences_are_two_spans():
    corpus = large(500)
    made = augment(corpus, copies=1, replace=0, mask=0, join=1, seed=0)
    for number, sentence in enumerate(made):
        places = [tuple(map(int, word.split("."))) for word in sentence.tokens]
        breaks = [second for first, second in pairwise(places) if second != (first[0], first[1] + 1)]
        assert places[0][0] == number
        assert len(breaks) <= 1
    assert {len(sentence) for sentence in made} == set(range(2, 11))


def test_probabilities_of_a_word_beyond_one_are_refused():
    with pytest.raises(CorpusError, match=r"replace = 0.7 and mask = 0.5"):
        augment(large(2), copies=1, replace=0.7, mask=0.5, join=0, seed=0)


def test_the_text_is_that_of_its_version():
    """Features and artifacts are kept by the version: when this fails because the text changed, raise VERSION."""
    assert augment(large(20), **SETTINGS).digest.startswith("bc64a8e861563059")
