"""Probabilities on disk say what the teacher said that wrote them."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from structkd.artifacts.reader import ArtifactSet
from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, Sentence
from structkd.teachers.annotate import annotate, text_rows
from structkd.teachers.config import AnnotationConfig
from structkd.teachers.sources.config import PredictionsConfig, SourceError
from structkd.teachers.sources.predictions import PredictionsSource
from structkd.teachers.sources.tagger import TaggerSource
from tests.teachers.sources.examples import CORPUS, SPANS, make_tagger, passage, words_of

FORMATS = ("jsonl", "parquet")
TURNED = LabelSet(SPANS.names[::-1])


def rows_of(chain, labels=SPANS.names):
    """What a program would write of a chain."""
    rows = []
    for sentence, marginals in zip(CORPUS, chain.marginals.double().tolist(), strict=True):
        probabilities = marginals[: len(sentence)]
        rows.append({"tokens": list(sentence.tokens), "probabilities": probabilities, "labels": list(labels)})
    return rows


def write(path, rows):
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    else:
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)


def open_file(path, task=SPANS, **settings):
    return PredictionsSource(PredictionsConfig(path=str(path), **settings), task, "IOB2")


@pytest.fixture
def written():
    return rows_of(TaggerSource(make_tagger(), SPANS).chain(passage()))


@pytest.mark.parametrize("kind", FORMATS)
def test_the_marginals_that_were_written_are_read(tmp_path, kind, written):
    path, original = tmp_path / f"en.{kind}", TaggerSource(make_tagger(), TURNED)
    write(path, written)
    source = open_file(path, TURNED)
    for places in ([0, 1, 2, 3, 4], [3, 1], [4]):
        found, expected = source.chain(passage(places=places)), original.chain(passage(places=places))
        assert found.lengths.tolist() == expected.lengths.tolist()
        np.testing.assert_allclose(words_of(found, found.marginals), words_of(expected, expected.marginals), atol=2e-6)
    assert not source.transitions.any()


@pytest.mark.parametrize("kind", FORMATS)
def test_the_settings_or_any_row_may_name_the_labels(tmp_path, kind, written):
    path = tmp_path / f"en.{kind}"
    write(path, written)
    expected = open_file(path).chain(passage()).emissions
    write(path, [row | {"labels": None, "score": 0.5} for row in written])
    assert open_file(path, labels=SPANS.names).chain(passage()).emissions.equal(expected)
    write(path, [row | ({"labels": None} if place != 2 else {}) for place, row in enumerate(written)])
    assert open_file(path).chain(passage()).emissions.equal(expected)


def test_paths_that_a_teacher_rules_out_are_not_written(tmp_path):
    sure = [[float(label == place % len(SPANS)) for label in range(len(SPANS))] for place in range(4)]
    torn = [[0.5, 0.5, 0.0, 0.0, 0.0]] * 2
    sentences = [Sentence(("a", "b", "c", "d")), Sentence(("e", "f"))]
    corpus, path = Corpus("en", "train", tuple(sentences)), tmp_path / "en.jsonl"
    said = zip(sentences, (sure, torn), strict=True)
    write(path, [{"tokens": list(s.tokens), "probabilities": p, "labels": list(SPANS.names)} for s, p in said])
    rows, config = text_rows([corpus], None), AnnotationConfig()
    annotate(open_file(path), rows, tmp_path / "set", name="me", config=config, provenance={}, log=lambda record: None)
    paths = [row["paths"] for row in ArtifactSet.open(tmp_path / "set").table().to_pylist()]
    assert paths[0] == [[0, 1, 2, 3]]
    assert sorted(paths[1]) == [[0, 0], [0, 1], [1, 0], [1, 1]]


@pytest.mark.parametrize("settings", [{}, {"labels": ()}])
def test_no_names_at_all_are_an_error(tmp_path, settings):
    write(tmp_path / "en.jsonl", [{"tokens": ["a"], "probabilities": [[]], "labels": []}])
    with pytest.raises(SourceError, match=r"en\.jsonl: `labels` of .* is empty"):
        open_file(tmp_path / "en.jsonl", **settings).chain(passage(Corpus("en", "train", (Sentence(("a",)),))))


def test_a_column_of_another_parquet_type_is_read_too(tmp_path, written):
    write(tmp_path / "plain.parquet", written)
    table = pa.Table.from_pylist([{name: row[name] for name in ("probabilities", "tokens")} for row in written])
    vectors = pa.list_(pa.list_(pa.float64(), len(SPANS)))
    kinds = {"tokens": pa.large_list(pa.large_string()), "probabilities": vectors}
    other = table.cast(pa.schema([(name, kinds[name]) for name in table.column_names]))
    pq.write_table(other, tmp_path / "other.parquet")
    found = open_file(tmp_path / "other.parquet", labels=SPANS.names).chain(passage())
    assert found.emissions.equal(open_file(tmp_path / "plain.parquet").chain(passage()).emissions)


def test_each_language_and_split_has_its_file(tmp_path, written):
    source = open_file(tmp_path / "{language}-{split}.jsonl")
    write(tmp_path / "en-train.jsonl", written)
    write(tmp_path / "de-dev.jsonl", written[1:])
    german = Corpus("de", "dev", CORPUS.sentences[1:])
    assert source.chain(passage()).emissions[1:].equal(source.chain(passage(german)).emissions)
    with pytest.raises(SourceError, match=r"nl-test.jsonl: no such file; it should hold the predictions"):
        source.chain(passage(Corpus("nl", "test", CORPUS.sentences)))


def _changed(column, value):
    def change(rows):
        rows[3][column] = value(rows[3][column])
        return rows

    return change


FAULTS = {
    "a row less": (
        lambda rows: rows[:-1],
        r"4 rows, but en train has 5 sentences; row i must be sentence i",
    ),
    "another order": (
        lambda rows: [rows[1], rows[0], *rows[2:]],
        r"row 0: its tokens are \['Oslo'\] \(1\); expected \['we', 'met', 'Ada', 'in', 'Rome'\] \(5\) as in en train",
    ),
    "another word": (
        _changed("tokens", lambda tokens: [*tokens[:-1], "feet"]),
        r"row 3: its tokens are \['Ada', .*'feet'\] \(6\); expected \['Ada', .*'foot'\] \(6\)",
    ),
    "no tokens": (_changed("tokens", lambda _: None), "row 3: no tokens; each row needs tokens and probabilities"),
    "no probabilities": (_changed("probabilities", lambda _: None), "row 3: no probabilities; each row needs"),
    "a word less": (_changed("probabilities", lambda p: p[1:]), "row 3: probabilities for 5 words, expected 6"),
    "a label less": (
        _changed("probabilities", lambda p: [p[0], p[1][1:], *p[2:]]),
        r"en train: sentence 3, word 1 \('Lovelace'\): 4 probabilities, expected 5 \(O, B-LOC, I-LOC, B-PER, I-PER\)",
    ),
    "no vector": (
        _changed("probabilities", lambda p: [*p[:5], None]),
        r"sentence 3, word 5 \('foot'\): 0 probabilities, expected 5",
    ),
    "logits": (
        _changed("probabilities", lambda p: [[2.0, -1.0, 0.0, 0.0, 0.0], *p[1:]]),
        r"sentence 3, word 0 \('Ada'\): \[2.0, -1.0, 0.0, 0.0, 0.0\] are not probabilities: .* sum, 1, within 0.001",
    ),
    "a sum of more": (
        _changed("probabilities", lambda p: [*p[:2], [0.5, 0.5, 0.0, 0.0, 0.002], *p[3:]]),
        r"sentence 3, word 2 \('went'\): \[.*\] are not probabilities: they must be at least 0, and their sum, 1.002,",
    ),
    "not a number": (
        _changed("probabilities", lambda p: [[float("nan")] * 5, *p[1:]]),
        r"word 0 \('Ada'\): \[nan, nan, nan, nan, nan\] are not probabilities: .*their sum, nan,",
    ),
    "other labels in a row": (
        _changed("labels", lambda names: names[::-1]),
        "row 3: its labels are I-PER, B-PER, I-LOC, B-LOC, O; expected O, B-LOC, I-LOC, B-PER, I-PER, as row 0 say",
    ),
    "fewer labels in a row": (
        _changed("labels", lambda names: names[1:]),
        "row 3: its labels are B-LOC, .*as row 0 say",
    ),
    "no labels": (
        lambda rows: [row | {"labels": None} for row in rows],
        "no row has `labels`; write them into the file, or set `labels` of the source",
    ),
    "labels of another task": (
        lambda rows: [row | {"labels": ["O", "B-LOC", "I-LOC", "B-X", "I-X"]} for row in rows],
        "gives B-X, I-X that the task lacks, and never gives B-PER, I-PER of the task; teacher: O, B-LOC",
    ),
}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_a_file_is_said_with_its_row(tmp_path, kind, fault, written):
    path, (change, words) = tmp_path / f"en.{kind}", FAULTS[fault]
    write(path, change(written))
    with pytest.raises(SourceError, match=f"en.{kind}: (?s:.*){words}"):
        open_file(path).chain(passage())


def test_labels_of_the_settings_must_be_those_of_the_file(tmp_path, written):
    write(tmp_path / "en.jsonl", written)
    with pytest.raises(SourceError, match=r"row 0: its labels are O, .*; expected I-PER, .*, as the settings say"):
        open_file(tmp_path / "en.jsonl", labels=TURNED.names).chain(passage())


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("en.csv", b"", "en.csv: predictions are .jsonl or .parquet; convert the file"),
        ("en.jsonl", b'{"tokens": ["a"], \n', "en.jsonl: cannot be read as rows of tokens .*: JSON parse error"),
        ("en.jsonl", b'{"tokens": "a"}\n', "changed from array to string in row 0"),
        ("en.jsonl", b"", "en.jsonl: cannot be read as rows of tokens .*: Empty JSON file"),
        ("en.parquet", b"PAR1", "en.parquet: cannot be read as rows of tokens"),
    ],
)
def test_a_file_that_is_none_of_both_is_refused(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=words):
        open_file(tmp_path / name).chain(passage())


def test_parquet_without_the_columns_shows_those_it_has(tmp_path):
    pq.write_table(pa.table({"words": [["a"]], "labels": [["O"]]}), tmp_path / "en.parquet")
    with pytest.raises(
        SourceError, match=r"en.parquet: its columns are words, labels; expected tokens and probabilities, once each"
    ):
        open_file(tmp_path / "en.parquet").chain(passage())
    pq.write_table(pa.table({"tokens": ["a b"], "probabilities": [[[1.0]]]}), tmp_path / "en.parquet")
    with pytest.raises(SourceError, match=r"en.parquet: cannot be read as rows of tokens"):
        open_file(tmp_path / "en.parquet").chain(passage())
