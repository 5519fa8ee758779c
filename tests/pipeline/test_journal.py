"""The journal of a job: what it keeps, and how it goes on after a kill."""

import pytest

from structkd.ground.records import Annotated, Finished, LeftAside, Resumed, Updated, read_journal
from structkd.pipeline.execution.jobs import journal


def tell(path, *records):
    """What the log below the journal hears of the records."""
    heard = []
    with journal(path, heard.append) as log:
        for record in records:
            log(record)
    return heard


def test_a_journal_passes_everything_on_and_keeps_all_but_single_updates(tmp_path):
    path, told = tmp_path / "teacher" / "log.jsonl", [Updated(1, 9), LeftAside("a"), Annotated(1, 9), Finished(2.0)]
    assert tell(path, *told) == told
    assert read_journal(path) == [LeftAside("a"), Finished(2.0)]


@pytest.mark.parametrize("kept", [0, 1, 30])
def test_a_journal_goes_on_after_a_kill_in_the_midst_of_a_line(tmp_path, kept):
    path = tmp_path / "log.jsonl"
    tell(path, Resumed(1), Resumed(2))
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:kept])
    tell(path, Resumed(3))
    assert read_journal(path) == [Resumed(1), Resumed(3)]
