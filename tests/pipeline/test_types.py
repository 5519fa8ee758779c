"""Scores by type, from a result to rows and tables."""

import json
from types import SimpleNamespace

import polars as pl
import pytest

from structkd.pipeline.report.types import type_tables
from structkd.pipeline.results.comparisons import Entries
from structkd.pipeline.results.findings import TaskFindings
from structkd.pipeline.results.result import by_type
from structkd.pipeline.results.rows import BY_TYPE, SCHEMA, add_rows, read_rows
from structkd.pipeline.results.unseen import kept
from structkd.tagger.analysis import analyse
from tests.pipeline.test_result import RESULT


def cell(system, dev, types, errors=(), confusion=(), seed=1):
    """A row with one language; the names and numbers of `types` are type, right, predicted, gold."""
    return {
        "system": system,
        "seed": seed,
        "dev": [{"language": "en", "score": dev}],
        "test": [{"language": "en", "score": 50.0}],
        "outcomes": [{"language": "en", "right": [1], "predicted": [1], "gold": [1]}],
        "types": [
            dict(zip(("language", "type", "right", "predicted", "gold"), ("en", *one), strict=True)) for one in types
        ],
        "errors": [{"language": "en", "kind": kind, "times": times} for kind, times in errors],
        "confusion": [
            {"language": "en", "gold": gold, "found": found, "times": times} for gold, found, times in confusion
        ],
    }


def findings(*rows):
    found = pl.DataFrame(list(rows), schema=SCHEMA)
    labels = found["system"].unique(maintain_order=True)
    entries = Entries({label: found.filter(system=label) for label in labels})
    return TaskFindings("ner", "NER", {"any": SimpleNamespace(languages=("en",))}, entries, {})


def test_tables_show_teachers_baseline_and_the_student_that_is_best_on_dev():
    task = findings(
        cell("teachers", 90.0, [("PER", 9, 10, 10), ("ORG", 1, 2, 4)], [("right", 10), ("missed", 4)]),
        cell("baseline", 50.0, [("PER", 5, 10, 10)], [("right", 5), ("type", 9)], [("ORG", "PER", 3)]),
        cell("exact", 80.0, [("PER", 8, 8, 10)], [("right", 8)], [("ORG", "PER", 2), ("PER", "PER", 8)]),
        cell("exact", 82.0, [("PER", 8, 8, 10)], [("right", 8)], [("ORG", "PER", 4)], seed=2),
        cell("top-k", 70.0, [("PER", 10, 10, 10)]),
    )
    types, errors, confusions = type_tables(task, "ner: ")
    assert types.title == "ner: By type"
    assert types.rows == [
        ("PER", "teachers", "90.00", "90.00", "90.00", "10"),
        ("PER", "baseline", "50.00", "50.00", "50.00", "10"),
        ("PER", "exact", "88.89", "100.00", "80.00", "10"),
        ("ORG", "teachers", "33.33", "50.00", "25.00", "4"),
        ("ORG", "baseline", "0.00", "0.00", "0.00", "0"),
        ("ORG", "exact", "0.00", "0.00", "0.00", "0"),
        ("all (micro)", "teachers", "76.92", "83.33", "71.43", "14"),
        ("all (micro)", "baseline", "50.00", "50.00", "50.00", "10"),
        ("all (micro)", "exact", "88.89", "100.00", "80.00", "10"),
        ("mean (macro)", "teachers", "61.67", "", "", ""),
        ("mean (macro)", "baseline", "50.00", "", "", ""),
        ("mean (macro)", "exact", "88.89", "", "", ""),
    ]
    assert errors.heads == ("system", "right", "type", "missed")
    assert errors.rows == [("teachers", "10", "0", "4"), ("baseline", "5", "9", "0"), ("exact", "8", "0", "0")]
    assert confusions.heads == ("gold", "found", "teachers", "baseline", "exact")
    assert confusions.rows == [("ORG", "PER", "0", "3", "3")]


def test_of_many_types_the_most_frequent_are_shown():
    task = findings(cell("exact", 80.0, [(f"T{place:02}", 1, 1, place) for place in range(30)]))
    (types, *_) = type_tables(task)
    assert [row[0] for row in types.rows] == [
        *(f"T{place:02}" for place in range(29, 9, -1)), "all (micro)", "mean (macro)"
    ]  # fmt: skip
    assert types.rows[-2][-1] == str(sum(range(30)))
    assert "The 20 most frequent of 30 types" in types.note


def test_rows_of_earlier_versions_have_no_types(tmp_path):
    path = tmp_path / "rows.parquet"
    part = {"language": "en", "text": "train", "seen": True, "words": [2.0], "entropy": 0.5}
    add_rows(path, [cell("exact", 80.0, [("PER", 8, 8, 10)]) | {"key": "old", "calibration": [part]}], {})
    kinds = [field for field in SCHEMA["calibration"].inner.fields if field.name != "entropies"]
    read_rows(path).drop(BY_TYPE).cast({"calibration": pl.List(pl.Struct(kinds))}).write_parquet(path)
    assert read_rows(path).schema == SCHEMA
    add_rows(path, [cell("exact", 80.0, [("PER", 8, 8, 10)]) | {"key": "new"}], {})
    rows = read_rows(path)
    assert rows.filter(key="old")["calibration"].to_list()[0][0]["entropy"] == 0.5
    assert dict(rows.select("key", pl.col("types").is_null()).iter_rows()) == {"old": True, "new": False}
    assert list(type_tables(findings(*rows.filter(key="old").to_dicts()))) == []


def test_types_of_all_sentences_are_not_those_of_unseen_ones():
    cells = findings(cell("exact", 80.0, [("PER", 8, 8, 10)])).entries["exact"]
    assert kept(cells, {"en": [True]})["types"].to_list() == [None]


def test_a_result_has_the_scores_of_each_type():
    found = by_type(analyse([["B-X", "O", "B-Y"]], [["B-X", "B-Y", "B-X"]], "IOB2"))
    result = RESULT.model_copy(update={"by_type": {"sd": found}})
    plain = json.loads(result.model_dump_json())["by_type"]["sd"]
    assert plain["types"]["X"] == {
        "right": 1, "predicted": 2, "gold": 1, "precision": 50.0, "recall": 100.0, "f1": pytest.approx(200 / 3)
    }  # fmt: skip
    assert plain["micro"]["f1"] == pytest.approx(40)
    assert plain["macro_f1"] == pytest.approx(100 / 3)
    assert plain["errors"] == {"right": 1, "type": 1, "invented": 1}
    assert sum(one["times"] for one in plain["confusion"]) == 3
