"""Inputs that cannot be tagged: the error names the place, what was found, and what to do."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from structkd.corpora.sentences import CorpusError
from structkd.runtime.lines import LineError
from tests.pipeline.tagging.tagging import tagged

JSON = {
    "[1]": "found a JSON list, expected an object",
    '"Ada"': "found a JSON str, expected an object",
    '{"text": "Ada"': "not JSON",
    '{"text": "Ada", "x": 1' + "0" * 5000 + "}": "not JSON (an integer of 5001 digits",
    '{"text": "Ada", "x": NaN}': "not JSON (NaN is no number)",
    '{"txt": "Ada"}': "no field 'text', found 'txt'; name the one with the text: --field",
    "{}": "no field 'text', found none",
    '{"text": 7}': "field 'text': found the int 7, expected a text or a list of words",
    '{"text": ["Ada", ""]}': "field 'text': found '' as word 1 of the list",
    '{"text": ["Ada", null]}': "field 'text': found 'None' as word 1 of the list",
    '{"text": "Ada", "labels": 1}': "found the field 'labels', which the answer has too; rename it, or",
}


@pytest.mark.parametrize("line", JSON)
def test_a_json_line(line, tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text(f'{{"text": "one"}}\n{line}\n', "utf-8")
    with pytest.raises(LineError) as refused:
        tagged(path, "jsonl", "json", tmp_path / "out.jsonl")
    assert str(refused.value).startswith(f"{path}:2: {JSON[line]}")
    assert [one.name for one in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_field_of_the_answer_may_be_there_if_it_is_not_added(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "one", "labels": 1}\n', "utf-8")
    for kind in ("columns", "html", "parquet"):
        tagged(path, "jsonl", kind, tmp_path / "out")
    tagged(path, "jsonl", "json", tmp_path / "out", under="ner")
    assert json.loads((tmp_path / "out").read_text("utf-8"))["labels"] == 1


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"txt": ["Ada"]}, ": no column 'text', found 'txt'; name the one with the text: --column"),
        ({"text": ["Ada", "x" * 101]}, ": row 1: column 'text': 101 characters, at most 100 are taken"),
        ({"text": [1]}, ": row 0: column 'text': found the int 1, expected a text or a list of words"),
        ({"text": [["Ada"], [None]]}, ": row 1: column 'text': found 'None' as word 0 of the list"),
        ({"text": ["Ada"], "entities": [1]}, ": found the field 'entities', which the answer has too"),
    ],
)
def test_parquet(columns, message, tmp_path):
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table(columns), path)
    with pytest.raises(CorpusError) as refused:
        tagged(path, "parquet", "parquet", tmp_path / "out.parquet", longest=100)
    assert str(refused.value).startswith(f"{path}{message}")
    assert [one.name for one in tmp_path.iterdir()] == ["in.parquet"]


def test_what_is_no_parquet(tmp_path):
    (tmp_path / "in.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(CorpusError, match=r"in\.parquet: not a readable Parquet file"):
        tagged(tmp_path / "in.parquet", "parquet", "json", tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("a O\nb\n", "0", ":2: 1 columns where the other lines have 2"),
        ("a O\n\nb O\n", "2", ":1: found 2 columns, and --field 2 names none of them"),
        ("a O\n\n\nb\t\n", "1", ":4: found '' as word 0 of the list"),
        ("a O\n\nb O O\n", "0", ":3: 3 columns where the other lines have 2"),
    ],
)
def test_columns(text, column, message, tmp_path):
    (tmp_path / "in").write_text(text, "utf-8")
    with pytest.raises(CorpusError) as refused:
        tagged(tmp_path / "in", "columns", "json", tmp_path / "out", field=column)
    assert str(refused.value).startswith(f"{tmp_path / 'in'}{message}")


def test_a_word_that_breaks_columns(tmp_path):
    (tmp_path / "in").write_text('{"text": ["New\\nYork"]}\n', "utf-8")
    with pytest.raises(CorpusError, match=r"found the word 'New\\nYork', which breaks a line of columns"):
        tagged(tmp_path / "in", "jsonl", "columns", tmp_path / "out")
