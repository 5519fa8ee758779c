"""Prepared text is the text that `load` gives, and is read in shards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from structkd.corpora.config import Limits
from structkd.corpora.prepared import PreparedText, write_prepared
from structkd.corpora.sentences import Corpus, CorpusDigest, CorpusError, Sentence
from structkd.corpora.sources.base import CorpusRequest, streamed
from structkd.corpora.sources.text import JoinedText, UnlabelledText
from structkd.ground.files import digest_json
from structkd.ground.records import Prepared
from tests.corpora.test_sources import Repeated
from tests.examples import examples
from tests.pipeline.tiny import contents

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=4)
TEXTS = st.lists(st.lists(WORDS, min_size=1, max_size=9), min_size=1, max_size=12)


def asked(max_tokens=4, too_long="cut", seed=3):
    limits = Limits(max_tokens=max_tokens, too_long=too_long, seed=seed)
    return CorpusRequest("tiny", "en", "unlabelled", "BIOES", limits, None, Repeated())


def prepare(folder, source, wanted, shard_rows=3):
    folder.mkdir(exist_ok=True)
    write_prepared(folder, "en", "unlabelled", source.stream(wanted), shard_rows, lambda record: None)
    return PreparedText(folder)


@examples(40)
@given(TEXTS, st.integers(1, 5), st.sampled_from(["cut", "keep"]), st.none() | st.integers(1, 9), st.integers(1, 5))
def test_it_is_what_a_corpus_in_memory_is(tmp_path_factory, lines, max_tokens, too_long, sentences, shard_rows):
    folder = tmp_path_factory.mktemp("text")
    (folder / "text").write_text("".join(f"{' '.join(line)}\n" for line in lines), "utf-8")
    wanted = asked(max_tokens, too_long)
    memory = Corpus("en", "unlabelled", tuple(Sentence(tuple(line)) for line in lines))
    whole, report = wanted.take(memory)
    expected = whole.sample(sentences, wanted.limits.seed)
    source = UnlabelledText(path=str(folder / "text"), sentences=sentences)
    assert source.load(wanted) == (expected, report)
    found = prepare(folder / "a", source, wanted, shard_rows)
    assert [found[place] for place in range(len(found))] == list(expected)
    assert (found.language, found.split, found.digest, found.limited) == ("en", "unlabelled", expected.digest, report)
    prepare(folder / "b", source, wanted, shard_rows)
    assert contents(folder / "a") == contents(folder / "b")


def test_a_digest_of_sentences_one_by_one_is_that_of_all():
    sentences = [Sentence(("a", '\u00e4"')), Sentence(("b",), ("O",))]
    digest = CorpusDigest("en", "train")
    for count, sentence in enumerate(sentences, 1):
        digest.add(sentence)
        rows = [[one.tokens, one.labels] for one in sentences[:count]]
        assert digest.value == digest_json(["en", "train", rows])


def test_texts_one_after_the_other_add_up(tmp_path):
    for name in "ab":
        (tmp_path / name).write_text(f"{name} b c d e f\n{name}\n", "utf-8")
    text = JoinedText([UnlabelledText(path=str(tmp_path / name)) for name in "ab"])
    found = prepare(tmp_path / "set", text, asked())
    assert [found[place].tokens[0] for place in range(len(found))] == ["a", "e", "a", "b", "e", "b"]
    assert (found.limited.long_sentences, found.limited.pieces) == (2, 4)


@pytest.fixture
def text(tmp_path):
    sentences = tuple(Sentence((f"w{place}",)) for place in range(7))
    folder = tmp_path / "set"
    folder.mkdir()
    corpus, report = asked().take(Corpus("en", "unlabelled", sentences))
    told = []
    write_prepared(folder, "en", "unlabelled", streamed(corpus, report), 3, told.append)
    assert told == [Prepared(3), Prepared(6), Prepared(7)]
    return folder


@pytest.mark.parametrize("name", ["text.json", "part-00001.parquet"])
@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data.replace(b"w4", b"w5"), None])
def test_a_damaged_or_missing_file_is_named_with_the_folder_to_delete(text, name, damage):
    path = text / name
    data = path.read_bytes()
    changed = damage(data) if damage else None
    if changed == data:
        changed = data[:20] + bytes([data[20] ^ 1]) + data[21:]
    path.unlink() if changed is None else path.write_bytes(changed)
    with pytest.raises(CorpusError, match=rf"{name}.*delete the folder {text}: the next run prepares"):
        PreparedText(text)[4]


def test_an_error_in_the_text_leaves_it_unprepared(tmp_path):
    (tmp_path / "text").write_text("a\na\na\na\tb\n", "utf-8")
    with pytest.raises(CorpusError, match="text:4: a tab"):
        prepare(tmp_path / "set", UnlabelledText(path=str(tmp_path / "text")), asked())
    assert not (tmp_path / "set" / "text.json").exists()
