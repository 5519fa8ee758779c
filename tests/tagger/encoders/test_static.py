"""Vectors from files: every format, every kind of damage."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from structkd.tagger.config import StaticVectorsConfig
from structkd.tagger.encoders import static
from structkd.tagger.encoders.static import StaticVectors
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vectors import text
from structkd.tagger.vectors.files import open_vectors
from structkd.tagger.vectors.index import VectorFileError
from tests.tagger.encoders.slow_subwords import slow_hash, slow_ngrams
from tests.tagger.encoders.vector_files import write_fasttext, write_text, write_word2vec

ROWS = [
    ("the", [0.5, -1.0, 2.25]),
    ("Straße", [1.0, 2.0, 3.0]),
    ("a\u00a0b", [4.0, 5.0, 6.0]),  # a no-break space
    ("\u2028", [7.0, 8.0, 9.0]),  # splitlines would end a line here
    ("東京", [1e-7, 1e7, -0.0]),
    ("12", [3.0, 3.0, 4.0]),
    ("oslo", [6.0, 6.0, 6.0]),
]
WRITERS = {
    "word2vec.txt": write_text,
    "fasttext.vec": lambda path, rows: write_text(path, rows, tail=" "),
    "glove.txt": lambda path, rows: write_text(path, rows, header=False),
    "word2vec.bin": write_word2vec,
    "gensim.bin": lambda path, rows: write_word2vec(path, rows, between=b""),
}
BUCKETS = 50
values = st.floats(-1e3, 1e3, width=32)


@pytest.fixture(params=WRITERS)
def write(request, tmp_path):
    def write_rows(rows):
        path = tmp_path / request.param
        WRITERS[request.param](path, rows)
        return path

    return write_rows


def encoder(path, **settings):
    return StaticVectors(StaticVectorsConfig(path=str(path), **settings))


def vectors(path, words, **settings):
    return encoder(path, **settings)(TokenBatch.from_sentences([words]))[0]


def fasttext(path, words, **settings):
    """A written model and its matrix."""
    matrix = np.random.default_rng(0).standard_normal((len(words) + BUCKETS, 3)).astype(np.float32)
    write_fasttext(path, words, matrix, **({"buckets": BUCKETS} | settings))
    return matrix


def test_every_word_of_a_file_has_its_vector(write):
    path = write(ROWS)
    words, rows = zip(*reversed(ROWS), strict=True)
    assert_close(vectors(path, list(words)), torch.tensor(rows), rtol=0, atol=0)
    assert encoder(path).dim == 3


def test_a_word_that_is_absent_is_looked_up_lower_cased_and_else_is_zeros(write):
    path = write([*ROWS, ("OSLO", [7.0, 7.0, 7.0])])
    words = ["Oslo", "OSLO", "oslo", "Rome", "THE", "th", "then"]
    found = [[6.0] * 3, [7.0] * 3, [6.0] * 3, [0.0] * 3, ROWS[0][1], [0.0] * 3, [0.0] * 3]
    assert vectors(path, words).tolist() == found
    found[0] = found[4] = [0.0] * 3
    assert vectors(path, words, lowercase=False).tolist() == found


def test_of_a_word_that_stands_twice_the_first_counts(write):
    assert vectors(write([*ROWS, ("the", [9.0, 9.0, 9.0])]), ["the"]).tolist() == [ROWS[0][1]]


def test_words_of_one_hash_are_told_apart(write):
    assert slow_hash("costarring") == slow_hash("liquid")
    path = write([*ROWS, ("liquid", [1.0, 1.0, 1.0])])
    assert vectors(path, ["costarring", "liquid"]).tolist() == [[0.0] * 3, [1.0] * 3]
    path = write([*ROWS, ("liquid", [1.0, 1.0, 1.0]), ("costarring", [2.0, 2.0, 2.0])])
    assert vectors(path, ["costarring", "liquid"]).tolist() == [[2.0] * 3, [1.0] * 3]


@pytest.mark.parametrize("name", ["word2vec.txt", "fasttext.vec", "glove.txt"])
def test_a_word_of_text_may_have_blanks(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path, [*ROWS, ("New York", [8.0, 8.0, 8.0]), (". . .", [2.0, 2.0, 2.0])])
    assert vectors(path, ["New York", "York", ". . ."]).tolist() == [[8.0] * 3, [0.0] * 3, [2.0] * 3]


def test_text_may_end_without_a_newline(tmp_path):
    for tail in (b"", b" "):
        (tmp_path / "v.txt").write_bytes(b"a 1 2\nb 3 4" + tail)
        assert vectors(tmp_path / "v.txt", ["b", "a"]).tolist() == [[3.0, 4.0], [1.0, 2.0]]


@pytest.mark.parametrize("name", ["word2vec.txt", "glove.txt"])
def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path, ROWS)
    plain = vectors(path, ["the", "oslo"])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert_close(vectors(path, ["the", "oslo"]), plain)


@given(st.data())
def test_text_is_read_alike_whatever_the_size_of_its_chunks(tmp_path_factory, data):
    words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" \r\n"), min_size=1, max_size=9)
    rows = data.draw(st.lists(st.tuples(words, st.tuples(values, values)), min_size=1, max_size=8))
    path = tmp_path_factory.mktemp("chunks") / "v.vec"
    write_text(path, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_CHUNK", data.draw(st.integers(1, 200)))
        found = vectors(path, [word for word, _ in rows], lowercase=False)
    first = dict(reversed(rows))
    assert_close(found, torch.tensor([first[word] for word, _ in rows]), rtol=0, atol=0)


@pytest.mark.parametrize("labels", [(), ("__label__a", "__label__b")])
def test_a_fasttext_vector_is_the_mean_of_its_word_and_its_ngrams(tmp_path, labels):
    known = ["</s>", "Straße", "東京", "oslo"]
    matrix = fasttext(tmp_path / "m.bin", known, labels=labels)

    def expected(word):
        rows = [matrix[known.index(word)]] if word in known else []
        grams = [] if word == "</s>" else slow_ngrams(word, 2, 3)
        rows += [matrix[len(known) + slow_hash(gram) % BUCKETS] for gram in grams]
        return np.mean(rows, 0)

    words = ["東京", "Oslo", "</s>", "Straßen", "ß", "oslo", "Straße"]
    forms = ["東京", "oslo", "</s>", "Straßen", "ß", "oslo", "Straße"]
    assert_close(vectors(tmp_path / "m.bin", words), torch.tensor(np.stack([expected(form) for form in forms])))
    assert_close(vectors(tmp_path / "m.bin", ["Oslo"], lowercase=False)[0], torch.tensor(expected("Oslo")))


@pytest.mark.parametrize(
    "settings",
    [{"min_n": 5, "max_n": 6}, {"min_n": 0, "max_n": 0, "buckets": BUCKETS}, {"version": 11, "model": 3, "max_n": 6}],
    ids=["too long for the word", "none", "none in supervised models of format 11"],
)
def test_a_fasttext_word_without_ngrams_is_its_row_or_zeros(tmp_path, settings):
    matrix = fasttext(tmp_path / "m.bin", ["is"], **settings)
    found = vectors(tmp_path / "m.bin", ["is", "on"])
    assert_close(found, torch.stack([torch.tensor(matrix[0]), torch.zeros(3)]))
    assert_close(vectors(tmp_path / "m.bin", ["on"]), torch.zeros(1, 3))


def test_a_vector_does_not_depend_on_its_batch_nor_on_what_was_read_before(tmp_path, monkeypatch):
    monkeypatch.setattr(static, "_KEPT", 3)
    fasttext(tmp_path / "m.bin", ["oslo"])
    module = encoder(tmp_path / "m.bin")
    alone = module(TokenBatch.from_sentences([["Bergen"]]))[0, 0]
    for sentences in ([["oslo", "Bergen"]], [["a", "Bergen", "b"], ["c"]], [["d", "Bergen"], ["e", "f", "g"]]):
        out = module(TokenBatch.from_sentences(sentences))
        assert_close(out[0, sentences[0].index("Bergen")], alone)
        assert out.shape == (len(sentences), max(map(len, sentences)), 3)


def test_nothing_is_trained_and_nothing_of_the_file_is_saved(write):
    module = encoder(write(ROWS))
    assert not module.state_dict()
    assert not list(module.parameters())
    out = module.to(torch.float64)(TokenBatch.from_sentences([["the"]]))
    assert out.dtype == torch.float64
    assert not out.requires_grad


@pytest.mark.parametrize("name", ["word2vec.txt", "word2vec.bin", "gensim.bin"])
def test_a_file_cut_anywhere_behind_its_header_is_refused(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path, ROWS)
    whole = path.read_bytes()
    cuts = range(whole.index(b"\n") + 1, len(whole) - 5)  # a last number that has lost digits is a number too
    for cut in cuts:
        path.write_bytes(whole[:cut])
        with pytest.raises(VectorFileError, match=path.name):
            vectors(path, [word for word, _ in ROWS])


def test_a_fasttext_model_cut_anywhere_is_refused(tmp_path):
    path = tmp_path / "m.bin"
    fasttext(path, ["oslo", "東京"], labels=("__label__a",))
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with pytest.raises(VectorFileError, match=path.name):
            open_vectors(path)
    path.write_bytes(whole + b"more")
    with pytest.raises(VectorFileError, match=f"{len(whole) + 4} bytes, expected {len(whole)}"):
        open_vectors(path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"quantised": True}, "a quantised model; use the .bin from before"),
        ({"pruned": 7}, "a quantised model"),
        ({"version": 13}, "fastText format 13, expected 11 or 12"),
        ({"buckets": 40}, "the input matrix is 51 x 3, expected 1 words and 40 buckets x 3"),
    ],
)
def test_a_fasttext_model_of_another_make_is_refused(tmp_path, settings, message):
    fasttext(tmp_path / "m.bin", ["oslo"], **settings)
    with pytest.raises(VectorFileError, match=message):
        open_vectors(tmp_path / "m.bin")


def test_a_fasttext_dictionary_with_labels_among_its_words_is_refused(tmp_path):
    path = tmp_path / "m.bin"
    fasttext(path, ["oslo"])
    at = path.read_bytes().index(b"oslo\0") + len(b"oslo\0") + 8
    path.write_bytes(path.read_bytes()[:at] + b"\1" + path.read_bytes()[at + 1 :])
    with pytest.raises(VectorFileError, match="entry 1 of the dictionary's 1 is of type 1, expected 1 words"):
        open_vectors(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("v.vec", b"", "v.vec: no such file, or an empty one"),
        ("v.vec", b"2 3\na 1 2 3\nb 1 2\n", "v.vec:3: 2 values after the word, expected 3"),
        ("v.vec", b"2 3\na 1 2 3\nb 1 2 3 4\n", "v.vec:3: 4 values after the word, expected 3"),
        ("v.vec", b"2 3\na 1 2 3\nb 1 2  3\n", "v.vec:3: 4 values after the word, expected 3"),
        ("v.vec", b"2 3\na 1 2 3\n\nb 1 2 3\n", "v.vec:3: 0 values after the word, expected 3"),
        ("v.vec", b"3 2\na 1 2\nb 1 2\n", "v.vec:1: the header promises 3 words, the file has 2"),
        ("v.vec", b"1 2\na 1 2\nb 1 2\n", "v.vec:1: the header promises 1 words, the file has 2"),
        ("v.vec", b"2 2\na 1 2\nb 1 x\n", "v.vec:3: the vector of 'b' is not 2 numbers: .*'x'"),
        ("v.vec", b"2 2\na 1 2\nb  1\n", "v.vec:3: the vector of 'b' is not 2 numbers"),
        ("v.vec", b"2 2\na 1 2\nb 1 nan\n", "the vector of 'b' is not finite"),
        ("v.txt", b"a 1 2 3\nb 1 2\n", "v.txt:2: 2 values after the word, expected 3"),
        ("v.txt", b"a 1 2\nb 1 x\n", "v.txt:2: the vector of 'b' is not 2 numbers"),
        ("v.txt", b"0 3\n", "v.txt:1: found .*, expected a header"),
        ("v.txt", b"word\n", "v.txt:1: found b'word.*', expected a header"),
        ("v.bin", b"a 1 2\nb 1 2\n", "v.bin: found .*, expected a fastText model .* or a word2vec file"),
        ("v.bin", b"1 1\na 1234more", "v.bin: 4 bytes follow the 1 words of 1 values"),
        ("v.bin", b"1000000000000 9\na 1", "inside word 1 of the 1000000000000"),
        ("v.vec.gz", b"\x1f\x8bzipped", "v.vec.gz: gzip cannot be memory-mapped; decompress"),
    ],
)
def test_a_malformed_file_is_refused_by_place(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VectorFileError, match=message):
        vectors(tmp_path / name, ["a", "b"])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(VectorFileError, match=r"nowhere\.vec: no such file"):
        encoder(tmp_path / "nowhere.vec")


def test_it_tells_how_many_words_it_has(write):
    path = write(ROWS)
    assert encoder(path).known(["the", "Oslo", "Straße", "nowhere", ""]) == 3
    assert encoder(path, lowercase=False).known(["the", "Oslo", "Straße"]) == 2
    assert encoder(path).known([]) == 0
