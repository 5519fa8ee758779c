"""Real processes, started by `torchrun`, train one student together."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from itertools import chain, count
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from structkd.tagger.ranks import own_gpus
from tests.artifacts.examples import write_set
from tests.artifacts.s3 import s3_environment
from tests.pipeline.test_interrupts import LONG_STUDENTS
from tests.pipeline.test_workers import is_alive
from tests.pipeline.tiny import TINY, contents, structkd, write_experiment

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("rank.py")
KILLS = 20


def launch(ranks, *arguments, cwd=ROOT, output=subprocess.PIPE):
    """Start ranks; all that they print goes to `output`."""
    command = [Path(sys.executable).with_name("torchrun"), "--standalone", "--nproc-per-node", ranks, *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    errors = subprocess.PIPE if output == subprocess.PIPE else subprocess.STDOUT
    return subprocess.Popen(list(map(str, command)), cwd=cwd, env=environment, stdout=output, stderr=errors, text=True)


def torchrun(ranks, *arguments, cwd=ROOT):
    """Run ranks to their end."""
    with launch(ranks, *arguments, cwd=cwd) as process:
        output, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


@pytest.fixture
def folder(tmp_path):
    """Two artifact sets of 45 sentences; some batches of 18 words are smaller than three ranks."""
    write_set(tmp_path / "first", sentences={"en": 13, "de": 12}, teacher="first", seed=1)
    write_set(tmp_path / "second", sentences={"en": 20}, teacher="second", seed=2)
    return tmp_path


def test_only_ranks_with_gpus_of_their_own_send_tensors_by_nccl():
    assert own_gpus(["GPU-a", "GPU-b"])
    assert not own_gpus(["GPU-a", "GPU-a"])
    assert not own_gpus(["GPU-a", ""])
    assert not own_gpus(["", ""])


@pytest.mark.parametrize("world", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_the_gradient_is_that_of_one_process_with_the_whole_batch(folder, world):
    done = torchrun(world, SCRIPT, "gradients", folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_ranks_end_with_equal_weights_which_are_those_of_one_process(folder):
    for world in (1, 2):
        (folder / "state").unlink(missing_ok=True)
        done = torchrun(world, SCRIPT, "plain", folder)
        assert done.returncode == 0, done.stderr
    alone, first, second = (
        load_file(folder / f"world{name}.safetensors") for name in ("1-rank0", "2-rank0", "2-rank1")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    for name in first:
        torch.testing.assert_close(first[name], alone[name], rtol=1e-3, atol=1e-4)


def taken(folder):
    """Take the weights, and remove all that a training has left."""
    weights = contents(folder, "*.safetensors")
    for path in (*folder.glob("world*"), folder / "state"):
        path.unlink()
    return weights


@pytest.mark.slow
def test_ranks_that_are_killed_end_with_the_weights_of_those_that_are_not(folder):
    assert torchrun(2, SCRIPT, "dropout", folder).returncode == 0
    weights = taken(folder)
    killed = torchrun(2, "--max-restarts", 1, SCRIPT, "dropout", folder, 11)
    assert killed.returncode == 0, killed.stderr
    assert json.loads((folder / "resumed").read_text()) in ([9, None], [10, None])
    assert contents(folder, "*.safetensors") == weights


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2), (2, 3)])
def test_a_training_goes_on_with_another_number_of_ranks(folder, before, after):
    """Without dropout, the weights are those of one process up to rounding, so the sentences are, too."""
    assert torchrun(1, SCRIPT, "plain", folder).returncode == 0
    alone, batches = load_file(folder / "world1-rank0.safetensors"), noted(folder, 1)
    taken(folder)
    killed = torchrun(before, SCRIPT, "plain", folder, 11)
    assert killed.returncode != 0
    assert "Signal 9 (SIGKILL)" in killed.stderr
    assert contents(folder, "*.safetensors") == {}
    for path in folder.glob("world*"):
        path.unlink()
    done = torchrun(after, SCRIPT, "plain", folder)
    assert done.returncode == 0, done.stderr
    update, ranks = json.loads((folder / "resumed").read_text())
    assert update in (9, 10)
    assert ranks == before
    assert noted(folder, after) == batches[update:]
    for name, found in load_file(folder / f"world{after}-rank0.safetensors").items():
        torch.testing.assert_close(found, alone[name], rtol=1e-3, atol=1e-4)


def noted(folder, world):
    """The sentences of each update, of all ranks."""
    files = [folder / f"world{world}-rank{rank}.jsonl" for rank in range(world)]
    ranks = [map(json.loads, file.read_text().splitlines()) for file in files]
    return [sorted(chain(*batches)) for batches in zip(*ranks, strict=True)]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_twenty_kills_at_random_do_not_change_a_byte(folder):
    began = time.monotonic()
    assert torchrun(2, SCRIPT, "dropout", folder).returncode == 0
    usual, weights, rng, kills = time.monotonic() - began, taken(folder), random.Random(0), 0
    pause = usual / 24  # seconds after each update: the training takes as long as the start
    while kills < KILLS:
        with (
            (folder / "log").open("w") as log,
            launch(2, "--max-restarts", KILLS, SCRIPT, "dropout", folder, 0, pause, output=log) as process,
        ):
            while process.poll() is None:
                time.sleep(rng.uniform(0, 1.5 * usual))
                if kills < KILLS and (ranks := children(process.pid)):
                    kills += 1
                    with suppress(ProcessLookupError):
                        os.kill(rng.choice(ranks), signal.SIGKILL)
        assert process.returncode == 0, (folder / "log").read_text()
        assert taken(folder) == weights


@pytest.mark.slow
def test_the_command_line_runs_under_torchrun(tmp_path):
    write_experiment(tmp_path)
    command = ("-m", "structkd", "distill", "tiny")
    done = torchrun(2, *command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("tiny: strict span F1 on test") == 1
    assert len(list(tmp_path.glob("runs/tiny/students/*/result.json"))) == 3
    assert not list(tmp_path.rglob("training.state"))
    again = torchrun(2, *command, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("Nothing to do") == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_set_of_another_machine_that_appears_while_ranks_ask_for_it(tmp_path, monkeypatch):
    pytest.importorskip("obstore")
    command = ("distill", "tiny", "--runs", "s3://b/kd", "--workers", 1)
    for name in ("other", "ranks"):
        (tmp_path / name).mkdir()
        write_experiment(tmp_path / name)
    with s3_environment(monkeypatch) as bucket:
        assert structkd(tmp_path / "other", *command).returncode == 0
        asked = count()

        def absent(method, key):
            """Of four questions, two by each rank, the first three do not find it: so the ranks would disagree."""
            return "NoSuchKey" if "/en-train-" in key and "manifest" in key and next(asked) < 3 else None

        bucket.fault = absent
        done = torchrun(2, "-m", "structkd", *command, cwd=tmp_path / "ranks")
    assert done.returncode == 0, done.stderr
    assert next(asked) > 3
    here, there = (contents(tmp_path / name / "runs", "model.safetensors") for name in ("ranks", "other"))
    assert here == there != {}


def await_training(folder, process):
    """Wait for a student's first score on dev."""
    while not any('"dev"' in path.read_text("utf-8") for path in folder.glob("runs/tiny/students/*/log.jsonl")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)


