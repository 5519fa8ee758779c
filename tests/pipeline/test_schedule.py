"""Jobs start when what they need is there, and several jobs of one piece are told as one."""

import pytest

from structkd.ground.records import Annotated, Finished, LeftAside, Started, Taken
from structkd.pipeline.execution import schedule as schedules
from structkd.pipeline.execution.claims import TakenError
from structkd.pipeline.execution.engines import InProcess, Processes
from structkd.pipeline.execution.ranges import split_shards
from structkd.pipeline.execution.schedule import Job, Schedule


def nothing(log):
    pass


def job(name, *needs, title="piece", then=None):
    return Job(title, nothing, name, needs, then)


def names(schedule):
    """All jobs that may be taken now."""
    taken = []
    while one := schedule.take():
        taken.append(one)
    return taken


def test_a_job_starts_when_all_that_it_needs_is_done():
    schedule = Schedule([job("last", "a", "b"), job("a"), job("a"), job("b"), job("c", "not there")], print)
    first = names(schedule)
    assert [one.name for one in first] == ["a", "a", "b", "c"]
    assert schedule
    assert schedule.pause is None
    for one in first[:2]:
        schedule.done(one)
    assert not names(schedule)
    schedule.done(first[2])
    assert [one.name for one in names(schedule)] == ["last"]
    assert not schedule


def test_a_finished_job_adds_jobs_that_others_wait_for():
    schedule = Schedule([job("commit", "text", "range"), job("text", then=lambda: [job("range"), job("range")])], print)
    (text,) = names(schedule)
    schedule.done(text)
    both = names(schedule)
    assert [one.name for one in both] == ["range", "range"]
    schedule.done(both[0])
    assert not names(schedule)
    schedule.done(both[1])
    assert [one.name for one in names(schedule)] == ["commit"]


def test_a_job_of_another_process_waits_while_the_others_go_on(monkeypatch):
    now, told = [0.0], []
    monkeypatch.setattr(schedules.time, "monotonic", lambda: now[0])
    schedule = Schedule([job("a"), job("b")], lambda title, record: told.append((title, record)))
    for _ in range(2):
        schedule.postpone(schedule.take(), TakenError("piece", "somebody"))
    assert schedule.take() is None
    assert schedule.pause == schedules.PAUSE
    now[0] += schedules.PAUSE
    assert [one.name for one in names(schedule)] == ["a", "b"]
    assert told == [("piece", Taken("somebody"))]


def test_the_records_of_a_piece_are_told_as_of_one_job():
    told = []
    first, second, other = job("a"), job("b", "a"), job("c", title="other")
    schedule = Schedule([first, second, other], lambda title, record: told.append((title, record)))
    for one, *records in (
        (first, Started(), Annotated(40, 50, "train"), Annotated(10, 100, "text")),
        (other, Started(), LeftAside("x"), Finished(1.0)),
        (first, Finished(2.0)),
        (second, Started(), Annotated(30, 100, "text"), Finished(3.0)),
    ):
        for record in records:
            schedule.hear(one, record)
    assert told == [
        ("piece", Started()),
        ("piece", Annotated(40, 50, "train")),
        ("piece", Annotated(50, 150, "text")),
        ("other", Started()),
        ("other", LeftAside("x")),
        ("other", Finished(1.0)),
        ("piece", Annotated(80, 150, "text")),
        ("piece", Finished(5.0)),
    ]


def write(path, needs, log):
    assert all(one.exists() for one in needs)
    path.write_text("done")


class Then:
    """Further jobs, which read what the first wrote."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self):
        assert (self.folder / "text").exists()
        return [writing(self.folder, f"range{number}", "text", "teacher", name="range") for number in range(3)]


def writing(folder, file, *needed, name="", needs=None, then=None):
    run = Run(folder / file, [folder / one for one in needed])
    return Job("piece", run, name or file, needed if needs is None else needs, then)


class Run:
    """Write a file if others are there."""

    def __init__(self, path, needed):
        self.path, self.needed = path, needed

    def __call__(self, log):
        write(self.path, self.needed, log)


@pytest.mark.parametrize("engine", [InProcess(), Processes(3)], ids=["here", "processes"])
def test_engines_follow_needs(tmp_path, engine):
    ranges = [f"range{number}" for number in range(3)]
    commit = writing(tmp_path, "commit", *ranges, needs=("text", "range"))
    told = []
    jobs = [commit, writing(tmp_path, "teacher"), writing(tmp_path, "text", then=Then(tmp_path))]
    engine.run(jobs, lambda title, record: told.append(type(record)))
    assert {path.name for path in tmp_path.iterdir()} == {"commit", "teacher", "text", *ranges}
    assert told == [Started, Finished]


@pytest.mark.parametrize("shards", [1, 7, 8, 9, 100, 128, 129, 2442])
def test_ranges_are_all_shards_once(shards):
    ranges = split_shards(shards)
    assert [shard for part in ranges for shard in part] == list(range(shards))
    assert len(ranges) >= min(shards, 8)
    assert max(map(len, ranges)) <= 16
