"""The steps of the Dockerfile, without Docker: a new environment, a user without rights, a read-only file system.

The image's Python is that of the tests.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import pytest

from tests.exported import save_entity_tagger
from tests.runtime.wheels import ROOT

CONTEXT = ROOT / "runtime"
LOCKED = 'mount -o remount,ro,bind / && exec setpriv --reuid={user} --regid={group} --clear-groups "$@"'


def steps():
    """The instructions and their arguments."""
    text = (CONTEXT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return [line.split(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]


def only(name):
    (found,) = (argument for instruction, argument in steps() if instruction == name)
    return found


def test_the_image_has_a_user_without_rights_and_a_process_that_gets_signals():
    assert only("USER") == "65534:65534"
    assert json.loads(only("ENTRYPOINT"))[-4:] == ["--host", "0.0.0.0", "--port", only("EXPOSE")]
    assert isinstance(json.loads(only("HEALTHCHECK").removeprefix("CMD ")), list)


@pytest.fixture
def place():
    """A folder that everybody may read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def locked(command):
    """The command as the image's user on a read-only file system, if this system lets root do so."""
    user, group = only("USER").split(":")
    before = ["unshare", "--mount", "sh", "-c", LOCKED.format(user=user, group=group), "sh"]
    probe = "import os, sys; sys.exit(os.getuid() == 0)"
    if os.getuid() == 0 and subprocess.run([*before, command[0], "-c", probe], capture_output=True).returncode == 0:
        return [*before, *command]
    return command


@pytest.mark.slow
def test_its_steps_make_a_server_that_answers_and_stops(place):
    ignored = (CONTEXT / ".dockerignore").read_text("utf-8").replace("**/", "").split()
    save_entity_tagger(place / "model")
    port = free_port()

    def here(text):
        text = re.sub(r"(?<![\w.])/(venv|source|model)\b", rf"{place}/\1", text)
        return text.replace(only("EXPOSE"), str(port))  # another may be in use here

    for instruction, argument in steps():
        if instruction == "COPY" and not argument.startswith("--from"):
            source, target = argument.split()
            shutil.copytree(CONTEXT / source, here(target), ignore=shutil.ignore_patterns(*ignored))
        elif instruction == "RUN":
            path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
            subprocess.run(["sh", "-c", here(argument)], env=os.environ | {"PATH": path}, check=True)
    shutil.rmtree(place / "source")  # the second image has the environment alone
    variables = dict(pair.split("=") for pair in shlex.split(only("ENV")))
    command = [here(part) for part in json.loads(only("ENTRYPOINT")) + json.loads(only("CMD"))]
    check = [here(part) for part in json.loads(only("HEALTHCHECK").removeprefix("CMD "))]
    python = f"{place}/venv/bin/python"
    with subprocess.Popen(locked([python, *command]), env=variables, cwd="/", stderr=subprocess.PIPE) as process:
        try:
            assert any(b"http://" in line for line in process.stderr)  # until it says so, or ends
            assert subprocess.run(check, env=variables).returncode == 0
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/tag",
                b'{"text": "Ada flew to New York."}',
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request) as answer:
                assert b'"New York"' in answer.read()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert subprocess.run(check, env=variables, capture_output=True).returncode != 0
