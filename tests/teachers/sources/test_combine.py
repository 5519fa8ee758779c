"""Several teachers as one, by the definitions of both rules."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, Sentence
from structkd.teachers.sources.base import LOG_ZERO, SoftmaxSource, log_floored
from structkd.teachers.sources.combine import Combination
from structkd.teachers.sources.config import SourceError
from structkd.teachers.sources.tagger import TaggerSource
from tests.examples import examples
from tests.teachers.sources.examples import SPANS, make_tagger, passage

SHORT = Corpus("en", "train", (Sentence(("Ada", "in", "Rome")), Sentence(("no",))))
PATHS = torch.tensor(list(product(range(len(SPANS)), repeat=3)))[None].expand(2, -1, -1)
SOURCES = tuple(TaggerSource(make_tagger(seed=seed), SPANS) for seed in range(3))
weights = st.lists(st.floats(0.1, 10), min_size=3, max_size=3)


@examples(15)
@given(weights)
def test_a_product_is_the_normalised_geometric_mean_of_all_sequences(weights):
    found = Combination(SOURCES, "product", weights).chain(passage(SHORT))
    scores = sum(w * s.chain(passage(SHORT)).log_prob(PATHS) for w, s in zip(weights, SOURCES, strict=True))
    scores = scores / sum(weights)
    expected = scores[0].log_softmax(0), scores[1, :: len(SPANS) ** 2].log_softmax(0)
    torch.testing.assert_close(found.log_prob(PATHS)[0], expected[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.log_prob(PATHS)[1, :: len(SPANS) ** 2], expected[1], atol=1e-4, rtol=1e-4)


@examples(15)
@given(weights)
def test_a_mean_has_the_mean_marginals_and_no_transitions(weights):
    combination = Combination(SOURCES, "mean", weights)
    found = combination.chain(passage(SHORT))
    marginals = [w * s.chain(passage(SHORT)).marginals for w, s in zip(weights, SOURCES, strict=True)]
    torch.testing.assert_close(found.marginals, sum(marginals) / sum(weights), atol=1e-5, rtol=1e-4)
    for scores in (combination.transitions, combination.start, combination.end):
        assert not scores.any()


@examples(15)
@given(weights, st.sampled_from(SOURCES))
def test_copies_of_one_source_say_what_it_says(weights, source):
    expected = source.chain(passage())
    product = Combination([source] * 3, "product", weights).chain(passage())
    for name in ("emissions", "transitions", "start", "end"):
        torch.testing.assert_close(getattr(product, name), getattr(expected, name), atol=1e-5, rtol=1e-5)
    mean = Combination([source] * 3, "mean", weights).chain(passage())
    torch.testing.assert_close(mean.marginals, expected.marginals, atol=1e-5, rtol=1e-4)


class Probabilities(SoftmaxSource):
    """The same distribution at each word."""

    def __init__(self, probabilities):
        super().__init__(LabelSet(("A", "B", "C")))
        self._probabilities = np.array(probabilities, np.float32)

    def chain(self, passage):
        words = np.tile(self._probabilities, (int(passage.lengths.sum()), 1))
        return self._chain(log_floored(words / words.sum(1, keepdims=True)), passage.lengths)


expert = st.lists(st.integers(0, 3), min_size=3, max_size=3).filter(any)


@given(expert, expert, st.floats(0.05, 20))
def test_what_one_expert_rules_out_the_product_does(first, second, weight):
    both = [label for label in range(3) if first[label] and second[label]]
    combination = Combination([Probabilities(first), Probabilities(second)], "product", [1.0, weight])
    chain = combination.chain(passage(Corpus("en", "train", (Sentence(("a", "b")),))))
    paths, log_probs, _ = chain.kbest(9)
    possible = paths[0][log_probs[0] > LOG_ZERO / 2].tolist()
    if both:
        assert sorted(possible) == [list(path) for path in product(both, repeat=2)]
    else:  # no label is left: what most of the weight is for
        assert possible


def test_without_weights_all_count_the_same():
    for rule in ("mean", "product"):
        plain, weighted = Combination(SOURCES, rule), Combination(SOURCES, rule, [2.0, 2.0, 2.0])
        torch.testing.assert_close(plain.chain(passage()).emissions, weighted.chain(passage()).emissions)


def test_sources_that_cannot_be_combined_are_refused():
    turned = TaggerSource(make_tagger(), LabelSet(SPANS.names[::-1]))
    with pytest.raises(SourceError, match=r"sources 0 and 1 differ in their labels: O, B-LOC, .*; I-PER, B-PER, "):
        Combination([SOURCES[0], turned], "mean")
    with pytest.raises(SourceError, match=r"2 sources have weights \[1.0, 0.0\]; each needs one above 0"):
        Combination(SOURCES[:2], "mean", [1.0, 0.0])
    with pytest.raises(SourceError, match=r"2 sources have weights \[1.0\]"):
        Combination(SOURCES[:2], "product", [1.0])
    with pytest.raises(SourceError, match=r"0 sources have weights \[\]"):
        Combination([], "mean")
