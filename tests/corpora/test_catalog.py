"""The catalog says what there is; loading checks that it is so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from structkd.corpora import catalog
from structkd.corpora.catalog import CATALOG, DIGESTS, corpora_root, entry, load, source_path, status
from structkd.corpora.origins import Origin, origin_path, write_origin
from structkd.corpora.schemes import SchemeError
from structkd.corpora.sentences import CorpusError, Sentence, label_names
from structkd.ground.files import digest_file

EVERY_FILE = [
    (found.name, language, split)
    for found in CATALOG.values()
    for language in found.languages
    for split in found.splits_of(language)
]


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("STRUCTKD_CORPORA", raising=False)
    return tmp_path


def put(root, file, content):
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, "utf-8")
    return path


def test_every_digest_belongs_to_one_file_of_the_catalog():
    files = [entry(name).file(language, split) for name, language, split in EVERY_FILE]
    assert len(set(files)) == len(files)
    assert set(DIGESTS) <= set(files)
    assert all(len(digest) == 64 for digest in DIGESTS.values())


def test_the_four_tasks_of_the_paper_are_there():
    languages = {name: set(entry(name).languages) for name in ("conll", "absa", "ud")}
    assert languages == {
        "conll": {"en", "nl", "es", "de"},
        "absa": {"en", "nl", "es", "ru", "tr"},
        "ud": {"en", "he", "ja", "sl", "fr", "id", "fa", "ta"},
    }
    assert {name: (found.task, found.metric, found.scheme) for name, found in CATALOG.items()} == {
        "conll": ("ner", "spans", "IOB2"),
        "absa": ("aspect", "spans", "IOB2"),
        "wikiann": ("ner", "spans", "IOB2"),
        "ud": ("pos", "accuracy", None),
        "conllu": ("pos", "accuracy", None),
        "unlabelled": (None, None, None),
        "zeroshot-wikiann": ("ner", "spans", "IOB2"),
        "zeroshot-ud": ("pos", "accuracy", None),
    }


def test_only_treebanks_are_fetchable_and_each_of_them_lies_somewhere():
    assert {name for name, found in CATALOG.items() if found.fetchable} == {"ud", "conllu"}
    assert all(set(entry(name).treebanks) == set(entry(name).languages) for name in ("ud", "conllu"))
    assert entry("ud").treebanks == entry("conllu").treebanks
    assert not entry("conll").redistributable
    assert not entry("absa").redistributable


@pytest.mark.parametrize(("name", "hint"), [("connl", "did you mean 'conll'?"), ("xyz", "known: conll, absa")])
def test_an_unknown_corpus_is_an_error_with_the_nearest_name(name, hint):
    with pytest.raises(CorpusError) as caught:
        entry(name)
    assert hint in str(caught.value)


def test_the_root_is_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("STRUCTKD_CORPORA", str(tmp_path))
    assert corpora_root() == tmp_path
    assert source_path("conll", "en", "dev") == tmp_path / "conll/en/dev.tsv"
    assert source_path("conll", "en", "dev", Path("other")) == Path("other/conll/en/dev.tsv")
    monkeypatch.setenv("STRUCTKD_CORPORA", "")
    assert corpora_root() is None


@pytest.mark.parametrize(
    ("name", "language", "split", "message"),
    [
        ("conll", "fr", "dev", "conll has no language 'fr'; it has en, nl, es, de"),
        ("unlabelled", "de", "train", "has no split 'train' for de; it has unlabelled"),
        ("conllu", "sl", "dev", "has no split 'dev' for sl; it has train, test"),
    ],
)
def test_what_a_corpus_does_not_have_is_an_error(root, name, language, split, message):
    with pytest.raises(CorpusError) as caught:
        load(name, language, split, root=root)
    assert message in str(caught.value)


def test_a_missing_file_says_what_to_do(root):
    with pytest.raises(CorpusError, match=r"set STRUCTKD_CORPORA .* or run `structkd corpora fetch ud`"):
        load("ud", "en", "dev", root=root)
    with pytest.raises(CorpusError, match=r"conll/en/dev.tsv: no such file; .* or obtain it from https://www.clips"):
        load("conll", "en", "dev", root=root)
    with pytest.raises(CorpusError, match="no root given; set STRUCTKD_CORPORA"):
        load("ud", "en", "dev")


def test_labels_are_written_in_the_scheme_that_is_asked_for(root):
    put(root, "conll/en/dev.tsv", "New\tB-LOC\nYork\tI-LOC\nEU\tB-ORG\n.\tO\n\n")
    as_is = load("conll", "en", "dev", root=root)
    assert (as_is.language, as_is.split) == ("en", "dev")
    assert as_is.sentences == (Sentence(("New", "York", "EU", "."), ("B-LOC", "I-LOC", "B-ORG", "O")),)
    assert load("conll", "en", "dev", root=root, scheme="IOB2") == as_is
    assert load("conll", "en", "dev", root=root, scheme="BIOES")[0].labels == ("B-LOC", "E-LOC", "S-ORG", "O")
    assert load("conll", "en", "dev", root=root, scheme="IOB1")[0].labels == ("I-LOC", "I-LOC", "I-ORG", "O")


def test_invalid_labels_are_an_error_with_or_without_conversion(root):
    path = put(root, "conll/en/dev.tsv", "a\tO\n\nb\tO\nc\tI-PER\n")
    for scheme in (None, "BIOES"):
        with pytest.raises(SchemeError) as caught:
            load("conll", "en", "dev", root=root, scheme=scheme)
        assert str(caught.value).startswith(f"{path}:4: ")


@pytest.mark.parametrize(
    ("file", "name", "content", "strange"),
    [
        ("conll/en/dev.tsv", "conll", "a\tO\n\nb\tB-GPE\n", "GPE"),
        ("ud/en/dev.tsv", "ud", "a\tX\n\nb\tNN\n", "NN"),
        ("ud/en/dev.tsv", "ud", "a\tX\n\nb\tO\n", "O"),
    ],
)
def test_a_label_that_the_corpus_does_not_have_is_an_error(root, file, name, content, strange):
    put(root, file, content)
    with pytest.raises(CorpusError, match=f"sentence 2 is labelled {strange}; {name} has"):
        load(name, "en", "dev", root=root)


def test_tags_and_unlabelled_text_have_no_scheme(root):
    put(root, "ud/en/dev.tsv", "a\tX\n")
    put(root, "unlabelled/en.txt", "a b\n")
    assert load("ud", "en", "dev", root=root)[0].labels == ("X",)
    assert load("unlabelled", "en", "unlabelled", root=root).sentences == (Sentence(("a", "b")),)
    for name, split in (("ud", "dev"), ("unlabelled", "unlabelled")):
        with pytest.raises(CorpusError, match="leave the scheme out"):
            load(name, "en", split, root=root, scheme="BIOES")


def test_status_tells_intact_files_from_others(root, monkeypatch):
    good = put(root, "absa/en/dev.tsv", "a\tO\n")
    put(root, "absa/en/test.tsv", "another version")
    put(root, "absa/nl/dev.tsv", "not in the catalog")
    fetched = put(root, "absa/nl/test.tsv", "fetched")
    write_origin(fetched, Origin("http://x", "0" * 64, digest_file(fetched), "2020-01-01"))
    known = {"absa/en/dev.tsv": digest_file(good), "absa/en/test.tsv": "0" * 64, "absa/nl/test.tsv": "1" * 64}
    monkeypatch.setattr(catalog, "DIGESTS", known)
    found = {(file.language, file.split): file.state for file in status("absa", root)}
    assert len(found) == 15
    assert {place: state for place, state in found.items() if state != "absent"} == {
        ("en", "dev"): "present",
        ("en", "test"): "differs",
        ("nl", "dev"): "unverified",
        ("nl", "test"): "present",
    }


def test_a_damaged_record_is_an_error_that_names_it(root):
    path = put(root, "conllu/fa/dev.conllu", "x")
    origin_path(path).write_text('{"address": 1}', "utf-8")
    with pytest.raises(CorpusError, match=r"dev\.conllu\.origin\.json: not a record of a download"):
        status("conllu", root)


def test_importing_the_catalog_imports_nothing_slow():
    slow = "{'torch', 'polars', 'pooch', 'pyarrow', 'pandas', 'requests'}"
    code = f"import sys, corpora.catalog, corpora.fetch, corpora.parquet; print(sorted({slow} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


real = pytest.mark.skipif(
    not os.environ.get("STRUCTKD_CORPORA"), reason="reads the real corpora; set STRUCTKD_CORPORA to their folder"
)


@real
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "language", "split", "sentences", "tokens", "labels"),
    [
        ("conll", "es", "train", 8323, 264715, 9),
        ("conll", "en", "test", 3453, 46435, 9),
        ("absa", "tr", "dev", 123, 1271, 3),
        ("wikiann", "fa", "train", 4000, 24010, 7),
        ("ud", "ja", "train", 7125, 160204, 16),
        ("conllu", "fr", "train", 2231, 50517, 17),
        ("conllu", "sl", "train", 2078, 19473, 16),
        ("unlabelled", "he", "unlabelled", 12918, 121027, 0),
        ("zeroshot-wikiann", "ml", "test", 1000, 6727, 7),
        ("zeroshot-ud", "zh", "test", 500, 12012, 15),
    ],
)
def test_real_corpora_have_their_known_sizes(name, language, split, sentences, tokens, labels):
    corpus = load(name, language, split)
    assert (len(corpus), corpus.tokens, len(label_names([corpus]))) == (sentences, tokens, labels)


@real
@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOG)
def test_every_real_file_that_is_there_is_intact_and_loads(name):
    root = corpora_root()
    there = [file for file in status(name, root) if file.state != "absent"]
    if not there:
        pytest.skip(f"no file of {name} under {root}")
    assert {file.state for file in there} == {"present"}
    for file in there:
        assert len(load(name, file.language, file.split)) > 0
