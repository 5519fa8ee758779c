"""The list of commands, and what it costs."""

import pytest

from structkd.pipeline.commands.app import COMMANDS, load
from tests.pipeline.tiny import structkd


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says(name):
    assert COMMANDS[name] == (load(name).help or "").split("\n\n")[0].replace("\n", " ")


def test_help_imports_no_command(tmp_path):
    done = structkd(tmp_path, "--help", env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert all(name in done.stdout for name in COMMANDS)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "typer" in loaded
    assert not loaded & {"numpy", "polars", "pyarrow", "pydantic", "torch"}


def test_a_command_that_is_not_there(tmp_path):
    done = structkd(tmp_path, "tagg")
    assert done.returncode == 2
    assert "No such command 'tagg'" in done.stderr
