"""A piece is made by one process at a time; others do something else first, then wait, and take what came of it."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from socket import gethostname

import pytest

from structkd.ground.records import Finished, Started, Taken
from structkd.pipeline.execution.claims import CLAIM, TakenError, claimed
from structkd.pipeline.execution.engines import InProcess, Processes
from structkd.pipeline.execution.redo import discard
from structkd.pipeline.execution.schedule import Job
from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.plan.pieces import make_plan
from tests.pipeline.test_interrupts import events, start
from tests.pipeline.tiny import TINY, write_experiment

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys, time
from pathlib import Path
from structkd.pipeline.execution.claims import claimed
with claimed(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(path):
    """A process that holds a claim until it is killed or its standard input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, path],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_who_comes_second_learns_who_is_first_and_since_when(tmp_path):
    path = tmp_path / "piece" / CLAIM
    with hold(path) as first:
        with (
            pytest.raises(TakenError, match=rf"piece: process {first.pid} on {gethostname()} since 2.*:.*:"),
            claimed(path),
        ):
            pass
        first.stdin.close()
    assert not path.exists()
    with claimed(path):
        assert path.exists()
    assert not path.exists()


def test_the_claim_of_a_killed_process_is_gone_and_its_file_means_nothing(tmp_path):
    path = tmp_path / CLAIM
    with hold(path) as first:
        first.kill()
    assert path.exists()
    with claimed(path):
        pass
    assert not path.exists()


def test_an_error_gives_a_claim_back(tmp_path):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), claimed(tmp_path / CLAIM):
            raise ZeroDivisionError


def do(path, name, log):
    with claimed(path):
        log(Started())


@pytest.mark.parametrize("engine", [InProcess(), Processes(2)], ids=["here", "processes"])
def test_an_engine_does_other_jobs_first_and_comes_back(tmp_path, engine):
    done, waited = [], []

    def listen(title, record):
        if isinstance(record, Taken):
            waited.append((title, record.by))
        if isinstance(record, Finished):
            done.append(title)
        if waited and len(done) == 2:
            first.stdin.close()

    with hold(tmp_path / "a") as first:
        jobs = [Job(name, partial(do, tmp_path / name, name)) for name in ("a", "c", "d")]
        engine.run(jobs, listen)
    assert done[-1] == "a"
    assert sorted(done) == ["a", "c", "d"]
    assert len(waited) == 1
    assert waited[0][0] == "a"
    assert f"process {first.pid}" in waited[0][1]


ONE = TINY.replace('["baseline", "posterior+top-wk", "exact"]', '["posterior+top-wk"]')


@pytest.mark.slow
@pytest.mark.parametrize(
    ("commands", "workers"), [(2, 1), pytest.param(3, 2, marks=pytest.mark.slow)], ids=["two", "three"]
)
def test_commands_side_by_side_train_each_piece_once(tmp_path, commands, workers):
    write_experiment(tmp_path, ONE)
    processes = [
        start(tmp_path, "distill", "tiny", "--workers", workers, stdout=subprocess.PIPE) for _ in range(commands)
    ]
    texts = []
    for process in processes:
        with process:
            shown, errors = process.communicate()
        assert (process.returncode, errors) == (0, "")
        texts.append(shown)
    told = events(tmp_path)
    assert len(told) == 3
    for log in told.values():
        assert [one["update"] for one in log if one["event"] == "dev"] == [10, 20]
    assert len({shown.split("tiny: strict")[1] for shown in texts}) == 1
    assert not list(tmp_path.rglob(".*.lock"))


def test_what_another_process_makes_is_not_taken_away(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_experiment(tmp_path, ONE)
    plan = make_plan(load_experiment("tiny"))
    folder = plan.students[0].folder
    with hold(folder / CLAIM) as first:
        with pytest.raises(TakenError, match=r"is making this; wait for it to finish, or stop it"):
            discard(plan, students=True)
        first.stdin.close()
    assert folder.is_dir()
    discard(plan, students=True)
    assert not folder.exists()


def test_a_set_of_which_another_process_annotates_a_range_is_not_taken_away(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_experiment(tmp_path)
    plan = make_plan(load_experiment("tiny"))
    folder = plan.teachers[0].folder
    with hold(folder / f".unlabelled-00016{CLAIM}") as first:
        with pytest.raises(TakenError, match=rf"{folder}: process {first.pid} .* is making this"):
            discard(plan, students=False)
        first.stdin.close()
    assert folder.is_dir()
    discard(plan, students=False)
    assert not folder.exists()
