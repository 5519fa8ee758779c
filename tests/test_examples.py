"""Each script of examples/ runs as it is, over an experiment of a tiny size."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import structkd

pytestmark = pytest.mark.long
EXAMPLES = Path(__file__).parents[1] / "examples"
TINY = """
title = "tiny"
languages = ["en"]
corpus = { name = "demo", train = { en = 30 }, dev = 5, test = 5 }
teacher = { held_out = false, tagger = { hidden = 4 }, training = { updates = 4 }, annotation = { k = 2 } }
student = { systems = ["exact"], tagger = { hidden = 4 }, training = { updates = 4 } }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which `distil.py` has run."""
    place = tmp_path_factory.mktemp("examples")
    (place / "tiny.toml").write_text(TINY, "utf-8")
    printed = example(place, "distil", "tiny.toml")
    assert "│ exact" in printed
    assert "Ana visitó Acme Corp. en Sevilla." in printed
    return place


def take_one_core():
    """Let no worker processes be started: each would load torch anew for four updates."""
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])


def example(folder, name, *arguments):
    command = [sys.executable, EXAMPLES / f"{name}.py", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, preexec_fn=take_one_core)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_script_is_tested():
    assert sorted(path.stem for path in EXAMPLES.glob("*.py")) == ["chain", "distil", "least_sure", "own_objective"]


def test_the_size_that_people_run_is_an_experiment():
    assert structkd.load_experiment(EXAMPLES / "small.toml").corpus.name == "demo"


@pytest.mark.slow
def test_the_least_sure_sentences_come_first(folder):
    lines = example(folder, "least_sure", next((folder / "runs/tiny/artifacts").glob("en-train-*"))).splitlines()
    assert "30 sentences" in lines[0]
    probabilities = [float(line.split()[1]) for line in lines[1:]]
    assert len(probabilities) == 5
    assert probabilities == sorted(probabilities)


def test_an_objective_of_ones_own(folder):
    printed = example(folder, "own_objective", "tiny.toml")
    assert "Stage one" not in printed
    assert "sure-posterior: " in printed
    assert (folder / "runs/own/sure-posterior/tagger.json").is_file()


def test_the_chain_alone(tmp_path):
    last = example(tmp_path, "chain").splitlines()[-1]
    before, after = float(last.split()[2]), float(last.split()[4])
    assert before > 0.1 > 0.001 > after
