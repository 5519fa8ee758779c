"""Features on disk: what is read is what was written, or an error."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from structkd.tagger.config import TransformerConfig
from structkd.tagger.encoders.transformer import Frozen
from structkd.tagger.features import FeatureError, FeatureSet, read_features, sentence_keys, write_features
from structkd.tagger.tokens import TokenBatch
from tests.examples import examples
from tests.tagger.encoders.tiny_bert import save_tiny_bert

WIDTH = 3
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)
sentences = st.lists(st.lists(words, min_size=1, max_size=5), max_size=8)


def invented(tokens):
    """Features that depend on the whole sentence and on the place."""
    keys = sentence_keys(tokens)[:, 0] % 1000
    steps = np.arange(tokens.index.shape[1])[None, :, None] + np.arange(WIDTH)
    return (keys[:, None, None] + steps).astype(np.float16)


def written(path, sentences, encoder="e" * 64):
    write_features(path, sentences, invented, encoder=encoder, width=WIDTH, log=lambda done: None)
    return path


@given(sentences)
@examples(40)
def test_what_is_written_is_read(tmp_path_factory, corpus):
    one = FeatureSet.open(written(tmp_path_factory.mktemp("features") / "a.safetensors", corpus))
    one.verify()
    batch = TokenBatch.from_sentences([*corpus, ["not", "one", "of", "them", "!", "!"]])
    out = np.zeros((*batch.index.shape, WIDTH), np.float16)
    assert read_features([one], batch, out).tolist() == [len(corpus)]
    inside = np.arange(out.shape[1]) < batch.lengths.numpy()[:, None]
    inside[-1] = False
    assert np.array_equal(out[inside], invented(batch)[inside])
    assert not out[~inside].any()
    assert len(one.key) == len(set(map(tuple, corpus)))


def test_keys_tell_sentences_apart():
    batch = TokenBatch.from_sentences([["ab", "c"], ["a", "bc"], ["abc"], ["ab", "c"], ["c", "ab"]])
    keys = list(map(tuple, sentence_keys(batch).tolist()))
    assert keys[0] == keys[3]
    assert len(set(keys)) == 4


def test_several_sets_are_searched(tmp_path):
    sets = [FeatureSet.open(written(tmp_path / name, [[name]])) for name in ("a", "b")]
    batch = TokenBatch.from_sentences([["b"], ["c"], ["a"]])
    out = np.zeros((3, 1, WIDTH), np.float16)
    assert read_features(sets, batch, out).tolist() == [1]
    assert np.array_equal(out[[0, 2]], invented(batch)[[0, 2]])


def test_the_file_is_a_safetensors_file(tmp_path):
    path = written(tmp_path / "a.safetensors", [["a", "b"], ["c"]])
    assert load_file(path)["features"].shape == (3, WIDTH)


def test_equal_corpora_give_equal_bytes(tmp_path):
    corpus = [["a", "b"], ["c"], ["a", "b"]]
    one, other = (written(tmp_path / name, corpus).read_bytes() for name in ("one", "other"))
    assert one == other


def test_no_flipped_byte_goes_unseen(tmp_path):
    path = written(tmp_path / "a.safetensors", [["a", "b"], ["c"]])
    whole, first = path.read_bytes(), FeatureSet.open(path)
    batch = TokenBatch.from_sentences([["a", "b"], ["c"]])
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x11]) + whole[place + 1 :])
        out = np.zeros((2, 2, WIDTH), np.float16)
        try:
            one = FeatureSet.open(path)
            one.verify()
            missing = read_features([one], batch, out)
        except FeatureError:
            continue
        # What is left are blanks of the header and the encoder's digest, by which the set would not be found.
        assert not len(missing)
        assert np.array_equal(out[0], invented(batch)[0])
        assert one.encoder != first.encoder or np.array_equal(one.features, first.features)


def test_no_cut_goes_unseen(tmp_path):
    path = written(tmp_path / "a.safetensors", [["a", "b"], ["c"]])
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(FeatureError, match="delete it"):
            FeatureSet.open(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(FeatureError, match="another size"):
        FeatureSet.open(path)


def test_a_killed_writer_leaves_nothing_to_read(tmp_path):
    path = tmp_path / "a.safetensors"
    code = f"""
import os, signal
from pathlib import Path
from structkd.tagger.features import write_features
def compute(tokens):
    os.kill(os.getpid(), signal.SIGKILL)
write_features(Path({str(path)!r}), [["a"]], compute, encoder="e", width=1, log=print)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert done.returncode == -9
    assert not path.exists()
    assert len(list(tmp_path.iterdir())) == 1  # a temporary file


def test_a_frozen_encoder_reads_what_it_wrote(tmp_path):
    bert = save_tiny_bert(tmp_path / "bert")
    config = TransformerConfig(model=str(bert), layers=(1, 2))
    corpus = [["berlin", "and", "london"], ["a"], ["de", "in"]]
    encoder, path = Frozen(config), tmp_path / "a.safetensors"
    encoder.write_features(path, corpus, log=lambda done: None)
    reader = Frozen(config)
    reader.attach([FeatureSet.open(path)])
    known, mixed = TokenBatch.from_sentences(corpus), TokenBatch.from_sentences([["new"], *corpus])
    assert torch.equal(reader(known)[0], encoder(known)[0])
    (bert / "model.safetensors").unlink()  # it is not needed any more
    assert torch.equal(reader(known), encoder(known))
    save_tiny_bert(bert)
    torch.testing.assert_close(reader(mixed), encoder(mixed), atol=2e-3, rtol=2e-3)


def test_features_of_another_encoder_are_not_used(tmp_path):
    bert = save_tiny_bert(tmp_path / "bert")
    one = FeatureSet.open(written(tmp_path / "a.safetensors", [["a"]]))
    encoder = Frozen(TransformerConfig(model=str(bert)))
    encoder.attach([one])
    batch = TokenBatch.from_sentences([["a"]])
    assert torch.equal(encoder(batch), Frozen(TransformerConfig(model=str(bert)))(batch))


def test_another_layer_is_another_encoder(tmp_path):
    bert = str(save_tiny_bert(tmp_path / "bert"))
    digests = {Frozen(TransformerConfig(model=bert, layers=layers)).identity for layers in ((1,), (2,), (1, 2))}
    assert len(digests) == 3
