"""`structkd reproduce --runs PLACE`: machines that share a place have the same rows, whoever did the work."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from structkd.pipeline.results.rows import add_rows, read_rows
from tests.artifacts.programs import moto, needs_moto
from tests.artifacts.s3 import s3_server
from tests.pipeline.tiny import structkd

pytestmark = pytest.mark.slow

pytest.importorskip("obstore")
GRID = """
title = "Tiny"
seeds = [1]

[defaults]
corpus = { name = "demo", train = { en = 30 }, dev = 10, test = 12, unlabelled = 20 }
teacher = { tagger = { hidden = 8 }, training = { updates = 10 }, annotation = { k = 4, shard_rows = 8 } }
student = { tagger = { hidden = 8 }, training = { updates = 40, evaluate_every = 5 } }

[tasks.one]
languages = ["en"]

[[tables]]
name = "main"
title = "All systems"
rows = ["baseline", "exact"]
"""


@contextmanager
def shared_folder(tmp_path):
    yield f"file://{tmp_path}/shared", {}


@contextmanager
def store(tmp_path):
    with s3_server() as bucket:
        yield "s3://b/kd", bucket.environment


@contextmanager
def moto_store(tmp_path):
    with moto():
        yield "s3://bucket/kd", {}


@pytest.mark.parametrize(
    "place",
    [store, shared_folder, pytest.param(moto_store, marks=needs_moto)],
    ids=lambda place: place.__name__,
)
def test_one_machine_is_killed_and_others_have_its_rows(tmp_path, place):
    first, second, third = (machine(tmp_path / name) for name in ("first", "second", "third"))
    with place(tmp_path) as (runs, environment):
        kill_in_exact(first, runs, environment)
        kept = rows(first)
        assert sorted(kept["system"]) == ["baseline", "teachers"]
        for one, new in ((second, 3), (third, 3), (first, 1)):
            done = structkd(one, "reproduce", "tiny", "--runs", runs, env=environment)
            assert f": {new} new rows; see `structkd report tiny --runs {runs}`" in done.stdout, done.stderr
            assert ("update" in done.stdout) == (one == second)  # the others make nothing
    assert rows(second).equals(rows(third))
    assert rows(second).equals(rows(first))
    add_rows(tmp_path / "rows.parquet", kept.to_dicts(), {})
    add_rows(tmp_path / "rows.parquet", rows(second).to_dicts(), {})
    assert read_rows(tmp_path / "rows.parquet").drop("settings_digests").equals(rows(second).drop("settings_digests"))
    (teachers,) = rows(third).filter(system="teachers").to_dicts()
    assert teachers["annotation_seconds"] > 0
    assert teachers["feature_seconds"] == 0


def machine(folder):
    (folder / "experiments" / "grids").mkdir(parents=True)
    (folder / "experiments" / "grids" / "tiny.toml").write_text(GRID, "utf-8")
    return folder


def kill_in_exact(folder, runs, environment):
    command = [Path(sys.executable).with_name("structkd"), "reproduce", "tiny", "--runs", runs, "--workers", "1"]
    with subprocess.Popen(
        command, cwd=folder, env=os.environ | environment, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if "exact seed 1" in line and "update" in line:
                process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def rows(folder):
    return read_rows(folder / "results" / "tiny.parquet")
