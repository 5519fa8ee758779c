"""Encoders keep to their device and never wait for it. Not pretrained ones: transformers looks into attention masks."""

import pytest

from structkd.tagger.config import (
    CharacterCNNConfig,
    CharacterLSTMConfig,
    HashedNgramsConfig,
    StaticVectorsConfig,
    WordsConfig,
)
from structkd.tagger.encoders.stack import Stack
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vocabulary import Vocabulary
from tests.elsewhere import elsewhere
from tests.tagger.encoders.vector_files import write_text

TOKENS = TokenBatch.from_sentences([["the", "sea"], ["the", "sea", "never-seen", "the"], ["sea"]])
CONFIGS = {
    "words": WordsConfig(dim=3),
    "char-cnn": CharacterCNNConfig(dim=3, filters=2),
    "char-lstm": CharacterLSTMConfig(dim=3, hidden=2),
    "ngrams": HashedNgramsConfig(dim=3, buckets=7),
    "static": StaticVectorsConfig(path="vectors.vec"),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_an_encoder(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_text(tmp_path / "vectors.vec", [("the", [0.5, -1.0]), ("sea", [1.0, 2.0])])
    encoder = Stack((config,), Vocabulary.build({"the": 2, "sea": 1}, min_count=1))
    with elsewhere() as device:
        found = encoder.to(device).train()(TOKENS)
        assert (found.device, found.shape) == (device, (3, 4, encoder.dim))
        if found.requires_grad:
            found.sum().backward()
    assert {weights.grad.device for weights in encoder.parameters()} <= {device}
