"""Words by their hashed n-grams."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch.testing import assert_close

from structkd.runtime.ngrams import hash_words, ngram_hashes
from structkd.tagger.bags import bag_mean
from structkd.tagger.config import HashedNgramsConfig
from structkd.tagger.encoders.ngrams import HashedNgrams
from structkd.tagger.tokens import TokenBatch
from tests.tagger.encoders.slow_subwords import slow_hash, slow_ngrams

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
ROOT = Path(__file__).parents[3]
PROGRAM = """
import torch
from structkd.tagger.config import HashedNgramsConfig
from structkd.tagger.encoders.ngrams import HashedNgrams
from structkd.tagger.tokens import TokenBatch
torch.manual_seed(0)
encoder = HashedNgrams(HashedNgramsConfig(dim=4, buckets=500))
print(encoder(TokenBatch.from_sentences([["Straße", "東京", "a"]])).tolist())
"""


def encoder(**settings):
    torch.manual_seed(0)
    return HashedNgrams(HashedNgramsConfig(**({"dim": 4, "buckets": 500} | settings)))


def vectors(encoder, names):
    return encoder(TokenBatch.from_sentences([names]))[0]


def test_ascii_hashes_are_the_published_fnv1a():
    assert hash_words([b"", b"a", b"foobar"]).tolist() == [0x811C9DC5, 0xE40C292C, 0xBF9CF968]


@given(st.lists(words, min_size=1, max_size=5), st.integers(1, 4), st.integers(0, 5), st.booleans())
def test_hashes_equal_a_loop_over_characters_and_bytes(names, min_n, more, whole):
    hashes, owners = ngram_hashes(names, min_n, min_n + more, whole=whole)
    for place, word in enumerate(names):
        expected = slow_ngrams(word, min_n, min_n + more)
        if whole and not min_n <= len(word) + 2 <= min_n + more:
            expected.append(f"<{word}>")
        assert sorted(hashes[owners == place].tolist()) == sorted(map(slow_hash, expected))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=12))
def test_a_bag_is_the_mean_of_its_rows(pairs):
    table = torch.arange(10.0).reshape(5, 2) ** 2
    rows, owners = np.array(pairs, np.int64).reshape(-1, 2).T
    expected = [table[rows[owners == word]].mean(0) if (owners == word).any() else torch.zeros(2) for word in range(4)]
    assert_close(bag_mean(table, rows, owners, 4), torch.stack(expected))


@given(st.lists(words, min_size=1, max_size=6, unique=True), st.integers(1, 4))
def test_a_vector_is_the_mean_of_its_buckets_whatever_stands_beside_it(names, min_n):
    module = encoder(min_n=min_n, max_n=min_n + 2)
    for word, vector in zip(names, vectors(module, names), strict=True):
        grams = slow_ngrams(word, min_n, min_n + 2)
        grams += [] if f"<{word}>" in grams else [f"<{word}>"]
        rows = torch.tensor([slow_hash(gram) % 500 for gram in grams])
        assert_close(vector, module.buckets.weight[rows].mean(0))


def test_sentences_of_a_batch_get_their_own_words():
    module = encoder()
    out = module(TokenBatch.from_sentences([["Oslo", "is"], ["is", "Oslo", "far"]]))
    assert out.shape == (2, 3, module.dim)
    assert_close(out[0, 0], out[1, 1])
    assert_close(out[0, 1], out[1, 0])
    assert not torch.allclose(out[0, 0], out[0, 1])


def test_gradients_reach_the_buckets_of_the_words_and_no_others():
    module = encoder(min_n=3, max_n=3)
    vectors(module, ["Oslo"]).sum().backward()
    touched = {slow_hash(gram) % 500 for gram in ("<Os", "Osl", "slo", "lo>", "<Oslo>")}
    assert set(module.buckets.weight.grad.abs().sum(1).nonzero().flatten().tolist()) == touched


def test_another_process_gives_the_same_vectors():
    other = subprocess.check_output(
        [sys.executable, "-c", PROGRAM], env=os.environ | {"PYTHONHASHSEED": "1"}, cwd=ROOT, text=True
    )
    assert_close(torch.tensor(json.loads(other))[0], vectors(encoder(), ["Straße", "東京", "a"]).detach())


def test_lengths_out_of_order_are_refused():
    with pytest.raises(ValidationError, match="max_n = 2 is below min_n = 3"):
        HashedNgramsConfig(min_n=3, max_n=2)
