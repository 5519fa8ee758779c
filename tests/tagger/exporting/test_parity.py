"""An exported tagger says what the tagger says that it was exported from."""

import os
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from transformers import AlbertConfig, AlbertModel

from structkd.runtime.folder import load, open_files
from structkd.runtime.tagging import TextTagger, Wanted
from structkd.tagger.config import (
    CharacterCNNConfig,
    CharacterLSTMConfig,
    HashedNgramsConfig,
    StaticVectorsConfig,
    TransformerConfig,
    WordsConfig,
)
from structkd.tagger.exporting.faults import ExportError
from structkd.tagger.exporting.folder import exported_files, write_folder
from tests.examples import examples
from tests.tagger.encoders.tiny_bert import save_tiny_bert
from tests.tagger.encoders.tiny_roberta import save_tiny_roberta
from tests.tagger.encoders.vector_files import write_text
from tests.tagger.exporting.exported import WORDS, agree, reopened, untrained

ALL = Wanted(k=4, marginals=True)
words = st.sampled_from([*WORDS, "OSLO", "ada"]) | st.text("abAB.é日1'-", min_size=1, max_size=30)
batches = st.lists(st.lists(words, max_size=9), min_size=1, max_size=5)
NGRAMS = HashedNgramsConfig(dim=6, buckets=40)
COMPACT = {
    "words": (WordsConfig(dim=5),),
    "char-cnn": (CharacterCNNConfig(dim=4, filters=5),),
    "char-lstm": (CharacterLSTMConfig(dim=4, hidden=3),),
    "ngrams": (NGRAMS,),
    "together": (
        WordsConfig(dim=5),
        NGRAMS,
        CharacterLSTMConfig(dim=4, hidden=3),
        CharacterCNNConfig(dim=4, filters=5),
        HashedNgramsConfig(dim=3, buckets=30, min_n=1, max_n=2),
    ),
}
FINE_TUNED = {
    "the last layer": {},
    "three layers": {"layers": (0, 2, -1)},
    "a mean": {"layers": (1, -1), "mix": "mean", "subwords": "mean"},
    "a weighted mean": {"layers": (1, -1), "mix": "scalar", "subwords": "last"},
    "windows": {"window": 9},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A maker of new folders."""
    return lambda: tmp_path_factory.mktemp("exported") / "folder"


@pytest.fixture(scope="module", params=COMPACT)
def compact(request, folder):
    scorer = untrained(COMPACT[request.param])
    return reopened(scorer, folder()), TextTagger(scorer)


@given(batches)
@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_compact_tagger_agrees(compact, sentences):
    agree(*(tagger.tag_sentences(sentences, ALL) for tagger in compact))


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("hidden", [0, 7])
def test_any_context_and_any_temperature_agree(folder, hidden, layers):
    scorer = untrained(COMPACT["together"], hidden, layers, "IOB2", temperature=1.7)
    agree(
        *(tagger.tag_sentences([WORDS, WORDS[:1]], ALL) for tagger in (reopened(scorer, folder()), TextTagger(scorer)))
    )


@pytest.mark.parametrize("sizes", [[500], [1], [1, 500, 3], [], [0], [0, 2, 0]], ids=str)
def test_padding_changes_nothing(compact, sizes):
    rng = np.random.default_rng(0)
    sentences = [rng.choice(WORDS, n).tolist() for n in sizes]
    together = compact[0].tag_sentences(sentences, ALL)
    agree(together, compact[1].tag_sentences(sentences, ALL))
    agree(together, [one for words in sentences for one in compact[0].tag_sentences([words], ALL)])


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("settings", FINE_TUNED.values(), ids=FINE_TUNED)
def test_a_pretrained_encoder_agrees(folder, bert, settings, frozen):
    encoder = TransformerConfig(model=bert, precision="float32", frozen=frozen, **settings)
    scorer = untrained((WordsConfig(dim=3), encoder, CharacterCNNConfig(dim=3, filters=4)), hidden=0)
    exported, torch = reopened(scorer, folder()), TextTagger(scorer)
    rng = np.random.default_rng(0)
    sentences = [rng.choice([*WORDS, "london", "\u200b"], n).tolist() for n in (1, 40, 3, 500)]
    found, expected = (tagger.tag_sentences(sentences, ALL) for tagger in (exported, torch))
    if frozen:  # its features are rounded to float16, and a sum in another order can be rounded to the next number
        assert all(
            abs(one.marginals - other.marginals).max() < 1e-3 for one, other in zip(found, expected, strict=True)
        )
    else:
        agree(found, expected)


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return str(save_tiny_bert(tmp_path_factory.mktemp("encoders") / "tiny-bert"))


def test_a_pruned_vocabulary_agrees_on_its_text(folder, tmp_path):
    encoder = TransformerConfig(model=str(save_tiny_roberta(tmp_path / "roberta")), precision="float32", frozen=False)
    scorer = untrained((encoder,), hidden=0)
    whole, pruned = (exported_files(scorer, {}, text=text) for text in (None, ["Berlin", "London", "berlon"]))
    assert len(pruned["model.onnx"]) < len(whole["model.onnx"])
    text = [["Berlin", "berlon", "London"], ["London"] * 30]
    expected = TextTagger(scorer).tag_sentences(text, ALL)
    for files in (whole, pruned):
        agree(open_files(files).tag_sentences(text, ALL), expected)


def test_other_tokenisers_are_not_pruned(bert):
    scorer = untrained((TransformerConfig(model=bert, precision="float32", frozen=False),))
    with pytest.raises(ExportError, match="WordPiece, expected Unigram"):
        exported_files(scorer, {}, text=["Berlin"])


def test_an_encoder_of_another_build_is_refused(tmp_path):
    save_tiny_bert(tmp_path / "albert")
    size = {"embedding_size": 8, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
    AlbertModel(AlbertConfig(vocab_size=90, max_position_embeddings=24, **size)).save_pretrained(tmp_path / "albert")
    scorer = untrained((TransformerConfig(model=str(tmp_path / "albert"), precision="float32", frozen=False),))
    with pytest.raises(ExportError, match="'albert', expected one of bert"):
        exported_files(scorer, {})


def test_static_vectors_agree_on_the_words_that_are_kept(folder, tmp_path):
    rng = np.random.default_rng(0)
    rows = [(word, rng.normal(size=4)) for word in ("first", "Oslo", "oslo", "OSLO", "ada", "x2", "unseen", "Straße")]
    write_text(tmp_path / "vectors.txt", rows)
    scorer = untrained((StaticVectorsConfig(path=str(tmp_path / "vectors.txt")),))
    torch, exported = TextTagger(scorer), reopened(scorer, folder(), rows=1)
    known = [["Oslo", "OSLO", "oslO", "ADA", "Straße", "first", "First", "nowhere"]]
    agree(exported.tag_sentences(known, ALL), torch.tag_sentences(known, ALL))
    (static,) = [one for one in exported.scorer.inputs if hasattr(one, "_rows")]
    assert set(static._rows) == {"first", "Oslo", "oslo", "OSLO", "ada", "Straße"}


def test_fewer_words_are_the_most_frequent(folder):
    scorer = untrained(COMPACT["words"])
    exported = reopened(scorer, folder(), words=2)
    assert exported.scorer.inputs[0].alphabet.words == list(scorer.tagger.vocabulary.words[:2])
    kept = [list(scorer.tagger.vocabulary.words[:2])]
    agree(exported.tag_sentences(kept, ALL), TextTagger(scorer).tag_sentences(kept, ALL))
    rare, unknown = (exported.tag_sentences([[word]], ALL)[0] for word in (scorer.tagger.vocabulary.words[2], "never"))
    assert np.array_equal(rare.marginals, unknown.marginals)


@pytest.mark.parametrize("hidden", [0, 120])
def test_int8_is_smaller_and_close(folder, hidden):
    encoders = (WordsConfig(dim=150), NGRAMS, CharacterCNNConfig(dim=4, filters=5))
    scorer = untrained(encoders, hidden)
    sizes = [len(exported_files(scorer, {}, int8=int8)["model.onnx"]) for int8 in (False, True)]
    assert sizes[1] < sizes[0]
    exported = reopened(scorer, folder(), int8=True)
    found, expected = (tagger.tag_sentences([WORDS], ALL)[0] for tagger in (exported, TextTagger(scorer)))
    assert abs(found.marginals - expected.marginals).max() < 0.1


def test_a_folder_can_be_moved_and_its_encoder_removed(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_tiny_bert(tmp_path / "encoder")
    scorer = untrained((TransformerConfig(model="encoder", precision="float32", frozen=False),))
    expected = TextTagger(scorer).tag_sentences([WORDS], ALL)
    first = folder()
    write_folder(first, exported_files(scorer, {}))
    shutil.rmtree(tmp_path / "encoder")
    moved = first.rename(first.parent / "moved")
    monkeypatch.chdir("/")
    agree(load(moved).tag_sentences([WORDS], ALL), expected)
    for file in moved.iterdir():
        assert os.fsencode(tmp_path) not in file.read_bytes()
