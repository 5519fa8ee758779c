"""The embedded demo corpus: what it promises about its bytes, its splits and its labels."""

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

import structkd.corpora.demo
from structkd.corpora.demo import LANGUAGES, demo_corpus, generator_digest
from structkd.corpora.demo.lexicon import load_lexicon
from structkd.corpora.demo.shares import SPLITS
from structkd.corpora.sentences import Corpus, CorpusError

ROOT = Path(structkd.corpora.demo.__file__).parents[3]
KINDS = {"PER", "LOC", "ORG"}


def surfaces(corpus: Corpus) -> list[tuple[str, str]]:
    """(surface, type) of every entity; fails where the labels are no IOB2."""
    found = []
    for sentence in corpus:
        previous = "O"
        for token, label in zip(sentence.tokens, sentence.labels, strict=True):
            prefix, _, kind = label.partition("-")
            assert label == "O" or (prefix in {"B", "I"} and kind in KINDS), sentence
            if prefix == "B":
                found.append([token.casefold(), kind])
            elif prefix == "I":
                assert previous in {f"B-{kind}", f"I-{kind}"}, sentence
                found[-1][0] += " " + token.casefold()
            previous = label
    return [(surface, kind) for surface, kind in found]


def python(code: str, hash_seed: str = "0", path: Path = ROOT) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(path)}
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, env=environment, cwd=path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_a_fresh_process_with_another_hash_seed_gives_the_same_bytes():
    code = (
        "from structkd.corpora.demo import LANGUAGES, demo_corpus\n"
        "for language in LANGUAGES:\n"
        "    for split in ('train', 'unlabelled'):\n"
        "        print(demo_corpus(language, split, sentences=60, seed=4).digest)"
    )
    here = [
        demo_corpus(language, split, sentences=60, seed=4).digest
        for language in LANGUAGES
        for split in ("train", "unlabelled")
    ]
    assert python(code, "1").split() == python(code, "20").split() == here


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("split", SPLITS)
def test_a_smaller_corpus_is_the_beginning_of_a_larger_one(language, split):
    larger = demo_corpus(language, split, sentences=80, seed=1)
    for sentences in (0, 1, 33, 80):
        smaller = demo_corpus(language, split, sentences=sentences, seed=1)
        assert smaller.sentences == larger.sentences[:sentences]


def test_seed_split_and_language_each_change_the_sentences():
    arguments = [("en", "train", 0), ("en", "train", 1), ("en", "dev", 0), ("de", "train", 0)]
    firsts = {demo_corpus(language, split, sentences=5, seed=seed).sentences for language, split, seed in arguments}
    assert len(firsts) == len(arguments)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_in_two_splits_even_with_other_seeds(language):
    texts = {
        split: {
            " ".join(sentence.tokens).casefold()
            for seed in (0, 1)
            for sentence in demo_corpus(language, split, sentences=400, seed=seed)
        }
        for split in SPLITS
    }
    for one, other in combinations(SPLITS, 2):
        assert not texts[one] & texts[other]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_entity_of_one_labelled_split_is_in_another(language, monkeypatch):
    monkeypatch.setattr("structkd.corpora.demo.noise.ANNOTATION_ERROR_RATE", 0.0)  # else train hides some of its own
    forms = {
        split: {surface for surface, _ in surfaces(demo_corpus(language, split, sentences=1000, seed=0))}
        for split in ("train", "dev", "test")
    }
    assert min(map(len, forms.values())) > 500
    for one, other in combinations(forms, 2):
        assert not forms[one] & forms[other]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["first", "last", "city", "country", "region", "core", "acronym"])
