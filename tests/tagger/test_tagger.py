"""Taggers: what goes in, what comes out, and what they keep on disk."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from structkd.corpora.labels import LabelSet
from structkd.ground.sealed import read_sealed, write_sealed
from structkd.runtime.alphabet import PAD_CHARACTER, UNKNOWN
from structkd.runtime.batches import length_batches
from structkd.runtime.tagging import TextTagger
from structkd.tagger.checkpoint import load_tagger, save_tagger
from structkd.tagger.config import TaggerConfig, WordsConfig
from structkd.tagger.description import CheckpointError
from structkd.tagger.model import Tagger
from structkd.tagger.prediction import best_labels, token_batches
from structkd.tagger.scoring import Reference, score_of
from structkd.tagger.texts import TorchScorer
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vocabulary import Vocabulary
from tests.small import small_encoders

LABELS = LabelSet(("O", "S-LOC", "S-PER"))
SENTENCES = [["Ada", "met", "Grace"], ["London"], ["She", "left", "Extraordinarily-Long-Named", "Oslo", "."]]
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


def tagger(seed=0, **sizes):
    torch.manual_seed(seed)
    counts = {word: 1 for words in SENTENCES[:2] for word in words}
    config = TaggerConfig(**({"encoders": small_encoders(6, 4, 5, dropout=0.1), "hidden": 7} | sizes))
    return Tagger(config, Vocabulary.build(counts), LABELS).eval()


@given(st.lists(st.lists(words, min_size=1, max_size=6), min_size=1, max_size=5))
def test_a_batch_holds_its_sentences(sentences):
    column = pa.array([["before"], *sentences, ["after"]]).slice(1, len(sentences))
    for batch in (TokenBatch.from_sentences(sentences), TokenBatch.from_arrow(pa.chunked_array([column]))):
        rows = zip(batch.index.tolist(), batch.lengths.tolist(), strict=True)
        assert [[batch.words[place] for place in row[:n]] for row, n in rows] == sentences
        assert len(set(batch.words)) == len(batch.words)


def test_a_sentence_without_words_and_an_empty_word_are_refused():
    with pytest.raises(ValueError, match="sentence 1 of the batch has no words"):
        TokenBatch.from_sentences([["a"], []])
    with pytest.raises(ValueError, match="a word of the batch is empty"):
        TokenBatch.from_sentences([["a"], ["b", ""]])


@given(st.lists(st.integers(1, 20), max_size=30), st.integers(1, 40))
def test_length_batches_part_the_sentences_within_the_budget(lengths, budget):
    groups = length_batches(lengths, budget)
    assert sorted(int(place) for group in groups for place in group) == list(range(len(lengths)))
    for group in groups:
        longest = max(lengths[place] for place in group)
        assert len(group) == 1 or longest * len(group) <= budget


def test_a_vocabulary_keeps_frequent_words_lower_cased():
    vocabulary = Vocabulary.build({"Oslo": 2, "OSLO": 1, "Rome": 1}, min_count=2)
    assert vocabulary.words == ("oslo",)
    assert vocabulary.encode_words(["oslo", "Oslo", "Rome"]).tolist() == [1, 1, UNKNOWN]


@given(st.lists(words, min_size=1, max_size=5))
def test_characters_are_encoded_one_by_one(batch):
    vocabulary = Vocabulary.build(dict.fromkeys(batch[:2], 1))
    known = {character: place for place, character in enumerate(vocabulary.characters, PAD_CHARACTER + 1)}
    for word, row in zip(batch, vocabulary.encode_characters(batch).tolist(), strict=True):
        shown = word if len(word) <= 24 else word[:12] + word[-12:]
        expected = [known.get(character, UNKNOWN) for character in shown]
        assert row[: len(shown)] == expected
        assert set(row[len(shown) :]) <= {PAD_CHARACTER}


def test_an_empty_vocabulary_knows_nothing():
    vocabulary = Vocabulary.build({})
    assert vocabulary.encode_words(["a"]).tolist() == [UNKNOWN]
    assert vocabulary.encode_characters(["ab"]).tolist() == [[UNKNOWN, UNKNOWN]]


@pytest.mark.parametrize("sizes", [{}, {"encoders": (WordsConfig(dim=6),)}, {"layers": 2}, {"hidden": 0}], ids=str)
def test_a_sentence_gets_the_same_scores_in_any_company(sizes):
    model = tagger(**sizes)
    with torch.no_grad():
        together = model(TokenBatch.from_sentences(SENTENCES)).emissions
        for b, sentence in enumerate(SENTENCES):
            alone = model(TokenBatch.from_sentences([sentence])).emissions
            assert_close(together[b, : len(sentence)], alone[0], atol=1e-6, rtol=1e-5)


def test_gradients_reach_every_weight():
    model = tagger(layers=2).train()
    chain = model(TokenBatch.from_sentences(SENTENCES))
    chain.log_prob(torch.ones(3, 5, dtype=torch.long)).sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_labels_keep_the_order_and_the_training():
    model = tagger().train()
    together = best_labels(model, token_batches(SENTENCES, 6))
    assert together == [best_labels(model, token_batches([sentence]))[0] for sentence in SENTENCES]
    assert model.training


def test_a_tagger_of_texts_gives_the_labels_and_the_marginals_of_the_torch_chain():
    model = tagger()
    found = TextTagger(TorchScorer(model, "BIOES")).tag_sentences(SENTENCES)
    assert [one.labels for one in found] == best_labels(model, token_batches(SENTENCES))
    for sentence, one in zip(SENTENCES, found, strict=True):
        with torch.no_grad():
            marginals = model(TokenBatch.from_sentences([sentence])).marginals[0]
        chosen = marginals[torch.arange(len(sentence)), torch.from_numpy(LABELS.encode(one.labels))]
        assert_close(torch.tensor(one.probabilities), chosen.double(), atol=1e-6, rtol=1e-5, check_dtype=False)


def test_a_checkpoint_gives_the_same_tagger_back(tmp_path):
    model = tagger()
    save_tagger(model, tmp_path, {"languages": ["en"]})
    again, batch = load_tagger(tmp_path), TokenBatch.from_sentences(SENTENCES)
    assert torch.equal(model(batch).emissions, again(batch).emissions)
    assert again.labels == LABELS
    assert {path.suffix for path in tmp_path.iterdir()} == {".safetensors", ".json"}


def edited(path, **changes):
    write_sealed(path, read_sealed(path) | changes)


DAMAGES = {
    "weights missing": ("model.safetensors", lambda path: path.unlink()),
    "weights cut": ("model.safetensors", lambda path: path.write_bytes(path.read_bytes()[:-3])),
    "weights flipped": ("model.safetensors", lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\7")),
    "description missing": ("tagger.json", lambda path: path.unlink()),
    "description cut": ("tagger.json", lambda path: path.write_bytes(path.read_bytes()[:-9])),
    "future format": ("tagger.json", lambda path: edited(path, format=99)),
    "unknown key": ("tagger.json", lambda path: edited(path, surprise=1)),
    "other labels": ("tagger.json", lambda path: edited(path, labels=["O"])),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_refused(tmp_path, damage):
    save_tagger(tagger(), tmp_path, {})
    name, spoil = DAMAGES[damage]
    spoil(tmp_path / name)
    with pytest.raises(CheckpointError, match=str(tmp_path)):
        load_tagger(tmp_path)


def test_span_scores_are_strict():
    gold = [["B-PER", "E-PER", "O"], ["S-LOC"]]
    invalid = [["B-PER", "I-PER", "O"], ["S-LOC"]]  # a span that never ends; lenient scoring forgives it
    reference = Reference("spans", gold, "BIOES")
    assert score_of(reference.outcomes(gold)) == 100
    assert score_of(reference.outcomes(invalid)) == pytest.approx(200 / 3)


def test_accuracy_counts_words():
    assert score_of(Reference("accuracy", [["A", "B"], ["A"]]).outcomes([["A", "A"], ["A"]])) == pytest.approx(200 / 3)


def test_scores_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match="differ in their numbers"):
        Reference("accuracy", [["A", "B"]]).outcomes([["A"]])
    with pytest.raises(ValueError, match="needs a scheme"):
        Reference("spans", [["O"]])


def test_label_ids_follow_names_not_places():
    assert np.array_equal(LabelSet.union(["S-PER"], ["O", "S-LOC"]).encode(["S-PER", "O"]), [2, 0])
