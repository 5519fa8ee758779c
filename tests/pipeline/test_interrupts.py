"""`structkd`, interrupted: everything ends, one line says what to do, and the same command goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.pipeline.test_workers import is_alive
from tests.pipeline.tiny import TINY, contents, write_experiment
from tests.pipeline.untrained import save_untrained

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
ENDLESS = TINY.replace("updates = 20\nevaluate_every = 10", "updates = 1000000\nevaluate_every = 5\npatience = 1000000")
LONG_STUDENTS = ENDLESS.replace("updates = 1000000", "updates = 2", 1)


def start(folder, *arguments, program=("-m", "structkd"), stdout=subprocess.DEVNULL):
    return subprocess.Popen(
        [sys.executable, *program, *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def events(folder):
    """What the journals of a run say, by piece."""
    paths = (folder / "runs").rglob("log.jsonl")
    return {path.parent.name: [json.loads(line) for line in path.read_text("utf-8").splitlines()] for path in paths}


def await_dev_scores(folder, pieces, process):
    """Wait until so many trainings have told a score on dev."""
    while sum(any(one["event"] == "dev" for one in log) for log in events(folder).values()) < pieces:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)


def session(number):
    """The processes of a session."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,sess="], capture_output=True, text=True, check=True).stdout
    pairs = [line.split() for line in listed.splitlines()]
    return [int(pid) for pid, group in pairs if group == str(number) and is_alive(int(pid))]


@pytest.mark.parametrize(
    ("text", "workers", "number", "to_all"),
    [
        (ENDLESS, 2, signal.SIGINT, True),
        (ENDLESS, 1, signal.SIGTERM, False),
        pytest.param(LONG_STUDENTS, 2, signal.SIGTERM, False, marks=pytest.mark.slow),
        pytest.param(LONG_STUDENTS, 3, signal.SIGINT, False, marks=pytest.mark.slow),
        pytest.param(LONG_STUDENTS, 2, signal.SIGTERM, True, marks=pytest.mark.slow),
        pytest.param(LONG_STUDENTS, 1, signal.SIGINT, False, marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_command_ends_with_all_its_workers(tmp_path, text, workers, number, to_all):
    write_experiment(tmp_path, text)
    with start(tmp_path, "distill", "tiny", "--workers", workers) as process:
        await_dev_scores(tmp_path, (2 if text is LONG_STUDENTS else 0) + workers, process)
        (os.killpg if to_all else os.kill)(process.pid, number)
        errors = process.communicate()[1]
    assert process.returncode == 128 + number
    assert errors.strip().endswith(
        f"structkd: stopped by {number.name}; what is finished is kept, and the same command goes on from there"
    )
    assert errors.count("\n") == 1
    while session(process.pid):  # the tracker of multiprocessing sees the end a little later
        time.sleep(0.01)
    assert contents(tmp_path, ".*.tmp") == contents(tmp_path, ".*.lock") == {}


def test_a_training_that_is_interrupted_loses_no_update(tmp_path):
    write_experiment(tmp_path, ENDLESS)
    patient = "from structkd.ground import interrupts; from structkd.pipeline.cli import main; interrupts.GRACE = 300; "
    last = 0
    for times in (1, 2):
        with start(tmp_path, "teachers", "tiny", "--workers", 1, program=["-c", patient + "main()"]) as process:
            while len(told := updates(tmp_path, "dev")) < 3 * times:
                assert process.poll() is None, process.communicate()[1]
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            assert process.communicate()[1].count("\n") == 1
        assert last <= updates(tmp_path, "resumed")[-1] <= told[-1] if times == 2 else not updates(tmp_path, "resumed")
        last = updates(tmp_path, "dev")[-1]


def updates(folder, event):
    """At which updates something was told."""
    return [one["update"] for log in events(folder).values() for one in log if one["event"] == event]


@pytest.mark.slow
def test_the_workers_of_a_killed_command_end(tmp_path):
    write_experiment(tmp_path, ENDLESS)
    with start(tmp_path, "teachers", "tiny", "--workers", 2) as process:
        await_dev_scores(tmp_path, 2, process)
        process.kill()
        process.communicate()
        while session(process.pid):
            time.sleep(0.01)


@pytest.mark.parametrize("seconds", [0.2, 0.7, 1.5])
def test_a_signal_amid_imports_leaves_no_traceback(tmp_path, seconds):
    write_experiment(tmp_path, ENDLESS)
    with start(tmp_path, "distill", "tiny") as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGTERM)
        errors = process.communicate()[1]
    assert "Traceback" not in errors
    if process.returncode == 143:
        assert "the same command goes on" in errors
    else:
        assert process.returncode == -15  # a busy machine had not even begun


@pytest.mark.parametrize(
    "arguments", ["corpora list", "--help", "corpora export tiny en train", "corpora export tiny en dev"]
)
def test_a_closed_pipe_ends_a_command_quietly(tmp_path, arguments):
    write_experiment(tmp_path)  # whose dev corpus is so small that it is written at the end alone
    reading, writing = os.pipe()
    os.close(reading)
    with start(tmp_path, *arguments.split(), stdout=writing) as process:
        os.close(writing)
        assert process.communicate()[1] == ""
    assert process.returncode == 1


def test_a_command_that_does_not_go_on_does_not_say_so(tmp_path):
    save_untrained(tmp_path / "tagger")
    command = [sys.executable, "-m", "structkd", "tag", tmp_path / "tagger", "--to", "out.conll"]
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, text=True, **pipes) as process:
        while not list(tmp_path.glob(".out.conll*")):  # it waits for text
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read().strip().endswith("structkd: stopped by SIGINT")
    assert process.returncode == 128 + signal.SIGINT
    assert not list(tmp_path.glob("*out.conll*"))
