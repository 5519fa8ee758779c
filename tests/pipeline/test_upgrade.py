"""Runs survive an upgrade: other code keeps what is finished and says so, and `--redo` makes it again."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.tiny import TINY, contents, write_experiment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ROOMS = ("artifacts", "corpora", "crf", "ground", "pipeline", "runtime", "student", "tagger", "teachers")
SMALL = (
    TINY.replace('["en", "de"]', '["de"]')
    .replace('"baseline", "posterior+top-wk", "exact"', '"exact"')
    .replace("updates = 20\nevaluate_every = 10", "updates = 6\nevaluate_every = 3\ncheckpoint_seconds = 0")
)
RUN = "from structkd.pipeline.cli import main; main()"


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory):
    """A copy of the package with one more comment in the tagger."""
    folder = tmp_path_factory.mktemp("upgraded")
    ignored = shutil.ignore_patterns("__pycache__")
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / "structkd" / room, ignore=ignored)
    for file in (ROOT / "structkd").glob("*.py"):
        shutil.copy(file, folder / "structkd")
    with (folder / "structkd" / "tagger" / "scoring.py").open("a") as module:
        module.write("# one more comment\n")
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder in which an experiment has run through both stages."""
    folder = tmp_path_factory.mktemp("finished")
    write_experiment(folder, SMALL)
    assert "Nothing to do" not in run(ROOT, folder, "distill", "tiny", "--workers", "1").stdout
    return folder


@pytest.fixture
def place(finished, tmp_path):
    """A copy of it."""
    return shutil.copytree(finished, tmp_path / "place")


def run(code, folder, *arguments, start=("-c", RUN), fails=False):
    """`structkd` by the code in a folder."""
    done = subprocess.run(
        [sys.executable, *map(str, start), *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(code), "COLUMNS": "400"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode != 0) == fails, done.stderr
    return done


def weights(folder):
    return contents(folder / "runs" / "tiny", "*.safetensors")


def codes(folder):
    """The digests of the code of all finished pieces."""
    results = [json.loads(data)["digests"] for data in contents(folder / "runs", "result.json").values()]
    sets = [json.loads(data)["header"]["provenance"] for data in contents(folder / "runs", "manifest.json").values()]
    return {found["code"] for found in results} | {found["code"]["digest"] for found in sets}


def test_other_code_keeps_what_is_finished_and_says_so_in_one_line(place, upgraded):
    before = contents(place)
    note = "runs/tiny: 5 of 5 finished pieces were made by other code of the same results versions (structkd "
    for command in ("teachers", "distill"):
        lines = run(upgraded, place, command, "tiny").stdout.splitlines()
        assert len([line for line in lines if line.startswith(note)]) == 1
        assert "`structkd distill tiny --redo` makes all pieces again" in lines[-1]
    assert "other code" not in run(ROOT, place, "distill", "tiny").stdout
    assert note in run(upgraded, place, "report", "tiny", "--format", "md").stderr
    assert contents(place) == before


@pytest.mark.slow
def test_redo_makes_all_pieces_again_though_it_is_killed_on_the_way(place, upgraded):
    before, old = weights(place), codes(place)
    mortal = (ROOT / "tests" / "pipeline" / "mortal.py", "torch.optim", "Adam", "step", "9")
    arguments = ("distill", "tiny", "--workers", "1")
    run(upgraded, place, *arguments, "--redo", start=mortal, fails=True)  # in stage two
    done = run(upgraded, place, *arguments)
    assert "made by other code" not in done.stdout
    assert "teacher de" not in done.stdout  # which was made again before
    assert not codes(place) & old
    assert weights(place) == before  # a comment changes no result
    assert "Nothing to do" in run(upgraded, place, *arguments).stdout


@pytest.mark.slow
def test_a_training_goes_on_under_other_code_and_says_so(tmp_path, upgraded, finished):
    write_experiment(tmp_path, SMALL)
    mortal = (ROOT / "tests" / "pipeline" / "mortal.py", "torch.optim", "Adam", "step", "5")
    arguments = ("distill", "tiny", "--workers", "1")
    run(ROOT, tmp_path, *arguments, start=mortal, fails=True)
    done = run(upgraded, tmp_path, *arguments)
    assert "goes on after update 4, up to which other code trained (" in done.stdout
    assert "1 of 5 finished pieces were made by other code" in done.stdout
    assert weights(tmp_path) == weights(finished)


@pytest.mark.slow
def test_students_of_sets_that_were_made_again_by_other_code_are_told(place, upgraded):
    run(upgraded, place, "teachers", "tiny", "--workers", "1", "--redo")
    note = next(line for line in run(upgraded, place, "distill", "tiny").stdout.splitlines() if "kept" in line)
    assert "1 of 5 finished pieces were made by other code" in note
    assert "1 students learnt from artifact sets that have been made again since, and differ" in note
