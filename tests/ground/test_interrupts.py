"""Real processes that get signals: they end at once, with what they had to do at the end done."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# As in a terminal: a runner of tests under nohup hands on that SIGHUP is ignored.
HEARING = """
import signal
for number in (signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
"""
HEAD = """
import hashlib, os, signal, sys, threading, time
from pathlib import Path
from structkd.ground.files import atomic_path
from structkd.ground.interrupts import *
end_on_signals("stopped by {}, and that is all")
def ready():
    print("ready", flush=True)
"""
ASLEEP = "with atomic_path(Path('file')) as path:\n    path.write_text('half')\n    ready()\n    time.sleep(300)\n"
BUSY = ASLEEP.replace("time.sleep(300)", "hashlib.pbkdf2_hmac('sha512', b'', b'', 2 * 10**9)")  # no handler runs in it
TWICE = "with at_end(lambda: os.kill(os.getpid(), signal.SIGTERM)):\n    ready()\n    time.sleep(300)\n"
DEAF = "class Deaf:\n    def __del__(self):\n        ready()\n        time.sleep(300)\nDeaf()\ntime.sleep(300)\n"
FAILING = "with at_end(lambda: 1 / 0), atomic_path(Path('file')) as path:\n    ready()\n    time.sleep(300)\n"
CASES = {"asleep": ASLEEP, "busy": BUSY, "twice": TWICE, "in a destructor": DEAF, "what is to do fails": FAILING}


def start(folder, code, **options):
    """Start a program; returns when it says that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", HEARING + HEAD + code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    assert process.stdout.readline() == "ready\n", process.communicate()[1]
    return process


def end(process):
    """The exit code and what stands on standard error."""
    with process:
        _, errors = process.communicate()
    return process.returncode, errors


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_process_tidily_whatever_it_is_doing(tmp_path, case, number):
    process = start(tmp_path, CASES[case])
    process.send_signal(number)
    assert end(process) == (128 + number, f"stopped by {number.name}, and that is all\n")
    assert list(tmp_path.iterdir()) == []


def test_an_end_waits_for_what_it_is_held_by(tmp_path):
    code = """
with held():
    os.kill(os.getpid(), signal.SIGTERM)
    while not asked_to_end():
        pass
    Path("held").touch()
Path("after").touch()
"""
    assert end(start(tmp_path, "ready()\n" + code))[0] == 143
    assert [path.name for path in tmp_path.iterdir()] == ["held"]


def test_what_the_parent_wants_ignored_is_ignored(tmp_path):
    code = f"os.execv(sys.executable, [sys.executable, '-c', {HEAD + 'ready(); sys.stdin.read()'!r}])"
    code = "signal.signal(signal.SIGHUP, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + code
    process = start(tmp_path, code, stdin=subprocess.PIPE)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGINT)
    assert end(process) == (0, "")


def test_a_process_ends_when_what_it_lives_for_is_over(tmp_path):
    process = start(tmp_path, "end_after(sys.stdin.read)\n" + ASLEEP, stdin=subprocess.PIPE)
    process.stdin.close()
    process.stdin = None
    assert end(process)[0] == 143
    assert list(tmp_path.iterdir()) == []


def test_an_orphan_ends(tmp_path):
    code = f"""
import subprocess
child = subprocess.Popen([sys.executable, '-c', {HEAD + "end_after(orphaned)" + chr(10) + ASLEEP!r}])
child.wait()
"""
    parent = start(tmp_path, code)  # it is the child that is ready
    parent.kill()
    assert "stopped by SIGTERM" in end(parent)[1]  # which ends when the child does
    assert list(tmp_path.iterdir()) == []
