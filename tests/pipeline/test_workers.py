"""Workers, as processes of a process that is stopped or killed: none of them is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from structkd.pipeline.execution.workers import Crew, Ended, Told, WorkerDiedError, heard

ROOT = Path(__file__).parents[2]
PARENT = """
import os, sys, time
from pathlib import Path
from structkd.ground.files import atomic_path
from structkd.ground.interrupts import end_on_signals
from structkd.pipeline.execution.workers import Crew, heard

def write_for_ever(name, send):
    with atomic_path(Path(name)) as path:
        path.write_text("half")
        send(os.getpid())
        time.sleep(600)

if __name__ == "__main__":
    if sys.argv[1] == "tidy":
        end_on_signals()
    with Crew() as crew:
        both = [crew.hire(write_for_ever) for _ in range(2)]
        for place, worker in enumerate(both):
            worker.give(f"file{place}")
        for worker in both:
            print(worker.hear().what, flush=True)
        next(heard(both, None))
"""


class OddError(Exception):
    """Cannot be made again from its arguments."""

    def __init__(self, one, two):
        super().__init__(one)


def reply(job, send):
    if job == "fail":
        raise KeyError("the reason")
    if job == "odd":
        raise OddError("strange", 2)
    if job == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "stop":
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    send((job, os.getpid()))


def is_alive(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return "Z" not in subprocess.run(["ps", "-o", "stat=", "-p", str(number)], capture_output=True, text=True).stdout


def test_a_worker_tells_and_does_one_job_after_another():
    with Crew() as crew:
        worker = crew.hire(reply)
        numbers = set()
        for job in ("a", "b"):
            worker.give(job)
            [(same, told)] = heard([worker], None)
            assert same is worker
            assert isinstance(told, Told)
            assert told.what[0] == job
            numbers.add(told.what[1])
            assert worker.hear() == Ended(None)
        assert list(heard([worker], 0.0)) == []
    assert len(numbers) == 1
    assert not is_alive(numbers.pop())


def test_an_error_comes_back_with_the_place_where_it_was_raised():
    with Crew() as crew:
        worker = crew.hire(reply)
        worker.give("fail")
        error = worker.hear().error
        assert isinstance(error, KeyError)
        assert "in reply" in error.__notes__[0]
        worker.give("odd")
        assert "OddError: strange" in str(worker.hear().error)


@pytest.mark.parametrize(("job", "number"), [("die", None), ("stop", signal.SIGTERM)])
def test_a_worker_that_is_gone_is_noticed(job, number):
    with Crew() as crew:
        worker = crew.hire(reply)
        worker.give(job)
        with pytest.raises(WorkerDiedError) as death:
            list(heard([worker], None))
    assert death.value.signal == number


@pytest.mark.parametrize("kind", ["tidy", "rude"])  # with and without handlers for signals, as in somebody's program
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("to_all", [True, False])
def test_no_worker_and_no_temporary_outlives_its_parent(tmp_path, kind, number, to_all):
    (tmp_path / "parent.py").write_text(PARENT)
    with subprocess.Popen(
        [sys.executable, "parent.py", kind],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        numbers = [int(parent.stdout.readline()) for _ in range(2)]
        (os.killpg if to_all else os.kill)(parent.pid, number)
        _, errors = parent.communicate()  # workers hold it open
        while any(map(is_alive, numbers)):
            time.sleep(0.01)
    if kind == "tidy" and number != signal.SIGKILL:
        assert (parent.returncode, errors) == (128 + number, "")
    if not (to_all and number == signal.SIGKILL):
        assert [path.name for path in tmp_path.iterdir()] == ["parent.py"]
