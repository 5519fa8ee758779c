"""Pretrained encoders, against the library's own sentence by sentence."""

import io
import shutil
import subprocess
import sys
from itertools import groupby

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from sentencepiece import SentencePieceTrainer
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.testing import assert_close
from transformers import (
    AlbertConfig,
    AlbertModel,
    AutoModel,
    AutoTokenizer,
    CLIPConfig,
    GPT2Config,
    GPT2Model,
    PreTrainedTokenizerFast,
    T5Config,
    T5Model,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from structkd.corpora.labels import LabelSet
from structkd.tagger.checkpoint import load_tagger, save_tagger
from structkd.tagger.config import TaggerConfig, TrainingConfig, TransformerConfig
from structkd.tagger.description import CheckpointError
from structkd.tagger.encoders.pieces import Pieces
from structkd.tagger.encoders.pretrained import EncoderError, find_pretrained, pretrained_digest
from structkd.tagger.encoders.transformer import LAUNCHES, FineTuned, Frozen, TransformerBody
from structkd.tagger.model import Tagger
from structkd.tagger.optimisation import make_optimizer, set_learning_rates
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vocabulary import Vocabulary
from tests.examples import examples
from tests.tagger.encoders.tiny_bert import LAYERS, LIMIT, save_tiny_bert

SENTENCES = [["Berlin", "and", "London", "."], ["a"], ["zß-ö", "\u200b", "日", "in"]]
LONG = ["berlin", "abc", "london", "x", "de"] * 6


def body(model, **settings):
    return TransformerBody(TransformerConfig(**({"model": model, "precision": "float32"} | settings))).eval()


def config(model, **settings):
    return TransformerConfig(**({"model": model, "precision": "float32", "frozen": False} | settings))


def tagger(model, seed=1, **settings):
    torch.manual_seed(seed)
    encoders = (config(model, **settings),)
    return Tagger(TaggerConfig(encoders=encoders, hidden=4, dropout=0.0), Vocabulary.build({}), LabelSet(("A", "B")))


@torch.no_grad()
def by_the_library(folder, words, layer, subwords):
    """A sentence's word vectors, by transformers' own tokeniser and model."""
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    coded = tokenizer([words], is_split_into_words=True, return_tensors="pt")
    owners = coded.word_ids(0)
    states = model(**coded, output_hidden_states=True).hidden_states[layer][0]
    chosen = [[states[i] for i, owner in enumerate(owners) if owner == place] for place in range(len(words))]
    pooled = {"first": lambda v: v[0], "last": lambda v: v[-1], "mean": lambda v: torch.stack(v).mean(0)}[subwords]
    return torch.stack([pooled(vectors) for vectors in chosen])


@pytest.mark.parametrize("subwords", ["first", "last", "mean"])
@pytest.mark.parametrize("layer", range(LAYERS + 1))
def test_vectors_are_the_librarys(bert, layer, subwords):
    sentences = [[word for word in words if word != "\u200b"] for words in SENTENCES]
    encoder = body(bert, layers=(layer, layer - LAYERS - 1), subwords=subwords)
    with torch.no_grad():
        found = encoder(TokenBatch.from_sentences(sentences))
    for b, words in enumerate(sentences):
        for n in range(2):
            assert_close(found[b, : len(words), n], by_the_library(bert, words, layer, subwords), atol=2e-5, rtol=1e-4)
        assert not found[b, len(words) :].any()


def test_a_word_without_subwords_is_the_unknown_one(bert):
    encoder = body(bert)
    with torch.no_grad():
        odd, unknown = (encoder(TokenBatch.from_sentences([["a", word, "b"]])) for word in ("\u200b", "日"))
    assert torch.equal(odd, unknown)


words = st.text("abdeinlor", min_size=1, max_size=7)


@given(sentences=st.lists(st.lists(words, min_size=1, max_size=12), min_size=1, max_size=4), limit=st.integers(5, 16))
@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_windows_hold_every_subword_once_where_it_is_farthest_from_a_cut(tokenizer, sentences, limit):
    room, tokens = limit - 2, TokenBatch.from_sentences(sentences)
    cut = Pieces(tokenizer, limit).windows(tokens)
    rows = [row for grid in cut.grids for row in zip(grid.ids, grid.mask, strict=True)]
    assert all(
        3 * size >= 2 * (grid.ids.shape[1] - 2) for grid in cut.grids for size in (grid.mask.sum(1) - 2).tolist()
    )
    assert limit >= max(len(ids) for ids, _ in rows)
    inside = [(row, offset) for row, (ids, _) in enumerate(rows) for offset in range(len(ids))]
    places = iter(cut.place.tolist())
    counts = iter(cut.counts.tolist())
    for sentence in sentences:
        ids = tokenizer([sentence], is_split_into_words=True, add_special_tokens=False)["input_ids"][0]
        windows, offsets = [], []
        for place, expected in enumerate(ids):
            at = next(places)
            window, offset = inside[at]
            row, mask = rows[window]
            assert row[offset] == expected
            windows.append(window)
            offsets.append(offset - 1)
            size = int(mask.sum()) - 2
            begin = place - offsets[-1]
            here = min(begin and offsets[-1], (begin + size < len(ids)) and size - 1 - offsets[-1])
            if begin > 0 and begin + size < len(ids):
                assert here >= (room // 2) // 2 - 1
        assert len(list(groupby(windows))) == len(set(windows))
        assert sum(next(counts) for _ in sentence) == len(ids)
        if len(ids) <= room:
            assert len(set(windows)) == 1
        for window in set(windows):
            row = rows[window][0][rows[window][1]].tolist()
            begin = next(p - o for p, (w, o) in enumerate(zip(windows, offsets, strict=True)) if w == window)
            assert row[1:-1] == ids[begin : begin + len(row) - 2]


@given(sentences=st.lists(st.lists(words, min_size=1, max_size=12), min_size=1, max_size=6), alike=st.floats(1, 9))
@examples(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_windows_are_read_together_up_to_any_padding(tokenizer, sentences, alike):
    pieces, tokens = Pieces(tokenizer, 12), TokenBatch.from_sentences(sentences)
    apart, together = pieces.windows(tokens, 1.0), pieces.windows(tokens, alike)
    assert len(together.grids) <= len(apart.grids)
    for grid in together.grids:
        sizes = grid.mask.sum(1) - 2
        assert sizes.max() <= alike * sizes.min() * (1 + 1e-9)
    assert (together.counts == apart.counts).all()
    flat = [np.concatenate([grid.ids.ravel() for grid in found.grids]) for found in (apart, together)]
    assert (flat[0][apart.place] == flat[1][together.place]).all()


def test_on_a_gpu_few_passes_are_made_of_a_batch(bert):
    encoder, tokens = body(bert), TokenBatch.from_sentences([["a"] * n for n in (1, 2, 3, 4)])
    assert len(encoder.pieces.windows(tokens).grids) > len(encoder.pieces.windows(tokens, LAUNCHES).grids) == 1


def test_the_tokeniser_is_asked_for_a_word_once(tokenizer, monkeypatch):
    asked, pieces = [], Pieces(tokenizer, None)
    cut = pieces._cut
    monkeypatch.setattr(pieces, "_cut", lambda words, special: asked.append(words) or cut(words, special))
    first, second = TokenBatch.from_sentences([["london", "rains"]]), TokenBatch.from_sentences([["rains", "berlin"]])
    for tokens in (first, second, first):
        found, fresh = pieces.windows(tokens), Pieces(tokenizer, None).windows(tokens)
        assert np.array_equal(found.grids[0].ids, fresh.grids[0].ids)
    assert asked == [["london", "rains"], ["berlin"]]


def test_no_more_words_are_remembered_than_memory_allows(tokenizer, monkeypatch):
    monkeypatch.setattr("tagger.encoders.pieces.KEPT", 3)
    pieces = Pieces(tokenizer, None)
    for sentence in (["a", "b"], ["b", "london", "rains"], ["a", "b", "london", "rains", "berlin"], ["a"]):
        tokens = TokenBatch.from_sentences([sentence])
        found = pieces.windows(tokens)
        assert np.array_equal(found.grids[0].ids, Pieces(tokenizer, None).windows(tokens).grids[0].ids)
        assert len(pieces._cuts) <= 5


@pytest.fixture(scope="session")
def tokenizer(bert):
    return AutoTokenizer.from_pretrained(bert)


def test_a_sentence_beyond_the_window_is_read_whole(bert):
    encoder = body(bert)
    assert len(LONG) > LIMIT
    with torch.no_grad():
        found = encoder(TokenBatch.from_sentences([LONG, LONG[:5]]))
        alone = encoder(TokenBatch.from_sentences([LONG[:5]]))
    assert_close(found[1, :5], alone[0])
    assert found[0].abs().sum(-1).min() > 0


def test_a_narrower_window_changes_only_what_it_cuts(bert):
    wide, narrow = body(bert), body(bert, window=12)
    batch = TokenBatch.from_sentences([["a", "be", "lo"], ["abc", "dei", "nor", "lab"] * 3])
    with torch.no_grad():
        one, other = wide(batch), narrow(batch)
    assert_close(one[0], other[0])
    assert not torch.allclose(one[1], other[1])


def test_layers_are_mixed(bert):
    batch = TokenBatch.from_sentences(SENTENCES)
    with torch.no_grad():
        each = body(bert, layers=(1, 3))(batch)
        mixed = {
            mix: FineTuned(config(bert, layers=(1, 3), mix=mix)).eval()(batch) for mix in ("concat", "mean", "scalar")
        }
    assert_close(mixed["concat"], each.flatten(2))
    assert_close(mixed["mean"], each.mean(2))
    assert_close(mixed["scalar"], each.mean(2))  # before training, all weights are equal


def test_a_scalar_mix_learns(bert):
    encoder = Frozen(config(bert, layers=(1, 3), mix="scalar", frozen=True))
    encoder(TokenBatch.from_sentences(SENTENCES)).pow(2).sum().backward()
    assert encoder.mix.weights.grad.abs().sum() > 0
    assert {name for name, _ in encoder.named_parameters()} == {"mix.weights", "mix.scale"}


def test_bfloat16_is_near(bert):
    batch = TokenBatch.from_sentences(SENTENCES)
    with torch.no_grad():
        exact, low = (body(bert, precision=precision)(batch) for precision in ("float32", "bfloat16"))
    assert not torch.equal(exact, low)
    assert torch.cosine_similarity(exact.flatten(2), low.flatten(2), -1)[batch.index > 0].min() > 0.99


def test_fine_tuning_trains_all_but_the_embeddings_of_subwords(bert, tmp_path):
    model = tagger(bert, layer_decay=0.5).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = make_optimizer(model, TrainingConfig(updates=1))
    set_learning_rates(optimizer, TrainingConfig(updates=1), 1)
    model(TokenBatch.from_sentences([["berlin"], ["a"]])).log_partition.sum().backward()
    optimizer.step()
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert not any("word_embeddings" in name for name in changed)
    assert all(any(f"layer.{layer}." in name for name in changed) for layer in range(LAYERS))
    assert not any("word_embeddings" in name for name in model.weights())
    save_tagger(model.eval(), tmp_path, {})
    again, batch = load_tagger(tmp_path), TokenBatch.from_sentences(SENTENCES)
    assert torch.equal(model(batch).emissions, again(batch).emissions)


def test_learning_rates_fall_with_depth_and_warm_up(bert):
    training = TrainingConfig(updates=20, warmup=10, learning_rate=0.1, chain_rate=5)
    model = tagger(bert, learning_rate=0.01, layer_decay=0.5, train_embeddings=True)
    optimizer = make_optimizer(model, training)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    peaks = {names[id(p)]: group["peak"] for group in optimizer.param_groups for p in group["params"]}
    assert peaks.keys() == set(names.values())
    for layer, expected in enumerate([0.0025, 0.005, 0.01]):
        assert {rate for name, rate in peaks.items() if f".layer.{layer}." in name} == {expected}
    assert {rate for name, rate in peaks.items() if "embeddings" in name} == {0.00125}
    assert peaks["transitions"] == peaks["start"] == peaks["end"] == 0.5
    assert peaks["projection.weight"] == 0.1
    shares = []
    for update in range(1, 21):
        set_learning_rates(optimizer, training, update)
        shares.append(optimizer.param_groups[0]["lr"] / optimizer.param_groups[0]["peak"])
    assert shares == pytest.approx([n / 10 for n in range(1, 11)] + [n / 10 for n in range(10, 0, -1)])


def test_checkpointing_gives_the_same_gradients(bert):
    def gradient(**settings):
        model = tagger(bert, **settings).train()
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        model(TokenBatch.from_sentences(SENTENCES)).log_partition.sum().backward()
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    assert_close(gradient(), gradient(checkpointing=True))


def test_a_frozen_encoder_is_no_part_of_a_checkpoint(bert, tmp_path):
    model = tagger(bert, frozen=True)
    batch = TokenBatch.from_sentences(SENTENCES)
    emissions = model.eval()(batch).emissions
    assert not any("encoder" in name for name in model.weights())
    save_tagger(model, tmp_path, {})
    assert torch.equal(load_tagger(tmp_path)(batch).emissions, emissions)


def test_features_beyond_float16_are_refused(bert, tmp_path):
    huge = AutoModel.from_pretrained(bert)
    with torch.no_grad():
        huge.encoder.layer[0].output.LayerNorm.weight.fill_(1e6)
    shutil.copytree(bert, tmp_path, dirs_exist_ok=True)
    huge.save_pretrained(tmp_path)
    batch = TokenBatch.from_sentences(SENTENCES)
    assert Frozen(config(str(tmp_path), layers=(0,), frozen=True))(batch).isfinite().all()
    with pytest.raises(EncoderError, match="beyond float16"):
        Frozen(config(str(tmp_path), layers=(1,), frozen=True))(batch)


def test_a_tagger_whose_encoder_changed_is_refused(tmp_path):
    folder = save_tiny_bert(tmp_path / "bert")
    save_tagger(tagger(str(folder)), tmp_path / "tagger", {})
    save_tiny_bert(folder, seed=2)
    with pytest.raises(CheckpointError, match="put the encoder back that it was trained on"):
        load_tagger(tmp_path / "tagger")


def test_the_digest_is_of_the_content(bert, tmp_path):
    assert pretrained_digest(str(save_tiny_bert(tmp_path / "same"))) == pretrained_digest(bert)
    for name in (".DS_Store", "README.md", "training_args.bin", "optimizer.pt"):
        (tmp_path / "same" / name).write_bytes(b"x")
    assert pretrained_digest(str(tmp_path / "same")) == pretrained_digest(bert)
    assert pretrained_digest(str(save_tiny_bert(tmp_path / "other", seed=2))) != pretrained_digest(bert)


def test_encoders_are_found_under_their_root(bert, tmp_path, monkeypatch):
    save_tiny_bert(tmp_path / "mine")
    monkeypatch.setenv("STRUCTKD_ENCODERS", str(tmp_path))
    assert find_pretrained("mine") == tmp_path / "mine"


def test_what_is_not_there_is_named(tmp_path, monkeypatch):
    with pytest.raises(EncoderError, match=r"no folder with a config\.json"):
        find_pretrained(str(tmp_path / "nothing"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    code = "from structkd.tagger.encoders.pretrained import find_pretrained; find_pretrained('somebody/some-encoder')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "somebody/some-encoder: not a local folder, not under $STRUCTKD_ENCODERS" in done.stderr


def test_layers_that_are_not_there_are_refused(bert):
    with pytest.raises(EncoderError, match="layers has 4, expected -4 to 3: the encoder has 3 layers"):
        body(bert, layers=(4,))


def test_a_damaged_folder_is_explained(bert, tmp_path):
    folder = save_tiny_bert(tmp_path / "bert")
    (folder / "model.safetensors").write_bytes(b"none")
    with pytest.raises(EncoderError, match="transformers cannot load it"):
        body(str(folder))


def rename_weights(folder, change):
    """Save an encoder's tensors under what `change` makes of their names, without those that it makes None."""
    file = folder / "model.safetensors"
    weights = {change(name): tensor for name, tensor in load_file(file).items()}
    save_file({name: tensor for name, tensor in weights.items() if name}, file, {"format": "pt"})


@pytest.mark.parametrize("frozen", [True, False])
def test_weights_of_another_model_are_an_error(tmp_path, frozen):
    folder = save_tiny_bert(tmp_path / "bert")
    rename_weights(folder, lambda name: None if ".layer.2." in name else name)
    settings = config(str(folder), frozen=frozen)
    with pytest.raises(EncoderError, match=r"has no weights for 16 tensors \(encoder\.layer\.2\.attention\.output"):
        FineTuned(settings) if not frozen else Frozen(settings)(TokenBatch.from_sentences(SENTENCES))
    rename_weights(folder, lambda name: f"odd.{name}")
    with pytest.raises(EncoderError, match=r"found beside them \d+ tensors \(odd\."):
        body(str(folder))


def test_a_head_or_no_pooler_beside_the_encoder_does_not_matter(bert, tmp_path):
    folder, batch = save_tiny_bert(tmp_path / "bert"), TokenBatch.from_sentences(SENTENCES)
    rename_weights(folder, lambda name: None if name.startswith("pooler.") else f"bert.{name}")
    with torch.no_grad():
        assert torch.equal(body(str(folder))(batch), body(bert)(batch))


def test_an_upper_layer_that_is_not_read_may_be_missing(bert, tmp_path):
    folder, batch = save_tiny_bert(tmp_path / "bert"), TokenBatch.from_sentences(SENTENCES)
    rename_weights(folder, lambda name: None if ".layer.2." in name else name)
    with torch.no_grad():
        assert torch.equal(body(str(folder), layers=(2,))(batch), body(bert, layers=(2,))(batch))


@pytest.mark.parametrize(
    ("file", "content"), [("tokenizer.json", b"{}"), ("pytorch_model.bin", b"version https://git-lfs")]
)
def test_what_a_library_cannot_read_is_explained(tmp_path, file, content):
    folder = save_tiny_bert(tmp_path / "bert")
    if file == "pytorch_model.bin":
        (folder / "model.safetensors").unlink()
    (folder / file).write_bytes(content)
    with pytest.raises(EncoderError, match="transformers cannot load it"):
        body(str(folder))


def test_a_model_without_layers_is_refused(tmp_path):
    CLIPConfig().save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match="a model of type 'clip' has no num_hidden_layers; name an encoder of text"):
        Frozen(config(str(tmp_path), frozen=True))


def test_a_tokeniser_of_another_model_is_an_error(tmp_path):
    folder = save_tiny_bert(tmp_path / "bert")
    model = AutoModel.from_pretrained(folder)
    model.resize_token_embeddings(20)
    model.save_pretrained(folder)
    encoder = body(str(folder))
    with pytest.raises(EncoderError, match=r"subword \d+ \('##don'\) of the word 'london', but the model has 20"):
        encoder(TokenBatch.from_sentences([["a", "london"]]))


def test_what_a_model_cannot_do_is_explained(bert, tmp_path):
    sizes = {"vocab_size": len(AutoTokenizer.from_pretrained(bert)), "embedding_size": 8, "hidden_size": 16}
    settings = AlbertConfig(**sizes, num_attention_heads=2, num_hidden_layers=2, intermediate_size=16)
    AlbertModel(settings).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(bert).save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match="checkpointing"):
        FineTuned(config(str(tmp_path), checkpointing=True))
    with pytest.raises(EncoderError, match=r"layer_decay is 0\.5, but .* no layers of its own"):
        FineTuned(config(str(tmp_path), layer_decay=0.5))
    FineTuned(config(str(tmp_path)))


def test_a_model_that_keeps_its_upper_layers_decays_from_the_highest_that_is_read(bert, tmp_path):
    sizes = {"vocab_size": len(AutoTokenizer.from_pretrained(bert)), "n_embd": 16, "n_layer": 3, "n_head": 2}
    GPT2Model(GPT2Config(**sizes, n_positions=32)).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(bert).save_pretrained(tmp_path)
    encoder = FineTuned(config(str(tmp_path), layers=(2,), layer_decay=0.5, learning_rate=1.0, train_embeddings=True))
    rates = dict(encoder.learning_rates())
    assert {rate for name, rate in rates.items() if ".h.1." in name} == {1.0}
    assert {rate for name, rate in rates.items() if ".h.0." in name} == {0.5}
    assert {rate for name, rate in rates.items() if "wpe" in name or "wte" in name} == {0.25}


def test_a_folder_without_a_tokeniser_is_an_error(bert, tmp_path):
    folder = save_tiny_bert(tmp_path / "bert")
    for file in folder.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(EncoderError, match=r"its tokeniser knows . subwords, all of them special; expected tokenizer"):
        body(str(folder))


def test_byte_level_words_follow_a_blank_as_they_do_in_text():
    letters = {piece: place for place, piece in enumerate(["<pad>", *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    bytewise = Tokenizer(models.BPE(vocab=letters, merges=[]))
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytewise, pad_token="<pad>")
    windows = Pieces(tokenizer, None).windows(TokenBatch.from_sentences([["ab", "c"]]))
    assert tokenizer.convert_ids_to_tokens(windows.grids[0].ids[0].tolist()) == ["Ġ", "a", "b", "Ġ", "c"]


def test_a_vocabulary_may_be_of_sentencepiece_alone(tmp_path):
    text, written = ["berlin and london", "a long way to go", "it rains in rome today"] * 20, io.BytesIO()
    SentencePieceTrainer.train(sentence_iterator=iter(text), model_writer=written, vocab_size=29, minloglevel=2)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    XLMRobertaModel(XLMRobertaConfig(vocab_size=40, **sizes)).save_pretrained(tmp_path)
    (tmp_path / "sentencepiece.bpe.model").write_bytes(written.getvalue())
    cut = body(str(tmp_path)).pieces.windows(TokenBatch.from_sentences([["london", "rains"]]))
    assert all(count > 1 for count in cut.counts.tolist())
    assert len(set(cut.grids[0].ids[0].tolist())) > 5


def test_of_an_encoder_and_a_decoder_the_encoder_is_taken(bert, tmp_path):
    torch.manual_seed(0)
    sizes = {"vocab_size": len(AutoTokenizer.from_pretrained(bert)), "d_model": 16, "num_layers": 2, "num_heads": 2}
    T5Model(T5Config(**sizes, d_kv=8, d_ff=16)).save_pretrained(tmp_path / "t5")
    AutoTokenizer.from_pretrained(bert).save_pretrained(tmp_path / "t5")
    with torch.no_grad():
        found = body(str(tmp_path / "t5"), layers=(0, 2))(TokenBatch.from_sentences([["london", "berlin"], ["a"]]))
    assert found.shape == (2, 2, 2, 16)
    assert found[0].isfinite().all()
    assert not found[1, 1].any()


def test_without_the_extra_the_error_says_what_to_install(bert):
    code = f"""
import sys
sys.modules["transformers"] = None
from structkd.tagger.config import TransformerConfig
from structkd.tagger.encoders.transformer import Frozen
Frozen(TransformerConfig(model={bert!r}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'structkd[transformers]'" in done.stderr
