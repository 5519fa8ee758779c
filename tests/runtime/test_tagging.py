"""Entities, their probabilities, and texts of any kind."""

import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.scheme import IOB2, IOBES, Tokens

from structkd.runtime.chain import Chain
from structkd.runtime.records import record
from structkd.runtime.spans import strict_spans
from structkd.runtime.splitting import split_blanks
from structkd.runtime.tagging import WINDOW, TextTagger, Wanted
from tests.examples import examples
from tests.spans import span_labels

SCHEMES = {"IOB2": (IOB2, "BI"), "BIOES": (IOBES, "BIES")}


def labels_of(scheme, kinds=("X", "Y")):
    return ("O", *(f"{prefix}-{kind}" for kind in kinds for prefix in SCHEMES[scheme][1]))


class Drawn:
    """Scores that depend on the words alone, and on where they stand."""

    def __init__(self, labels, scheme, seed=0, spread=1.5):
        rng = np.random.default_rng(seed)
        L = len(labels)
        self.labels, self.scheme = labels, scheme
        self.chain = Chain(*(rng.normal(0, spread, size) for size in ((L, L), L, L)))
        self._table = rng.normal(0, spread, (97, L)).astype(np.float32)

    def emissions(self, sentences):
        found = np.full((len(sentences), max(map(len, sentences)), len(self.labels)), np.nan, np.float32)
        for b, words in enumerate(sentences):
            for i, word in enumerate(words):
                found[b, i] = self._table[(sum(map(ord, word)) + i) % 97]
        return found


@pytest.mark.parametrize("scheme", SCHEMES)
def test_spans_are_those_of_the_strict_scorer(scheme):
    for labels in product(labels_of(scheme), repeat=4):
        found = [(span.type, span.start, span.end) for span in strict_spans(labels, scheme)]
        strict = Tokens(list(labels), SCHEMES[scheme][0]).entities
        assert found == [(one.tag, one.start, one.end) for one in strict]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_labels_of_a_span_write_it(scheme):
    for labels in product(labels_of(scheme), repeat=3):
        for span in strict_spans(labels, scheme):
            assert list(labels[span.start : span.end]) == span_labels(span, scheme)


@pytest.mark.parametrize("scheme", SCHEMES)
@given(st.integers(0, 10_000), st.integers(1, 4))
@examples(15)
def test_an_entitys_probability_is_that_of_all_sequences_with_it(scheme, seed, length):
    scorer = Drawn(labels_of(scheme), scheme, seed)
    words = [f"w{seed % 13 + i}" for i in range(length)]
    (tagged,) = TextTagger(scorer).tag_sentences([words])
    every = scorer.chain.on(scorer.emissions([words]), np.array([length])).kbest(0, len(scorer.labels) ** length)
    named = [([scorer.labels[label] for label in path.labels], np.exp(path.log_prob)) for path in every]
    assert sum(chance for _, chance in named) == pytest.approx(1)
    for entity in tagged.entities:
        truth = sum(
            chance
            for labels, chance in named
            if (entity.first, entity.last, entity.type)
            in [(span.start, span.end, span.type) for span in strict_spans(labels, scheme)]
        )
        assert entity.probability == pytest.approx(truth, abs=1e-6)


def tagger(scheme="BIOES", seed=0):
    return TextTagger(Drawn(labels_of(scheme), scheme, seed))


def test_offsets_point_into_the_text():
    texts = ["  Ada  flew to Mu\u0308nchen \U0001f469\u200d\U0001f467!", "", " \t ", "one", "Ada flew " * 40]
    found = tagger().tag(texts, Wanted(marginals=True, k=3))
    assert [one.text for one in found] == texts
    assert not found[1].words
    assert not found[2].labels
    assert not found[2].labelings
    assert found[2].marginals.shape == (0, 9)
    assert any(one.entities for one in found)
    for one in found:
        assert len(one.words) == len(one.labels) == len(one.probabilities) == len(one.marginals)
        for word in one.words:
            assert one.text[word.start : word.end] == word.text
        for entity in one.entities:
            assert one.text[entity.start : entity.end] == entity.text
            assert one.words[entity.first].start == entity.start
            assert one.words[entity.last - 1].end == entity.end
        if one.words:
            assert one.labelings[0].labels == one.labels
            np.testing.assert_allclose(one.marginals.sum(1), 1)


def test_a_long_text_is_read_in_windows():
    words = [f"w{i % 50}" for i in range(2 * WINDOW + 7)]
    (found,) = tagger().tag([" ".join(words)], Wanted(k=4), words_of=split_blanks)
    parts = tagger().tag_sentences(
        [words[first : first + WINDOW] for first in range(0, len(words), WINDOW)], Wanted(k=1)
    )
    assert found.labels == tuple(label for part in parts for label in part.labels)
    assert found.labelings[0].labels == found.labels
    assert found.labelings[0].probability == pytest.approx(np.prod([part.labelings[0].probability for part in parts]))
    chances = [one.probability for one in found.labelings]
    assert chances == sorted(chances, reverse=True)
    assert len({one.labels for one in found.labelings}) == 4


def test_a_threshold_leaves_out_the_less_probable():
    texts = ["one two three four five six"] * 1
    every = tagger().tag(texts)[0].entities
    middle = sorted(entity.probability for entity in every)[len(every) // 2]
    kept = tagger().tag(texts, Wanted(threshold=middle))[0].entities
    assert kept == tuple(entity for entity in every if entity.probability >= middle)
    assert 0 < len(kept) < len(every)


def test_tags_are_no_entities():
    scorer = Drawn(("NOUN", "VERB"), None)
    (found,) = TextTagger(scorer).tag(["a b c"])
    assert len(found.labels) == 3
    assert found.entities == ()


@given(st.lists(st.text(max_size=30), max_size=6))
@examples(30)
def test_a_batch_changes_nothing(texts):
    together = tagger().tag(texts)
    alone = [tagger().tag([text])[0] for text in texts]
    assert [one.labels for one in together] == [one.labels for one in alone]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-9)


def test_a_record_is_plain_json():
    (found,) = tagger().tag(["Ada flew to Oslo today"], Wanted(k=2, marginals=True))
    plain = record(found)
    assert json.loads(json.dumps(plain)) == plain
    assert list(plain) == [
        "text", "tokens", "offsets", "labels", "probabilities", "entities", "labelings", "marginals",
    ]  # fmt: skip
    assert [plain["text"][start:end] for start, end in plain["offsets"]] == plain["tokens"]
    assert {round(chance, 4) for chance in plain["probabilities"]} == set(plain["probabilities"])
    assert len(plain["labelings"]) == 2
    assert list(record(tagger().tag([""])[0])) == list(plain)[:6]
