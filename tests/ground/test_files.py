"""Files that are whole or absent."""

import socket
import subprocess
import sys

import pytest

from structkd.ground.files import atomic_path, clear_temporaries

WRITE = """
import sys
from pathlib import Path
from structkd.ground.files import atomic_path
with atomic_path(Path(sys.argv[1])) as temporary:
    temporary.write_text("new")
    print("writing", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def writer(tmp_path):
    """A process that is about to replace a file."""
    command = [sys.executable, "-c", WRITE, tmp_path / "file"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "writing\n"
        yield process
        process.kill()


def test_what_another_process_writes_is_not_cleared_away(writer, tmp_path):
    clear_temporaries(tmp_path)
    writer.communicate("\n")
    assert writer.returncode == 0
    assert (tmp_path / "file").read_text() == "new"


def test_what_a_killed_process_left_is_cleared_away(writer, tmp_path):
    writer.kill()
    writer.wait()
    assert len(list(tmp_path.iterdir())) == 1
    clear_temporaries(tmp_path, "other")
    assert len(list(tmp_path.iterdir())) == 1
    clear_temporaries(tmp_path, "file")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", ["0", "x", "9" * 30])
def test_a_name_that_no_process_can_have_is_cleared_away(tmp_path, number):
    (tmp_path / f".file.{number}.tmp").write_text("left")
    clear_temporaries(tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_another_machine_writes_is_not_cleared_away(writer, tmp_path):
    writer.kill()
    writer.wait()
    (ours,) = tmp_path.iterdir()
    host = ours.name.split(".")[-2].rpartition("-")[0]
    assert host.replace("-", ".") == socket.gethostname().replace("-", ".")
    theirs = ours.with_name(ours.name.replace(f".{host}-", ".node-7-"))
    theirs.write_text("half")
    clear_temporaries(tmp_path)
    assert list(tmp_path.iterdir()) == [theirs]


def test_a_failure_leaves_the_old_content_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def fail():
        with atomic_path(path) as temporary:
            temporary.write_text("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"
