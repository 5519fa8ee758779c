"""`structkd teachers`, killed on the way and typed again."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.pipeline.tiny import TINY, contents, structkd, write_experiment

pytestmark = pytest.mark.slow

EXPERIMENT = (
    TINY.replace("k = 4", "k = 4\nshard_rows = 8\nrow_group_rows = 4")
    .replace("[teacher.tagger]", "[teacher]\nfolds = 2\n\n[teacher.tagger]")
    .replace("unlabelled = 20", "unlabelled = 70")  # nine shards, each a range
)
SETS = 8  # in each of two languages: unlabelled text, two folds, dev and test


def start(folder, workers=1):
    """Start stage one, and give a process group to kill."""
    write_experiment(folder, EXPERIMENT)
    command = [Path(sys.executable).with_name("structkd"), "teachers", "tiny", "--workers", str(workers)]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def kill(process):
    """SIGKILL to the command and its workers."""
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def results(folder):
    """What must not depend on kills: artifact sets with all that lies beside them, and the teachers' weights."""
    runs = folder / "runs" / "tiny"
    parts = {"artifacts": "*", "heldout": "*", "teachers": "*.safetensors"}
    return {
        f"{part}/{path}": data for part, files in parts.items() for path, data in contents(runs / part, files).items()
    }


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    began = time.monotonic()
    assert start(folder).wait() == 0
    files = results(folder)
    assert sum(path.endswith(".parquet") for path in files) >= 16
    assert sum(path.endswith("manifest.json") for path in files) == SETS
    names = {Path(path).name for path in files if not path.endswith(".parquet")}
    assert names == {"manifest.json", "model.safetensors"}
    return files, time.monotonic() - began


def made(path):
    """Differs where a file was written anew."""
    return path.stat().st_ino, path.stat().st_mtime_ns


def check(folder, uninterrupted, workers=1):
    """Type the command again; shards that were recorded stay the files that they were."""
    before = {
        path: made(path) for part in ("artifacts", "heldout") for path in folder.rglob(f"{part}/*/part-*.parquet")
    }
    done = structkd(folder, "teachers", "tiny", "--workers", 1)
    assert done.returncode == 0, done.stderr
    redone = [path for path, was in before.items() if made(path) != was]
    assert len(redone) <= workers  # visible, and not recorded yet
    assert results(folder) == uninterrupted[0]


@pytest.mark.parametrize("shards", [1, 14])
def test_killed_amid_annotation_it_goes_on_to_the_same_bytes(tmp_path, uninterrupted, shards):
    process = start(tmp_path)
    while len(list(tmp_path.rglob("artifacts/*/part-*.parquet"))) < shards:
        assert process.poll() is None
        time.sleep(0.001)
    kill(process)
    assert len(list(tmp_path.rglob("manifest.json"))) < SETS
    check(tmp_path, uninterrupted)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("seed", range(10))
def test_killed_at_a_random_moment_it_goes_on_to_the_same_bytes(tmp_path, uninterrupted, workers, seed):
    process = start(tmp_path, workers)
    time.sleep(random.Random(seed).uniform(0, uninterrupted[1]))
    if process.poll() is None:
        kill(process)
    check(tmp_path, uninterrupted, workers)
