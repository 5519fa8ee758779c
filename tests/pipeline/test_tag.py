"""`structkd tag` answers every line, in order, as soon as it can."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.tiny import structkd
from tests.pipeline.untrained import save_untrained


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    """The folder of a tagger; what it says does not matter."""
    folder = tmp_path_factory.mktemp("tagger")
    save_untrained(folder)
    return folder


def tag(tagger, text, *options):
    """Run the command on text; its JSON records, and the finished process."""
    done = structkd(tagger, "tag", tagger, "--output", "json", *options, input=text)
    return [json.loads(line) for line in done.stdout.splitlines()], done


def words(records):
    return [record["tokens"] for record in records]


def test_a_record_for_each_line(tagger):
    text = "\ufeffAda ran.\n\n \t\nन\u0940\u0932\u093e 10\u00a0000\r\nlast"
    records, _ = tag(tagger, text)
    assert words(records) == [["Ada", "ran", "."], [], [], ["नीला", "10\u00a0000"], ["last"]]
    raw = text.removeprefix("\ufeff").split("\n")
    for record, line in zip(records, raw, strict=True):
        assert [line[start:end] for start, end in record["offsets"]] == record["tokens"]
        assert len(record["labels"]) == len(record["tokens"])
    columns = structkd(tagger, "tag", tagger, input=text).stdout
    assert columns.removesuffix("\n").split("\n").count("") == len(records)


def test_words_that_are_split_already_stay_as_they_are(tagger):
    assert words(tag(tagger, "costs 10\u00a0000  euros.\n", "--tokenised")[0]) == [["costs", "10\u00a0000", "euros."]]


@pytest.mark.parametrize(
    ("third", "message"),
    [
        (b"Z\xfcrich\n", "standard input:3: 0xfc at byte 2 of the line is not UTF-8"),
        (b"long" * 100 + b"\n", "standard input:3: 400 characters, at most 100 are taken"),
        (b"long" * 100_000, "standard input:3: more than 100 characters"),
    ],
)
def test_lines_before_a_fault_are_answered(tagger, third, message):
    command = [Path(sys.executable).with_name("structkd"), "tag", tagger, "--output=json", "--max-characters=100"]
    done = subprocess.run(command, input=b"one\ntwo\n" + third, capture_output=True)
    assert [json.loads(line)["tokens"] for line in done.stdout.splitlines()] == [["one"], ["two"]]
    assert done.returncode == 1
    assert message in done.stderr.decode()


def test_a_long_line_is_labelled_in_windows(tagger):
    (record,), _ = tag(tagger, "Oslo " * 1234, "--probabilities")
    assert {len(record[name]) for name in ("tokens", "labels", "probabilities")} == {1234}


def test_a_pipe_that_waits_is_answered_line_by_line(tagger):
    command = [Path(sys.executable).with_name("structkd"), "tag", tagger, "--output=json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        for line in ("first", "second"):
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["tokens"] == [line]
        process.stdin.close()
        assert process.wait() == 0


def test_a_terminal_gets_no_control_character_and_a_pipe_all_of_them(tagger):
    text = "a\x1b]0;title\x07b \u009b31m\n".encode()
    command = [Path(sys.executable).with_name("structkd"), "tag", tagger, "--tokenised"]
    assert b"a\x1b]0;title\x07b" in subprocess.run(command, input=text, capture_output=True, check=True).stdout
    parent, child = pty.openpty()
    subprocess.run(command, input=text, stdout=child, stderr=child, check=True)
    os.close(child)
    shown = os.read(parent, 10_000).decode()
    os.close(parent)
    assert "a\u241b]0;title\u2407b\t" in shown
    assert not {"\x1b", "\x07", "\u009b"} & {*shown}
