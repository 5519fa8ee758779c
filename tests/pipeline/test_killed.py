"""Runs of real processes that are killed, at marked places and at random moments, end as those that are not."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.tiny import TINY, contents, structkd, write_experiment

SAVING = (
    TINY.replace("updates = 20\n", "updates = 20\ncheckpoint_seconds = 0\n")
    .replace('["baseline", "posterior+top-wk", "exact"]', '["posterior+top-wk"]')
    .replace('["en", "de"]', '["en"]')
    .replace("[teacher.tagger]", "[teacher]\nfolds = 2\n\n[teacher.tagger]")
)
COSTS = ("seconds", "peak_memory", "digest")  # the last is over the others, too
COMMAND = ("distill", "tiny", "--workers", "1")
MORTAL = Path(__file__).with_name("mortal.py")
ROOT = Path(__file__).parents[2]


def results(folder):
    """Weights, shards and scores: all files of a run but its journals, and without what it cost."""
    found = contents(folder / "runs")
    for name, content in found.items():
        if name.endswith("result.json"):
            found[name] = {key: value for key, value in json.loads(content).items() if key not in COSTS}
    return {name: content for name, content in found.items() if not name.endswith("log.jsonl")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The results of a run that nothing interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    write_experiment(folder, SAVING)
    done = structkd(folder, *COMMAND)
    assert done.returncode == 0, done.stderr
    return results(folder)


def events(folder):
    lines = [line for path in (folder / "runs").rglob("log.jsonl") for line in path.read_text("utf-8").splitlines()]
    return [json.loads(line)["event"] for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize(
    "place",
    [
        ("torch.optim", "Adam", "step", 23),
        # Within a save: its file is written, and not yet in its place.
        ("pathlib", "Path", "replace", 15),
        ("structkd.tagger.resume", "Resume", "delete", 1),
    ],
    ids=lambda place: place[2],
)
def test_a_run_that_is_killed_at_marked_places_ends_as_one_that_is_not(tmp_path, whole, place):
    write_experiment(tmp_path, SAVING)
    command = [sys.executable, MORTAL, *place, *COMMAND]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    kills = 0
    while True:
        child = subprocess.run(list(map(str, command)), cwd=tmp_path, env=environment, capture_output=True, text=True)
        if child.returncode == 0:
            break
        assert child.returncode == -9, child.stderr
        kills += 1
        assert kills < 12
    assert kills >= 2
    assert place[2] == "delete" or events(tmp_path).count("resumed") >= 2
    assert "restarted" not in events(tmp_path)
    assert results(tmp_path) == whole


@pytest.mark.slow
def test_a_run_that_is_killed_at_random_moments_ends_as_one_that_is_not(tmp_path, whole):
    write_experiment(tmp_path, SAVING)
    moments = random.Random(1)
    command = [str(Path(sys.executable).with_name("structkd")), *COMMAND]
    for _ in range(4):
        child = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            child.wait(moments.uniform(0.5, 6))
        except subprocess.TimeoutExpired:
            child.kill()
            assert child.wait() == -9
        else:
            assert child.returncode == 0
    assert structkd(tmp_path, *COMMAND).returncode == 0
    assert results(tmp_path) == whole