def test_a_name_belongs_to_one_labelled_split_and_unlabelled_text_has_all_names(language, kind):
    names = {split: set(load_lexicon(language, split).names[kind]) for split in SPLITS}
    assert names["train"] | names["dev"] | names["test"] < names["unlabelled"]
    for one, other in [("train", "dev"), ("train", "test"), ("dev", "test")]:
        assert names[one]
        assert not names[one] & names[other]


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_thousand_sentences_are_two_thousand_different_ones(language):
    corpus = demo_corpus(language, "train", sentences=2000, seed=0)
    assert len({tuple(map(str.casefold, sentence.tokens)) for sentence in corpus}) == 2000


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_labelled_splits_hold_valid_iob2_of_three_types_in_like_numbers(language, split):
    kinds = [kind for _, kind in surfaces(demo_corpus(language, split, sentences=400, seed=2))]
    assert set(kinds) == KINDS
    assert all(kinds.count(kind) > 0.2 * len(kinds) for kind in KINDS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_unlabelled_sentences_have_no_labels(language):
    assert all(s.labels is None for s in demo_corpus(language, "unlabelled", sentences=50, seed=0))


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_of_plain_length_and_every_token_is_a_word(language):
    corpus = demo_corpus(language, "train", sentences=500, seed=0)
    assert all(3 <= len(sentence) <= 45 for sentence in corpus)
    assert 10 <= corpus.tokens / len(corpus) <= 14
    leftovers = set("{}[]<>|#@")
    for sentence in corpus:
        assert all(token and token == token.strip() and not leftovers & set(token) for token in sentence.tokens)


@pytest.mark.parametrize("language", LANGUAGES)
def test_some_surface_forms_are_of_two_types_so_that_context_decides(language):
    pairs = set(surfaces(demo_corpus(language, "dev", sentences=1000, seed=0)))
    assert len(pairs) > 1.03 * len({surface for surface, _ in pairs})


@pytest.mark.parametrize("language", LANGUAGES)
def test_capitals_alone_do_not_give_entities_away(language):
    outside = [
        token
        for sentence in demo_corpus(language, "dev", sentences=300, seed=0)
        for place, (token, label) in enumerate(zip(sentence.tokens, sentence.labels, strict=True))
        if label == "O" and place and token[0].isupper()
    ]
    assert len(outside) > 40


def test_annotation_errors_are_in_train_only(monkeypatch):
    splits = ("train", "dev", "test")
    before = [demo_corpus("en", split, sentences=40, seed=0).digest for split in splits]
    monkeypatch.setattr("structkd.corpora.demo.noise.ANNOTATION_ERROR_RATE", 1.0)
    after = [demo_corpus("en", split, sentences=40, seed=0).digest for split in splits]
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, True]


@pytest.mark.parametrize(
    ("language", "split", "sentences", "words"),
    [
        ("fr", "train", 1, "no language 'fr'.*en, de, nl, es"),
        ("en", "trian", 1, "no split 'trian'.*train, dev, test, unlabelled"),
        ("en", "train", -1, "asked for -1 sentences"),
    ],
)
def test_what_cannot_be_generated_is_refused_with_what_can(language, split, sentences, words):
    with pytest.raises(CorpusError, match=words):
        demo_corpus(language, split, sentences=sentences, seed=0)


def test_more_sentences_than_the_templates_give_is_an_error_not_an_endless_loop(monkeypatch):
    monkeypatch.setattr("structkd.corpora.demo.generate.sentence_split", lambda tokens: "dev")
    with pytest.raises(CorpusError, match="no new sentence in 10000 draws after 0 sentences; ask for fewer"):
        demo_corpus("en", "train", sentences=1, seed=0)


def test_importing_and_naming_the_corpus_does_not_import_faker():
    code = (
        "import sys, structkd.corpora.demo as demo\n"
        "digest = demo.generator_digest()\n"
        "print(digest, any(name.split('.')[0] == 'faker' for name in sys.modules))"
    )
    assert python(code).split() == [generator_digest(), "False"]


def test_the_generator_digest_follows_its_version_and_fakers(monkeypatch):
    names = {generator_digest()}
    monkeypatch.setattr("structkd.corpora.demo.digest.VERSION", -1)
    names.add(generator_digest())
    monkeypatch.setattr("structkd.corpora.demo.digest.version", lambda package: "0.0")
    names.add(generator_digest())
    assert len(names) == 3
