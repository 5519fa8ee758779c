"""A pruned encoder cuts its text as before, and says the same of it."""

import json

import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerFast

from benchmarks.gpu.prune import TABLE, prune, words_of

PIECES = ["▁", "▁the", "▁sea", "s", "h", "ore", "▁sh", "o", "r", "e", "▁wave", "z"]


@pytest.fixture
def encoder(tmp_path):
    vocabulary = [("<pad>", 0.0), ("<unk>", 0.0), *((piece, -2.0 - place) for place, piece in enumerate(PIECES))]
    unigram = Tokenizer(models.Unigram(vocabulary, unk_id=1, byte_fallback=False))
    unigram.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    PreTrainedTokenizerFast(tokenizer_object=unigram, pad_token="<pad>", unk_token="<unk>").save_pretrained(tmp_path)
    torch.manual_seed(1)
    size = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertModel(BertConfig(vocab_size=len(vocabulary), **size), add_pooling_layer=False).save_pretrained(tmp_path)
    return tmp_path


@torch.no_grad()
def states(folder, word):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    coded = tokenizer([word], is_split_into_words=True, return_tensors="pt")
    model = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
    return tokenizer.convert_ids_to_tokens(coded["input_ids"][0]), model(**coded).last_hidden_state


def test_the_same_pieces_and_vectors(encoder, tmp_path):
    places = prune(encoder, tmp_path / "small", ["the", "seas", "shore", "q"])
    assert len(places) < len(PIECES) + 2
    assert {"▁wave", "e"}.isdisjoint(
        dict(json.loads((tmp_path / "small/tokenizer.json").read_text())["model"]["vocab"])
    )
    whole, small = (load_file(folder / "model.safetensors")[TABLE] for folder in (encoder, tmp_path / "small"))
    assert torch.equal(small, whole[places])
    for word in ("the", "seas", "shore", "q"):
        before, after = states(encoder, word), states(tmp_path / "small", word)
        assert before[0] == after[0]
        torch.testing.assert_close(before[1], after[1])


def test_words_are_read_from_columns_and_from_text(tmp_path):
    (tmp_path / "train.tsv").write_text("Oslo\tB-LOC\nis\tO\n\n", "utf-8")
    (tmp_path / "en.txt").write_text("it rains in Oslo\n", "utf-8")
    assert words_of([tmp_path]) == ["Oslo", "in", "is", "it", "rains"]
