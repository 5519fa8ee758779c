"""`structkd vectors` makes a file of word vectors, and taggers read it."""

import numpy as np
import pytest
import torch

from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.plan.corpora import Data
from structkd.tagger.config import StaticVectorsConfig, TransformerConfig
from structkd.tagger.encoders.static import StaticVectors
from structkd.tagger.encoders.transformer import TransformerBody
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vectors.files import open_vectors
from structkd.tagger.vectors.index import VectorFileError
from structkd.tagger.vectors.making import word_vectors, write_word2vec
from tests.pipeline.tiny import TINY, structkd, write_experiment
from tests.tagger.encoders.tiny_bert import WIDTH, save_tiny_bert

pytestmark = pytest.mark.long

SENTENCES = [("Berlin", "is", "old"), ("old", "London"), ("a", "new", "Berlin")]


@pytest.fixture
def encoder(tmp_path):
    return TransformerConfig(model=str(save_tiny_bert(tmp_path / "tiny-bert")), layers=(2,), subwords="mean")


def mean_vectors(config, words):
    """The mean vector of each word over its occurrences, one sentence at a time."""
    body, sums = TransformerBody(config).eval(), {}
    for sentence in [*SENTENCES, *((word,) for word in words)]:
        with torch.no_grad():
            found = body(TokenBatch.from_sentences([sentence]))[0, :, 0].numpy()
        for word, vector in zip(sentence, found, strict=True):
            sums.setdefault(word, []).append(vector)
    return {word: np.mean(vectors, 0) for word, vectors in sums.items()}


def test_a_vector_is_the_mean_over_occurrences_or_of_the_word_alone(encoder):
    words, vectors = word_vectors(encoder, SENTENCES, ["Oslo", "old", "Oslo", "two words"], 5)
    assert words == ["Berlin", "old", "is", "London", "a", "new", "Oslo"]
    means = mean_vectors(encoder, ["Oslo"])
    centred = np.stack([means[word] for word in words])
    centred -= centred.mean(0)
    _, _, directions = np.linalg.svd(centred)
    found, expected = (np.linalg.norm(a[:, None] - a, axis=-1) for a in (vectors, centred @ directions[:5].T))
    assert np.allclose(found / found[0, 1], expected / expected[0, 1], atol=1e-4)  # directions have either sign


def test_components_have_a_mean_square_of_one_and_fall(encoder):
    _, vectors = word_vectors(encoder, SENTENCES, [], 4)
    squares = np.square(vectors).mean(0)
    assert squares.mean() == pytest.approx(1, rel=1e-5)
    assert (np.diff(squares) <= 0).all()


def test_more_dimensions_than_the_encoder_has_are_refused(encoder):
    with pytest.raises(VectorFileError, match=f"have {WIDTH} dimensions, fewer than 17; lower --dim"):
        word_vectors(encoder, SENTENCES, [], 17)


def test_taggers_read_what_was_written(encoder, tmp_path):
    words, vectors = word_vectors(encoder, SENTENCES, [], 4)
    write_word2vec(tmp_path / "made.bin", words, vectors)
    static = StaticVectors(StaticVectorsConfig(path=str(tmp_path / "made.bin")))
    found = static(TokenBatch.from_sentences([tuple(words)]))[0].numpy()
    assert np.array_equal(found, vectors)


@pytest.mark.slow
def test_the_command_reads_the_text_of_an_experiment(tmp_path):
    save_tiny_bert(tmp_path / "tiny-bert")
    write_experiment(tmp_path, TINY)
    (tmp_path / "words.txt").write_text("Oslo\nBergen\n", "utf-8")
    arguments = ("vectors", "tiny", "made.bin", "--encoder", "tiny-bert", "--dim", 6)
    done = structkd(tmp_path, *arguments, "--words", "words.txt")
    assert done.returncode == 0, done.stderr
    data = Data(load_experiment(tmp_path / "experiments" / "tiny.toml"))
    texts = [(language, split) for language in ("en", "de") for split in ("train", "unlabelled")]
    expected = {word for place in texts for sentence in data.load(*place)[0] for word in sentence.tokens}
    file = open_vectors(tmp_path / "made.bin")
    assert set(file.index.words()) == expected | {"Oslo", "Bergen"}
    assert done.stdout == f"made.bin: {len(file.index)} words, 6 numbers each\n"
    before = (tmp_path / "made.bin").read_bytes()
    assert structkd(tmp_path, *arguments, "--words", "words.txt").returncode == 0
    assert (tmp_path / "made.bin").read_bytes() == before


def test_a_file_of_another_name_is_refused(tmp_path):
    write_experiment(tmp_path, TINY)
    refused = structkd(tmp_path, "vectors", "tiny", "made.vec", "--encoder", "tiny-bert")
    assert refused.returncode == 2
    assert "ends in .bin" in refused.stderr
    refused = structkd(tmp_path, "vectors", "tiny", "made.bin", "--encoder", "./none")
    assert refused.returncode == 1
    assert "./none: no folder with a config.json" in refused.stderr
