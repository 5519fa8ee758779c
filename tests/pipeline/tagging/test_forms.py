"""Every form of output has one record for each input of every form, in order, with offsets that give the words."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structkd.runtime.records import record
from structkd.runtime.tagging import Wanted
from tests.examples import examples
from tests.pipeline.tagging.tagging import TAGGER, tagged

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=8)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=6).filter(str.strip)


def json_lines(rows):
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def read_json(path):
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def check(found, texts):
    """Records are those of the tagger."""
    expected = list(map(record, TAGGER.tag(texts)))
    assert [{name: row[name] for name in expected[0]} for row in found] == expected if expected else not found
    for row in found:
        assert [row["text"][start:end] for start, end in row["offsets"]] == row["tokens"]
        assert [row["text"][one["start"] : one["end"]] for one in row["entities"]] == [
            one["text"] for one in row["entities"]
        ]


@given(TEXTS)
@examples(40)
def test_json_objects_keep_their_fields_in_every_form(texts):
    with TemporaryDirectory() as name:
        folder = Path(name)
        rows = [{"id": place, "text": text, "half": "\ud800"} for place, text in enumerate(texts)]
        (folder / "in.jsonl").write_text(json_lines(rows), "utf-8")
        tagged(folder / "in.jsonl", "jsonl", "json", folder / "out.jsonl")
        found = read_json(folder / "out.jsonl")
        assert [{key: row[key] for key in ("id", "text", "half")} for row in found] == rows
        check(found, texts)
        tagged(folder / "in.jsonl", "jsonl", "parquet", folder / "out.parquet")
        table = pq.read_table(folder / "out.parquet").to_pylist()
        assert [json.loads(row["json"]) for row in table] == rows
        check(table, texts)


@given(TEXTS, st.booleans())
@examples(40)
def test_rows_of_parquet_keep_their_columns_in_every_form(texts, nested):
    with TemporaryDirectory() as name:
        folder, under = Path(name), "ner" if nested else None
        table = pa.table({"id": range(len(texts)), "text": pa.array(texts, pa.string())})
        pq.write_table(table, folder / "in.parquet", row_group_size=3)
        tagged(folder / "in.parquet", "parquet", "parquet", folder / "out.parquet", under=under)
        found = pq.read_table(folder / "out.parquet")
        assert found.select(["id", "text"]).cast(table.schema).equals(table)
        rows = found.to_pylist()
        check([row | row.get("ner", {}) for row in rows], texts)
        tagged(folder / "in.parquet", "parquet", "json", folder / "out.jsonl", under=under)
        rows = read_json(folder / "out.jsonl")
        assert [(row["id"], row["text"]) for row in rows] == list(enumerate(texts))
        check([row | row.get("ner", {}) for row in rows], texts)


@given(TEXTS)
@examples(40)
def test_a_record_for_each_line(texts):
    texts = [text.replace("\n", " ").replace("\r", " ") for text in texts]
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in.txt").write_text("".join(f"{text}\n" for text in texts), "utf-8", newline="")
        for kind in ("json", "parquet", "columns", "html", "entities"):
            tagged(folder / "in.txt", "text", kind, folder / f"out.{kind}")
        if texts and not texts[0].startswith("\ufeff"):
            check(read_json(folder / "out.json"), texts)
            check(pl.read_parquet(folder / "out.parquet").to_dicts(), texts)
        columns = (folder / "out.columns").read_text("utf-8")
        assert columns.split("\n").count("") == len(texts) + 1
        assert (folder / "out.html").read_text("utf-8").count("<li>") == len(texts)
        entities = [one for text in TAGGER.tag(texts) for one in text.entities]
        assert len((folder / "out.entities").read_text("utf-8").splitlines()) == len(entities)


@given(st.lists(st.lists(WORDS, min_size=1, max_size=4), max_size=5), st.integers(1, 3))
@examples(40)
def test_words_stay_as_they_are(sentences, gap):
    with TemporaryDirectory() as name:
        folder = Path(name)
        marked = [["x" + word for word in words] for words in sentences]
        blocks = ["".join(f"{word}\tO\n" for word in words) for words in marked]
        (folder / "in.conll").write_text(("\n" * gap).join(blocks), "utf-8", newline="")
        tagged(folder / "in.conll", "columns", "json", folder / "a.jsonl", field="0")
        assert [row["tokens"] for row in read_json(folder / "a.jsonl")] == marked
        (folder / "in.jsonl").write_text(json_lines({"words": words} for words in marked), "utf-8")
        tagged(folder / "in.jsonl", "jsonl", "json", folder / "b.jsonl", field="words")
        found = read_json(folder / "b.jsonl")
        assert [row["words"] for row in found] == marked
        assert all("tokens" not in row and row["text"] == " ".join(row["words"]) for row in found)
        pq.write_table(pa.table({"words": pa.array(marked, pa.list_(pa.string()))}), folder / "in.parquet")
        tagged(folder / "in.parquet", "parquet", "json", folder / "c.jsonl", field="words")
        assert read_json(folder / "c.jsonl") == found


def test_comments_and_document_marks_are_no_sentences(tmp_path):
    text = "-DOCSTART- O\n\n# sent_id = 1\n# text = Ada ran\nAda O\nran O\n\n\n# sent_id = 2\nOslo O"
    (tmp_path / "in.conll").write_text(text, "utf-8")
    tagged(tmp_path / "in.conll", "columns", "json", tmp_path / "out.jsonl", field="0")
    assert [row["tokens"] for row in read_json(tmp_path / "out.jsonl")] == [["Ada", "ran"], ["Oslo"]]


def test_null_is_an_input_without_words(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"text": null}\n\n{"text": ""}\n', "utf-8")
    tagged(tmp_path / "in.jsonl", "jsonl", "json", tmp_path / "out.jsonl", wanted=Wanted(k=2))
    answer = {"tokens": [], "offsets": [], "labels": [], "probabilities": [], "entities": [], "labelings": []}
    assert read_json(tmp_path / "out.jsonl") == [{"text": None} | answer, {"text": ""} | answer]
    for kind, column in {"text": pa.array([None, "Ada"]), "tokens": pa.array([None, ["Ada"]])}.items():
        pq.write_table(pa.table({kind: column}), tmp_path / "in.parquet")
        tagged(tmp_path / "in.parquet", "parquet", "parquet", tmp_path / "out.parquet", field=kind)
        found = pq.read_table(tmp_path / "out.parquet").to_pylist()
        assert [row["offsets"] for row in found] == [[], [[0, 3]]]
        assert {len(row) for row in found} == {6}


@pytest.mark.parametrize("form", ["text", "jsonl", "columns", "parquet"])
@pytest.mark.parametrize("kind", ["json", "columns", "entities", "parquet", "html"])
def test_nothing_gives_nothing(form, kind, tmp_path):
    path = tmp_path / "in"
    path.write_bytes(b"")
    if form == "parquet":
        pq.write_table(pa.table({"id": pa.array([], pa.int8()), "text": pa.array([], pa.string())}), path)
    tagged(path, form, kind, tmp_path / "out", field="0" if form == "columns" else "text")
    if kind == "parquet":
        table = pq.read_table(tmp_path / "out")
        assert table.num_rows == 0
        assert table.column_names[:2] == (["id", "text"] if form == "parquet" else ["text", "tokens"])
    else:
        assert "<li>" not in (tmp_path / "out").read_text("utf-8")


def test_values_that_json_does_not_have_are_written_as_text(tmp_path):
    values = {"day": [date(2026, 1, 2)], "price": [Decimal("1.50")], "raw": [b"\xff"], "nan": [float("nan")]}
    pq.write_table(pa.table({"text": ["Ada"], **values}), tmp_path / "in.parquet")
    tagged(tmp_path / "in.parquet", "parquet", "json", tmp_path / "out.jsonl")
    (row,) = read_json(tmp_path / "out.jsonl")
    assert [row[name] for name in values] == ["2026-01-02", "1.50", "/w==", None]


def test_numbers_and_order_of_json_stay_as_they_were_written(tmp_path):
    line = '{"b": 1e400, "a": 1.10, "text": "Ada", "big": 123456789012345678901234567890}'
    (tmp_path / "in.jsonl").write_text(line, "utf-8")
    tagged(tmp_path / "in.jsonl", "jsonl", "json", tmp_path / "out.jsonl", under="ner")
    assert (tmp_path / "out.jsonl").read_text("utf-8").startswith(f'{line[:-1]}, "ner": {{"tokens": ["Ada"]')


def test_row_groups_of_many_rows_pass_by(tmp_path):
    pq.write_table(pa.table({"text": [f"Ada {row}" for row in range(2500)]}), tmp_path / "in.parquet")
    told = tagged(tmp_path / "in.parquet", "parquet", "parquet", tmp_path / "out.parquet")
    assert [words for _, words in told] == [0, 2000, 2000, 1000]
    assert told[-1][0] == (tmp_path / "in.parquet").stat().st_size
    found = pl.read_parquet(tmp_path / "out.parquet")
    assert found["tokens"].list.last().to_list() == list(map(str, range(2500)))


def test_a_threshold_leaves_entities_out(tmp_path):
    (tmp_path / "in.txt").write_text("one two three four five six\n" * 3, "utf-8")
    for threshold in (0.0, 0.5):
        tagged(tmp_path / "in.txt", "text", "entities", tmp_path / "out", wanted=Wanted(threshold=threshold))
        rows = [line.split("\t") for line in (tmp_path / "out").read_text("utf-8").splitlines()]
        assert all(float(row[5]) >= threshold for row in rows)
        assert {row[0] for row in rows} == {"1", "2", "3"}
        text = "one two three four five six"
        assert all(text[int(row[3]) : int(row[4])] == row[2] for row in rows)
