"""`structkd audit` finds a planted error, by teachers that have not seen it, and shows it at 80 columns."""

import json
from io import StringIO

import polars as pl
import pytest
from rich.cells import cell_len

from structkd.artifacts.auditing import SCHEMA
from structkd.pipeline.commands.console import make_console
from structkd.pipeline.report.audits import contradictions_table, issues_table, patterns_table, uncertain_table
from tests.pipeline.test_console import ESCAPES
from tests.pipeline.tiny import structkd, write_experiment

pytestmark = pytest.mark.long

OWN = """
title = "a corpus with one error"
languages = ["en"]
[corpus]
name = "files"
path = "{split}.jsonl"
reader = "jsonl"
[unlabelled]
path = "text.txt"
[teacher]
folds = 4
[teacher.tagger]
hidden = 16
[teacher.training]
batch_tokens = 100
updates = 100
learning_rate = 0.03
evaluate_every = 20
[student]
systems = ["baseline"]
"""
NAMES, VERBS = ("Ada", "Bob", "Eve", "Tom", "Uma", "Zoe"), ("ran", "flew", "came", "went")
PLACES, TIMES = ("Oslo", "Rome", "Bonn", "Lyon", "Kiel", "Bern"), ("today", "once", "again", "twice")
SENTENCES = [([name, verb, "home"], ["B-PER", "O", "O"]) for name in NAMES for verb in VERBS]
SENTENCES += [(["in", place, when], ["O", "B-LOC", "O"]) for place in PLACES for when in TIMES]
ERROR = (["in", "Rome", "today"], ["O", "B-PER", "O"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("audit")
    write_experiment(place, OWN, "own")
    write_experiment(place, OWN.replace("folds = 4", "folds = 0"), "whole")
    corpora = {"dev": SENTENCES, "test": SENTENCES[:5], "train": [*SENTENCES, ERROR]}
    for split, sentences in corpora.items():
        lines = [json.dumps({"tokens": tokens, "labels": labels}) for tokens, labels in sentences]
        (place / f"{split}.jsonl").write_text("\n".join(lines), "utf-8")
    (place / "text.txt").write_text("Ada flew home\nOslo Rome Ada Bob\nin Oslo today\nOslo Rome Ada Bob\n", "utf-8")
    done = structkd(place, "teachers", "own")
    assert done.returncode == 0, done.stderr
    return place


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_planted_error_comes_first_and_is_a_contradiction(folder, suffix):
    done = structkd(folder, "audit", "own", "--output", f"found.{suffix}", env={"COLUMNS": "80"})
    assert done.returncode == 0, done.stderr
    assert max(map(cell_len, done.stdout.splitlines()[1:])) <= 80  # the first line is left to the terminal to wrap
    assert "[Rome]" in done.stdout
    assert "Rome S-PER" in done.stdout.partition("Same words, different labels")[2]
    read = pl.read_csv if suffix == "csv" else pl.read_parquet
    found = read(folder / f"found.{suffix}")
    assert found.columns == list(SCHEMA)
    first = found.row(0, named=True)
    assert (first["sentence_id"], first["gold"], first["teachers"]) == (len(SENTENCES), "PER", "LOC")
    assert first["p_gold"] < 0.5 < first["p_teachers"]


def test_text_that_is_worth_labelling_has_no_duplicates(folder):
    done = structkd(folder, "audit", "own", "--unlabelled", "--output", "text.csv")
    assert done.returncode == 0, done.stderr
    sentences = pl.read_csv(folder / "text.csv")["sentence"].to_list()
    assert sentences == ["Oslo Rome Ada Bob"]  # the teacher was trained on the others


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["whole"], "structkd teachers whole --set teacher.folds=5"),
        (["own", "--set", "teacher.seed=2"], "run `structkd teachers own --set teacher.seed=2`"),
        (["own", "--language", "fr"], "--language fr: own has en"),
        (["own", "--output", "found.txt"], "expected a name that ends in .parquet or"),
        (["demo", "--unlabelled", "--set", "corpus.unlabelled=0"], "no unlabelled text"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(folder, arguments, message):
    done = structkd(folder, "audit", *arguments)
    assert done.returncode
    assert message in " ".join(done.stderr.replace("│", " ").split())


LONG = "https://example.org/" + "path/" * 30


@pytest.mark.parametrize("word", [ESCAPES, LONG, "東京都" * 20])
def test_tables_are_whole_at_80_columns_for_any_words(word):
    texts = ("before", "words", "after", "gold", "gold_types", "teachers", "teachers_types")
    issue = {"language": "en", "sentence_id": 123456, "p_gold": 0.1, "p_teachers": 0.9, "kind": "type, borders"}
    issues = pl.DataFrame([issue | dict.fromkeys(texts, f"{word} {word}")])
    ways = {"language": "en", "sentence": word, "differs_at": f"{word} B-PER", "sentences": 9}
    text = {"language": "en", "sentence_id": 1, "sentence": word, "nats_a_word": 1.5, "p_best": 0.5}
    tables = [
        issues_table(issues, 5),
        patterns_table(issues, 5),
        contradictions_table(pl.DataFrame([ways | {"sentence_ids": "1 2 3 4 5 6 7 8 9"}]), 5),
        uncertain_table(pl.DataFrame([text]), 5),
    ]
    for table in tables:
        console = make_console(file=StringIO(), width=80)
        console.print(table)
        shown = console.file.getvalue()
        assert not {*shown} & {"\x1b", "\x07", "\u009b", "\u202e", "\x7f", "\r"}
        assert max(map(cell_len, shown.splitlines())) <= 80
        assert "…" not in shown
