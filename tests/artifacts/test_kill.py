"""Writers that are killed, in processes of their own: what they leave, and what the next one makes of it."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.schema import ArtifactError
from tests.artifacts.writing import SENTENCES, SHARD_ROWS
from tests.pipeline.tiny import contents

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
SHARDS = -(-SENTENCES // SHARD_ROWS)


def start(folder, *arguments):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.artifacts.writing", folder, *map(str, arguments)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": ".", "TRACE": str(folder.parent / "trace")},
    )


def end(process):
    """The return code; a traceback of the child is one of ours."""
    _, errors = process.communicate()
    assert not errors, errors.decode()
    return process.returncode


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted") / "set"
    assert end(start(folder)) == 0
    files = contents(folder)
    assert set(files) == {"manifest.json", *(f"part-{number:05d}.parquet" for number in range(SHARDS))}
    return files


def recorded(folder):
    path = folder / "unfinished.json"
    together = {shard["file"] for shard in json.loads(path.read_text())["shards"]} if path.exists() else set()
    return together | {f"{record.stem}.parquet" for record in folder.glob("part-*.json")}


def begun(folder):
    """The shards that the last process began to write."""
    trace = folder.parent / "trace"
    lines = trace.read_text().split() if trace.exists() else []
    trace.unlink(missing_ok=True)
    return lines


def check_remains(folder, uninterrupted):
    """A killed writer leaves whole shards, and no set that can be read by mistake."""
    for path in folder.glob("part-*.parquet"):
        assert path.read_bytes() == uninterrupted[path.name]
        pq.read_table(path)
    if (folder / "manifest.json").exists():
        assert ArtifactSet.open(folder).rows == SENTENCES
    else:
        with pytest.raises(ArtifactError, match="the set is unfinished: run stage one again"):
            ArtifactSet.open(folder)


def finish(folder, uninterrupted):
    """Run once more, to the end: equal bytes, and nothing that was recorded is written again."""
    kept = recorded(folder)
    if (folder / "manifest.json").exists():  # the pipeline asks no more of a finished set
        assert contents(folder) == uninterrupted
        return
    begun(folder)
    assert end(start(folder)) == 0
    assert set(begun(folder)) == set(uninterrupted) - kept - {"manifest.json"}
    assert contents(folder) == uninterrupted


def kill_at(folder, boundary, uninterrupted):
    """Whether there is such a boundary."""
    code = end(start(folder, boundary))
    assert code in (0, -signal.SIGKILL)
    if code == 0:
        return False
    check_remains(folder, uninterrupted)
    finish(folder, uninterrupted)
    return True


@pytest.mark.parametrize("boundary", [1, 4, 6, 13, 22, 31, 40, 45, 46, 47])
def test_killed_at_a_boundary_it_is_finished_to_the_same_bytes(tmp_path, uninterrupted, boundary):
    assert kill_at(tmp_path / "set", boundary, uninterrupted)


@pytest.mark.slow
def test_killed_at_any_boundary_it_is_finished_to_the_same_bytes(tmp_path, uninterrupted):
    for boundary in count(1):
        if not kill_at(tmp_path / str(boundary) / "set", boundary, uninterrupted):
            break
    assert boundary > 10 * SHARDS


def test_killed_again_and_again_it_redoes_at_most_the_shard_in_hand(tmp_path, uninterrupted):
    folder, kills, written = tmp_path / "set", 0, []
    while not (folder / "manifest.json").exists():
        kept = recorded(folder)
        code = end(start(folder, 16))  # more than one shard has
        assert code in (0, -signal.SIGKILL)
        kills += code != 0
        check_remains(folder, uninterrupted)
        assert recorded(folder) > kept or (folder / "manifest.json").exists()
        shards = begun(folder)
        assert not set(shards) & kept
        written += shards
    assert kills >= 2
    assert len(written) <= SHARDS + kills
    assert contents(folder) == uninterrupted


@pytest.mark.parametrize("seed", [0, 1, pytest.param(range(2, 30), marks=pytest.mark.slow)])
def test_killed_at_a_random_moment_it_is_finished_to_the_same_bytes(tmp_path, uninterrupted, seed):
    for one in seed if isinstance(seed, range) else [seed]:
        folder = tmp_path / str(one) / "set"
        folder.parent.mkdir()
        process = start(folder)
        while not folder.exists():  # imports take most of the time
            time.sleep(0.001)
        time.sleep(random.Random(one).uniform(0, 0.1))
        process.kill()
        assert end(process) in (-signal.SIGKILL, 0)
        check_remains(folder, uninterrupted)
        finish(folder, uninterrupted)
