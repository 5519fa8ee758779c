"""`structkd tag` answers every line, in order, as soon as it can. Its parts are tested in `tagging`."""

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from structkd.pipeline.commands.app import app
from tests.pipeline.untrained import save_untrained

STRUCTKD = Path(sys.executable).with_name("structkd")


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    """The folder of a tagger; what it says does not matter."""
    folder = tmp_path_factory.mktemp("tagger")
    save_untrained(folder)
    return folder


def run(tagger, *options, text=""):
    """Run the command in this process."""
    given = ["tag", str(tagger), *map(str, options)]
    return CliRunner().invoke(app, given, input=text, env={"COLUMNS": "200"})


def tag(tagger, text, *options):
    """Its JSON records of a text."""
    done = run(tagger, "--output", "json", *options, text=text)
    assert done.exit_code == 0, done.output
    return records(done.stdout)


def records(text):
    return [json.loads(line) for line in text.splitlines()]


def words(records):
    return [record["tokens"] for record in records]


def test_a_record_for_each_line(tagger):
    text = "\ufeffAda ran.\n\n \t\nन\u0940\u0932\u093e 10\u00a0000\r\nlast"
    found = tag(tagger, text)
    assert words(found) == [["Ada", "ran", "."], [], [], ["नीला", "10\u00a0000"], ["last"]]
    raw = text.removeprefix("\ufeff").split("\n")
    for record, line in zip(found, raw, strict=True):
        assert [line[start:end] for start, end in record["offsets"]] == record["tokens"]
        assert len(record["labels"]) == len(record["tokens"])
    columns = run(tagger, "--probabilities", text=text).stdout.removesuffix("\n").split("\n")
    assert columns.count("") == len(found)
    assert {len(line.split("\t")) for line in columns if line} == {3}


def test_words_that_are_split_already_stay_as_they_are(tagger):
    assert words(tag(tagger, "costs 10\u00a0000  euros.\n", "--tokenised")) == [["costs", "10\u00a0000", "euros."]]


@pytest.mark.parametrize(
    ("third", "message"),
    [
        (b"Z\xfcrich\n", "standard input:3: 0xfc at byte 2 of the line is not UTF-8"),
        (b"long" * 100 + b"\n", "standard input:3: 400 characters, at most 100 are taken"),
        (b"long" * 100_000, "standard input:3: more than 100 characters"),
    ],
)
def test_lines_before_a_fault_are_answered(tagger, third, message):
    done = run(tagger, "--output", "json", "--max-characters", 100, text=b"one\ntwo\n" + third)
    assert words(records(done.stdout)) == [["one"], ["two"]]
    assert message in str(done.exception)


def test_a_long_line_is_labelled_in_windows(tagger):
    (record,) = tag(tagger, "Oslo " * 1234)
    assert {len(record[name]) for name in ("tokens", "labels", "probabilities")} == {1234}


def test_a_pipe_that_waits_is_answered_line_by_line_until_a_fault(tagger):
    command = [STRUCTKD, "tag", tagger, "--output=json"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, **pipes) as process:
        for line in (b"first", b"second"):
            process.stdin.write(line + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["tokens"] == [line.decode()]
        refused = b"structkd: standard input:3: 0xfc at byte 2 of the line is not UTF-8; save the file as UTF-8\n"
        assert process.communicate(b"Z\xfcrich\n") == (b"", refused)
        assert process.returncode == 1


def test_a_terminal_gets_no_control_character_and_a_pipe_all_of_them(tagger):
    text = "a\x1b]0;title\x07b \u009b31m\n"
    assert "a\x1b]0;title\x07b" in run(tagger, "--tokenised", text=text).stdout
    parent, child = pty.openpty()
    command = [STRUCTKD, "tag", tagger, "--tokenised"]
    subprocess.run(command, input=text.encode(), stdout=child, stderr=child, check=True)
    os.close(child)
    shown = os.read(parent, 10_000).decode()
    os.close(parent)
    assert "a\u241b]0;title\u2407b\t" in shown
    assert not {"\x1b", "\x07", "\u009b"} & {*shown}


def test_a_bar_is_shown_on_a_terminal_alone(tagger, tmp_path):
    (tmp_path / "long.txt").write_text(f"Oslo{' ' * 90_000}\n" * 15, "utf-8")
    quiet = run(tagger, tmp_path / "long.txt", "--to", tmp_path / "a.txt")
    assert (quiet.exit_code, quiet.output) == (0, "")
    parent, child = pty.openpty()
    command = [STRUCTKD, "tag", tagger, "long.txt", "--to", "b.txt"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=child) as process:
        os.close(child)
        shown = b""
        with suppress(OSError):  # the end of a terminal
            while piece := os.read(parent, 10_000):
                shown += piece
        assert process.stdout.read() == b""
    os.close(parent)
    assert b"words/s" in shown
    assert (tmp_path / "a.txt").read_bytes() == (tmp_path / "b.txt").read_bytes() == b"Oslo\tO\n\n" * 15


def test_forms_are_known_by_names_and_several_files_are_one_input(tagger, tmp_path):
    pq.write_table(pa.table({"body": ["Oslo", "is"], "id": [1, 2]}), tmp_path / "a.parquet", row_group_size=1)
    file, to = tmp_path / "a.parquet", tmp_path / "b.parquet"
    done = run(tagger, file, file, "--column", "body", "--to", to, "--k", 2)
    assert (done.exit_code, done.output) == (0, "")
    found = pq.read_table(to)
    assert found["id"].to_pylist() == [1, 2, 1, 2]
    assert [len(row) for row in found["labelings"].to_pylist()] == [2] * 4
    piped = subprocess.run(
        [STRUCTKD, "tag", tagger, to, "--column", "body", "--under", "ner", "--output", "parquet"],
        capture_output=True,
        check=True,
    )
    assert pq.read_table(pa.BufferReader(piped.stdout)).column_names == [*found.column_names, "ner"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--input", "parquet"], "Parquet is read from a file; name it"),
        (["--field", "text"], "--field is for JSON lines, Parquet and columns"),
        (["--input", "columns", "--field", "word"], "found --field word, expected the number of a column"),
        (["--k", "2"], "--k and --under are for --output json and parquet, found columns"),
        (["--threshold", "0.5"], "--threshold is for outputs with entities"),
    ],
)
def test_options_that_do_not_fit_each_other_are_refused(options, message, tagger):
    done = run(tagger, *options, text="Oslo\n")
    assert done.exit_code == 2
    assert message in done.output


def test_a_tagger_of_words_has_no_entities_to_show(tmp_path):
    save_untrained(tmp_path, ("NOUN", "VERB"), {"metric": "accuracy", "scheme": None})
    for options in (["--output", "entities"], ["--output", "json", "--threshold", "0.5"]):
        done = run(tmp_path, *options, text="Oslo\n")
        assert (done.exit_code, "labels words and finds no entities" in done.output) == (2, True)
    (found,) = tag(tmp_path, "Oslo\n")
    assert found["entities"] == []
