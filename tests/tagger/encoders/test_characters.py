"""Words by an LSTM over their characters."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from structkd.runtime.alphabet import MAX_CHARACTERS
from structkd.tagger.config import CharacterLSTMConfig
from structkd.tagger.encoders.characters import CharacterLSTM
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vocabulary import Vocabulary

VOCABULARY = Vocabulary.build({"Ada": 1, "met": 1, "Grace": 1, "東京": 1})
words = st.text("Adametrc東京?", min_size=1, max_size=MAX_CHARACTERS + 3)


def encoder():
    torch.manual_seed(0)
    return CharacterLSTM(CharacterLSTMConfig(dim=5, hidden=4), VOCABULARY)


@given(st.lists(words, min_size=1, max_size=6, unique=True))
def test_a_vector_is_the_final_states_of_a_bidirectional_lstm_over_the_word_alone(names):
    module = encoder()
    both = nn.LSTM(5, 4, bidirectional=True)
    for suffix, lstm in (("", module.ahead), ("_reverse", module.back)):
        for name, weight in lstm.named_parameters():
            getattr(both, name + suffix).data = weight.data
    for word, vector in zip(names, module(TokenBatch.from_sentences([names]))[0], strict=True):
        _, (states, _) = both(module.characters(VOCABULARY.encode_characters([word])[0]))
        assert_close(vector, states.flatten())


def test_a_vector_does_not_depend_on_its_batch():
    module = encoder()
    alone = module(TokenBatch.from_sentences([["met"]]))[0, 0]
    batch = TokenBatch.from_sentences([["Ada", "met"], ["a" * 40, "Grace", "met"]])
    assert_close(module(batch)[0, 1], alone)
    assert_close(module(batch)[1, 2], alone)
    assert alone.shape == (module.dim,)


def test_gradients_reach_all_but_the_padding():
    module = encoder()
    module(TokenBatch.from_sentences([["Ada", "Grace?"]])).pow(2).sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in module.parameters())
    trained = module.characters.weight.grad.abs().sum(1) > 0
    shown = VOCABULARY.encode_characters(["AdaGrace?"])[0].unique()
    assert trained.nonzero().flatten().tolist() == shown.tolist()
