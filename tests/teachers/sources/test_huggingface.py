"""A token classification model says of words what it says of their subwords."""

import sys
from functools import lru_cache

import numpy as np
import pytest
import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, Sentence
from structkd.tagger.encoders.pretrained import EncoderError
from structkd.teachers.sources.config import HuggingFaceConfig, SourceError
from structkd.teachers.sources.huggingface import TokenClassificationSource
from tests.teachers.sources import models
from tests.teachers.sources.examples import passage, words_of

TASK = LabelSet(("I-LOC", "O", "B-PER", "I-PER", "B-LOC"))
NOTHING = "\u0007"  # a control character, which BERT's normalizer removes
WINDOWED = (("ab",) * 9 + ("cde", "a", NOTHING) * 8, ("abcdeabcdeabcdeabcdeabcdeabcde", "a"), ("b",) * 60)


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return models.save_bert(tmp_path_factory.mktemp("bert"))


def corpus_of(*sentences):
    return Corpus("en", "train", tuple(Sentence(tuple(words)) for words in sentences))


def random_corpus(seed, letters="abcdez", sentences=12):
    """Sentences that fit into a window, some with words that are nothing to BERT or unknown."""
    generator = np.random.default_rng(seed)
    words = [
        ["".join(generator.choice(list(letters), generator.integers(1, 4))) for _ in range(n % 7 + 1)]
        for n in range(sentences)
    ]
    for row in words[::3]:
        row[len(row) // 2] = NOTHING
    return corpus_of(*words)


def open_model(folder, task=TASK, task_scheme="IOB2", **settings):
    settings = {"precision": "float32"} | settings
    return TokenClassificationSource(HuggingFaceConfig(model=str(folder), **settings), task, task_scheme)


@lru_cache(maxsize=1)
def loaded(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder, add_prefix_space=True)
    return tokenizer, AutoModelForTokenClassification.from_pretrained(folder)


def reference(folder, words, pooling="first", window=None):
    """One word after the other, one window after the other, one subword after the other."""
    tokenizer, model = loaded(folder)
    pieces = [tokenizer([w], is_split_into_words=True, add_special_tokens=False)["input_ids"] for w in words]
    pieces = [ids or [tokenizer.unk_token_id] for ids in pieces]
    ids, capacity = [piece for ids in pieces for piece in ids], (window or 10**6) - 2
    starts, step = [0], capacity // 2
    while starts[-1] + capacity < len(ids):
        starts.append(starts[-1] + step)
    best = [(-1.0, None)] * len(ids)
    for start in starts:
        inside = ids[start : start + capacity]
        with torch.no_grad():
            given = [tokenizer.cls_token_id, *inside, tokenizer.sep_token_id]
            found = model(torch.tensor([given])).logits[0, 1:-1].double().softmax(-1).numpy()
        for place, row in enumerate(found):
            left = place if start > 0 else np.inf
            right = len(inside) - 1 - place if start + capacity < len(ids) else np.inf
            if min(left, right) > best[start + place][0]:
                best[start + place] = (min(left, right), row)
    rows, ends = [row for _, row in best], np.cumsum([len(p) for p in pieces])
    pool = {"first": lambda part: part[0], "last": lambda part: part[-1], "mean": lambda part: np.mean(part, 0)}
    return np.stack([pool[pooling](rows[end - len(p) : end]) for end, p in zip(ends, pieces, strict=True)])


def check(folder, corpus, limit=None, **settings):
    chain = open_model(folder, **settings).chain(passage(corpus))
    order = [models.LABELS.index(name) for name in TASK.names]
    window = settings.get("window", limit)
    rows = [reference(folder, s.tokens, settings.get("subwords", "first"), window) for s in corpus]
    expected = np.concatenate(rows)[:, order]
    np.testing.assert_allclose(words_of(chain, chain.marginals), expected, atol=1e-5)
    assert expected.std(0).max() > 0.03  # words differ, or nothing was compared


@pytest.mark.parametrize("pooling", ["first", "last", "mean"])
def test_sentences_in_a_batch_are_what_each_is_alone(bert, pooling):
    check(bert, random_corpus(1), subwords=pooling)


def test_mixed_precision_says_about_the_same(bert):
    corpus = passage(random_corpus(1))
    exact, low = (open_model(bert, precision=precision).chain(corpus) for precision in ("float32", "bfloat16"))
    np.testing.assert_allclose(words_of(low, low.marginals), words_of(exact, exact.marginals), atol=0.1)
    assert not low.emissions.equal(exact.emissions)


@pytest.mark.parametrize("pooling", ["first", "last", "mean"])
@pytest.mark.parametrize("settings", [{}, {"window": 9}, {"window": 8}, {"window": 4}])
def test_each_word_of_a_long_sentence_is_read_where_it_is_most_central(bert, settings, pooling):
    short = (sentence.tokens for sentence in random_corpus(2))
    check(bert, corpus_of(*WINDOWED, ("a",), *short), models.POSITIONS, subwords=pooling, **settings)


@pytest.mark.parametrize("save", [models.save_roberta, models.save_xlm_roberta])
def test_other_tokenizers_and_position_tables(tmp_path, save):
    folder = save(tmp_path)
    check(folder, random_corpus(4, letters="abcd", sentences=4), limit=models.POSITIONS - 2)
    check(folder, corpus_of(("abcd", NOTHING) * 15, ("a",)), limit=models.POSITIONS - 2)


def test_labels_are_converted_and_renamed(bert):
    task = LabelSet(("O", *(f"{p}-{kind}" for kind in ("person", "LOC") for p in "BIES")))
    chain = open_model(bert, task, "BIOES", rename={"PER": "person"}).chain(passage(random_corpus(1)))
    plain = open_model(bert).chain(passage(random_corpus(1)))
    found, expected = chain.marginals, plain.marginals
    begins = [found[..., task.ids[f"{prefix}-person"]] for prefix in "BS"]
    torch.testing.assert_close(sum(begins), expected[..., TASK.ids["B-PER"]], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(found[..., 0], expected[..., TASK.ids["O"]], atol=1e-6, rtol=1e-5)


def test_a_model_without_names_gets_them_from_the_settings(tmp_path, bert):
    folder = models.save_bert(tmp_path, id2label={place: f"LABEL_{place}" for place in range(5)})
    with pytest.raises(SourceError, match=r"IOB2 knows O, B-TYPE, I-TYPE, but there is LABEL_0, LABEL_1, .*`labels`"):
        open_model(folder)
    found = open_model(folder, labels=models.LABELS).chain(passage(random_corpus(1)))
    assert found.emissions.equal(open_model(bert).chain(passage(random_corpus(1))).emissions)


def test_nothing_is_printed(bert, capfd):
    open_model(bert)
    assert capfd.readouterr() == ("", "")


def test_transformers_must_be_installed(bert, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(EncoderError, match=r"needs the package transformers; .*pip install 'structkd\[transformers\]'"):
        open_model(bert)


@pytest.mark.parametrize("name", ["no-such/model", "/no/such/folder"])
def test_a_model_that_is_not_there_is_named(name):
    with pytest.raises(EncoderError, match=f"{name}: n"):
        open_model(name)


def test_a_model_that_was_not_trained_to_classify_tokens_is_refused(tmp_path):
    with pytest.raises(
        SourceError, match=r"has no weights for classifier.bias, classifier.weight, so it is not trained"
    ):
        open_model(models.save_bert_without_head(tmp_path))


def test_a_word_that_is_nothing_and_cannot_be_unknown_is_named(tmp_path):
    source = open_model(models.save_bert_without_unknown(tmp_path))
    with pytest.raises(EncoderError, match="the word 'z': the tokeniser cuts it into nothing"):
        source.chain(passage(corpus_of(("a",), ("b", "z"))))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"window": 25}, "window is 25, but the model takes 24 subwords at once"),
        ({"window": 2}, "window is 2, expected at least 4: 2 are special tokens"),
        ({"labels": ("O",)}, r"`labels` names 1 \(O\), but the model has 5 \(O, B-PER, I-PER, B-LOC, I-LOC\)"),
        ({"rename": {"PER": "x"}}, "gives B-x, I-x that the task lacks, and never gives B-PER, I-PER of the task"),
    ],
)
def test_settings_that_do_not_fit_the_model_are_refused(bert, settings, words):
    with pytest.raises((SourceError, EncoderError), match=words):
        open_model(bert, **settings)
