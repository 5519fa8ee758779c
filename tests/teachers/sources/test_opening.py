"""Settings open the teacher of a language."""

import json

import pytest
import torch
from pydantic import ValidationError

from structkd.corpora.sentences import Corpus
from structkd.tagger.checkpoint import save_tagger
from structkd.tagger.description import CheckpointError
from structkd.teachers.sources.base import TeacherSource
from structkd.teachers.sources.combine import Combination
from structkd.teachers.sources.config import SourceError, SourcesConfig
from structkd.teachers.sources.opening import open_source
from structkd.teachers.sources.tagger import TaggerSource
from tests.teachers.sources import models
from tests.teachers.sources.examples import CORPUS, SPANS, make_tagger, passage


@pytest.fixture
def folder(tmp_path):
    """A checkpoint for en and de, a model for en, and the predictions for en."""
    for seed, language in enumerate(("en", "de")):
        save_tagger(make_tagger(seed=seed), tmp_path / "taggers" / language, {})
    models.save_bert(tmp_path / "bert-en")
    row = {"probabilities": [[0.2] * 5], "labels": SPANS.names}
    rows = ({"tokens": s.tokens, **row, "probabilities": row["probabilities"] * len(s)} for s in CORPUS)
    (tmp_path / "en.train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def sources(folder, **changes):
    checkpoint = {"kind": "checkpoint", "folder": f"{folder}/taggers/{{language}}"}
    model = {"kind": "huggingface", "model": f"{folder}/bert-{{language}}", "languages": ["en"]}
    predictions = {"kind": "predictions", "path": f"{folder}/{{language}}.{{split}}.jsonl", "languages": ["en", "nl"]}
    return {"sources": [checkpoint, model, predictions], **changes}


def opened(settings, language="en"):
    source = open_source(SourcesConfig.model_validate(settings), language, SPANS, "IOB2")
    assert isinstance(source, TeacherSource)
    assert source.labels == SPANS
    return source


@pytest.mark.parametrize("rule", ["mean", "product"])
def test_the_sources_that_serve_a_language_are_combined_by_their_weights(folder, rule):
    settings = sources(folder, combine=rule)
    for place, source in enumerate(settings["sources"]):
        source["weight"] = place + 1.0
    alone = [opened({"sources": [source]}) for source in settings["sources"]]
    expected = Combination(alone, rule, [1.0, 2.0, 3.0]).chain(passage())
    found = opened(settings).chain(passage())
    assert found.emissions.equal(expected.emissions)
    assert found.transitions.equal(expected.transitions)
    assert found.transitions.any() == (rule == "product")


def test_a_source_without_others_is_itself(folder):
    german = Corpus("de", "train", CORPUS.sentences)
    for rule in ("mean", "product"):
        found = opened(sources(folder, combine=rule), "de").chain(passage(german))
        expected = TaggerSource(make_tagger(seed=1), SPANS).chain(passage(german))
        torch.testing.assert_close(found.log_marginals, expected.log_marginals)
        assert found.transitions.equal(expected.transitions)


def test_a_language_that_none_serves_is_an_error(folder):
    settings = {"sources": sources(folder)["sources"][1:]}
    with pytest.raises(SourceError, match=r"none serves 'fr', only en, nl; add it to the `languages` of one"):
        opened(settings, "fr")


def test_what_cannot_be_opened_is_named(folder):
    with pytest.raises(CheckpointError, match=r"taggers/nl: holds no trained tagger"):
        opened(sources(folder), "nl")
    save_tagger(make_tagger(), folder / "taggers" / "nl", {})
    with pytest.raises(SourceError, match=r"nl.train.jsonl: no such file"):
        opened(sources(folder), "nl").chain(passage(Corpus("nl", "train", CORPUS.sentences)))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"kind": "flair"}, "expected tags: 'checkpoint', 'huggingface', 'predictions'"),
        ({"kind": "checkpoint", "folder": "{split}"}, r"\{split\} is not known here, only \{language\}"),
        ({"kind": "predictions", "path": "{lang}.jsonl"}, r"\{lang\} is not known here, only \{language\}, \{split\}"),
        ({"kind": "predictions", "path": "{language"}, "expected '}' before end of string"),
        ({"kind": "huggingface", "model": "x", "weight": 0}, "greater than 0"),
        ({"kind": "huggingface", "model": "x", "unmapped": "ignore"}, "'error', 'renormalise' or 'outside'"),
        ({"kind": "checkpoint", "folder": "x", "scheme": "IO"}, "scheme(?s:.*)Extra inputs are not permitted"),
    ],
)
def test_settings_that_mean_nothing_are_refused(source, words):
    with pytest.raises(ValidationError, match=words):
        SourcesConfig.model_validate({"sources": [source]})
    with pytest.raises(ValidationError, match="at least 1 item"):
        SourcesConfig(sources=())
