"""Records of what jobs tell, and journals of them."""

import json
from dataclasses import FrozenInstanceError, asdict
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from structkd.ground.records import (
    DevScored,
    LeftAside,
    Record,
    RecordError,
    SetWritten,
    from_json,
    read_journal,
    to_json,
)

KINDS = get_args(Record)
records = st.one_of([st.from_type(kind) for kind in KINDS])


@given(records)
def test_a_record_is_read_as_it_was_written(record):
    line = to_json(record)
    assert "\n" not in line
    if not any(value != value for value in asdict(record).values()):  # NaN equals nothing
        assert from_json(line) == from_json(line.encode("utf-8", "surrogatepass")) == record


def test_a_line_names_its_event_and_fields():
    line = to_json(DevScored(5, epoch=1, loss=0.5, dev=71.25, best=72.0, words_per_second=1e4))
    assert line.startswith('{"event": "dev", "update": 5, "epoch": 1, ')
    assert json.loads(line) == {
        "event": "dev",
        "update": 5,
        "epoch": 1,
        "loss": 0.5,
        "dev": 71.25,
        "best": 72.0,
        "words_per_second": 10000.0,
    }
    assert {kind.event for kind in KINDS} == {
        *(
            "started",
            "taken",
            "changed",
            "suspected",
            "finished",
            "update",
            "dev",
            "resumed",
            "restarted",
            "vectors",
            "annotated",
            "prepared",
        ),
        *("set written", "features", "features read", "left aside", "unknown labels", "limited"),
    }


def test_a_record_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        LeftAside("a").reason = "b"


def test_a_key_of_a_later_version_is_left_out():
    assert from_json('{"event": "left aside", "reason": "a", "since": 3}') == LeftAside("a")


NO_RECORDS = {
    "": "not JSON",
    "{": "not JSON",
    "[" * 100_000: "not JSON",
    "[]": r"found '\[\]', expected an object whose event is one of started, taken, finished",
    "null": "found 'null'",
    "{}": "found '{}'",
    '{"event": "dinner"}': "found .*dinner",
    '{"event": ["dev"]}': "found .*dev",
    '{"event": "left aside"}': "left aside: reason: field required",
    '{"event": "finished", "seconds": "soon"}': "finished: seconds: input should be a valid number",
}


@pytest.mark.parametrize("line", NO_RECORDS, ids=lambda line: line[:20])
def test_a_line_that_is_no_record_is_an_error(line):
    with pytest.raises(RecordError, match=NO_RECORDS[line]):
        from_json(line)


def test_a_journal_is_read_line_by_line_but_for_the_one_that_is_being_written(tmp_path):
    path, told = tmp_path / "log.jsonl", [LeftAside("a\u2028b\x85c"), SetWritten("en", 1.5)]
    assert read_journal(path) == []
    path.write_text("".join(f"{to_json(record)}\n" for record in told) + '{"event": "fini', "utf-8")
    assert read_journal(path) == told


def test_a_damaged_line_is_named_with_its_file(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text(f"{to_json(LeftAside('a'))}\n{{\n", "utf-8")
    with pytest.raises(RecordError, match=r"log\.jsonl:2: not JSON .*delete the line"):
        read_journal(path)