@pytest.mark.slow
def test_the_claim_of_a_killed_rank_does_not_block_the_next_start(tmp_path):
    """Rank 0 holds the claim of the student, and its workers hold those of teachers."""
    text = TINY.replace("[student.training]\nupdates = 20", "[student.training]\ncheckpoint_seconds = 0\nupdates = 99")
    write_experiment(tmp_path, text)
    command = ("-m", "structkd", "distill", "tiny", "--workers", 2)
    with launch(2, "--max-restarts", 2, *command, cwd=tmp_path) as process:
        for wait in (await_claim, await_training):
            wait(tmp_path, process)
            os.kill(next(rank for rank in children(process.pid) if is_first(rank)), signal.SIGKILL)
        output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert len(list(tmp_path.glob("runs/tiny/students/*/result.json"))) == 3
    assert "goes on after update" in output
    assert contents(tmp_path, ".*.tmp") == contents(tmp_path, ".*.lock") == {}


def await_claim(folder, process):
    """Wait for a worker's claim of a teacher."""
    while not list(folder.glob("runs/tiny/teachers/*/.claim.lock")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)


def is_first(pid):
    """True for rank 0."""
    return b"RANK=0" in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("to_all", [True, False])
def test_ranks_end_with_torchrun(tmp_path, number, to_all):
    write_experiment(tmp_path, LONG_STUDENTS)
    command = [Path(sys.executable).with_name("torchrun"), "--standalone", "--nproc-per-node", "2"]
    with subprocess.Popen(
        [*command, "-m", "structkd", "distill", "tiny"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        await_training(tmp_path, process)
        ranks = children(process.pid)
        assert len(ranks) >= 2
        (os.killpg if to_all else os.kill)(process.pid, number)
        errors = process.communicate()[1]
        while any(map(is_alive, ranks)):
            time.sleep(0.05)
    if number != signal.SIGKILL:
        assert errors.count("the same command goes on from there") == 1
        assert "[rank" not in errors  # which the traceback of a rank begins with
    if not (number == signal.SIGKILL and to_all):
        assert contents(tmp_path, ".*.tmp") == contents(tmp_path, ".*.lock") == {}


def children(number):
    """The processes that one has started."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(pid) for pid, parent in map(str.split, listed.splitlines()) if parent == str(number)]
