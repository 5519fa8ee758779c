"""What Linux alone has is not needed: without it the package is imported, and runs."""

import os
import subprocess
import sys

import pytest

from structkd.pipeline.execution.cores import usable_cores
from tests.pipeline.tiny import structkd, write_experiment

SMALL = """
title = "small"
languages = ["en"]
corpus = { name = "demo", train = { en = 30 }, dev = 5, test = 5 }
teacher = { tagger = { hidden = 4 }, training = { updates = 4 }, annotation = { k = 2 } }
student = { systems = ["baseline"], tagger = { hidden = 4 }, training = { updates = 4 } }
"""
EVERY_MODULE = """
import pkgutil, sys
from importlib import import_module
import structkd
for module in pkgutil.walk_packages(structkd.__path__, "structkd."):
    if not module.name.endswith(".__main__"):
        import_module(module.name)
from structkd.pipeline.execution.cores import usable_cores
print(usable_cores())
"""


def elsewhere(folder, *, fcntl):
    """The environment of processes in which os.sched_getaffinity is missing, and fcntl unless the system has it."""
    (folder / "sitecustomize.py").write_text(
        f"import os, sys\ndel os.sched_getaffinity\nif not {fcntl}:\n    sys.modules['fcntl'] = None\n", "utf-8"
    )
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}


def test_the_cores_are_those_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {2, 5, 7}, raising=False)
    assert usable_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert usable_cores() == 4
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1


def test_every_module_is_imported_without_either(tmp_path):
    environment = os.environ | elsewhere(tmp_path, fcntl=False)
    done = subprocess.run([sys.executable, "-c", EVERY_MODULE], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(os.cpu_count())]


@pytest.mark.slow
def test_an_experiment_runs_as_on_macos(tmp_path):
    environment = elsewhere(tmp_path, fcntl=True)
    write_experiment(tmp_path, SMALL, "small")
    done = structkd(tmp_path, "distill", "small", env=environment)
    assert done.returncode == 0, done.stderr
    assert "│ baseline" in done.stdout
