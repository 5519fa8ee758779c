"""`--runs s3://...`: machines that share nothing but a store make what one machine makes in its folder."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.plan.pieces import make_plan
from tests.artifacts.s3 import KEY, SECRET, always, s3_server
from tests.pipeline.tiny import TINY, contents, structkd, write_experiment

pytestmark = pytest.mark.long

pytest.importorskip("obstore")
EXPERIMENT = (
    TINY.replace('["en", "de"]', '["en"]')
    .replace("k = 4", "k = 4\nshard_rows = 8\nrow_group_rows = 4")
    .replace('"baseline", "posterior+top-wk", "exact"', '"exact"')
    .replace("unlabelled = 20", "unlabelled = 70")  # nine shards, each a range
)
RUNS = "s3://b/kd"
SETS = ("artifacts", "heldout")
TEACHER = r"teachers/en-\w{8}\.json"  # its record


@pytest.fixture
def bucket():
    with s3_server() as found:
        yield found


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one machine makes without a store: its sets, and the teacher's weights."""
    machine = Machine(tmp_path_factory.mktemp("alone"))
    done = machine.run("teachers")
    assert done.returncode == 0, done.stderr
    return machine, made(contents(machine.folder / "runs" / "tiny"))


@pytest.fixture(scope="module")
def distilled(alone):
    """The same with the student's weights."""
    assert alone[0].run("distill").returncode == 0
    return made(contents(alone[0].folder / "runs" / "tiny"))


class Machine:
    """A folder with the experiment."""

    def __init__(self, folder, bucket=None):
        folder.mkdir(exist_ok=True)
        write_experiment(folder, EXPERIMENT)
        self.folder, self.place = folder, ("--runs", RUNS) if bucket else ()
        self.environment = bucket.environment if bucket else {}

    def run(self, command, *arguments):
        done = structkd(self.folder, command, "tiny", *self.place, *arguments, env=self.environment)
        assert not any(secret in done.stdout + done.stderr for secret in (SECRET, KEY, "Signature"))
        for path in self.folder.rglob("*"):
            assert not path.is_file() or SECRET.encode() not in path.read_bytes()
        return done

    def start(self, command):
        return subprocess.Popen(
            [Path(sys.executable).with_name("structkd"), command, "tiny", *self.place, "--workers", "1"],
            cwd=self.folder,
            env=os.environ | self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def made(files):
    """What must not depend on machines and kills."""
    sets = {name: one for name, one in files.items() if name.startswith(SETS) and not is_record(name)}
    return sets | {Path(name).parent.name: one for name, one in files.items() if name.endswith("model.safetensors")}


def is_record(name):
    return "/part-" in name and name.endswith(".json")


def stored(bucket):
    return {key.removeprefix("kd/tiny/"): one for key, one in bucket.objects.items()}


def kill_at(process, part, answer):
    """A fault that kills a process at its first PUT of a key with this pattern; the object is lost, or the answer."""

    def fault(method, key):
        if method != "PUT" or not re.search(part, key):
            return None
        process.kill()
        return answer

    return fault


@pytest.mark.parametrize(
    ("part", "answer"),
    [
        ("part-00001.json", "lose"),
        *(
            pytest.param(part, answer, marks=pytest.mark.slow)
            for part, answer in [
                ("teachers/en.*model", "drop"),
                (TEACHER, "lose"),
                (TEACHER, "drop"),
                ("part-00000.parquet", "lose"),
                ("unlabelled", "drop"),
                ("manifest.json", "lose"),
                ("manifest.json", "drop"),
            ]
        ),
    ],
)
def test_one_machine_is_killed_and_another_goes_on(tmp_path, bucket, alone, part, answer):
    first, second = Machine(tmp_path / "first", bucket), Machine(tmp_path / "second", bucket)
    process = first.start("teachers")
    bucket.fault = kill_at(process, part, answer)
    assert process.wait() == -signal.SIGKILL
    bucket.fault = always(None)
    before = dict(bucket.objects)
    done = second.run("teachers")
    assert done.returncode == 0, done.stderr
    assert before.items() <= bucket.objects.items()  # nothing is replaced
    here = made(contents(second.folder / "runs" / "tiny"))
    assert made(stored(bucket)) | here == alone[1]
    assert not any(name.startswith(SETS) for name in here)
    lost = "teachers/en" in part and (part, answer) != (TEACHER, "drop")
    assert ("teacher en: update" in done.stdout) == lost  # else the first machine has trained it


@pytest.mark.slow
def test_machines_at_the_same_time_make_one_set_of_everything(tmp_path, bucket, distilled):
    machines = [Machine(tmp_path / name, bucket) for name in ("first", "second", "third")]
    assert [one.wait() for one in [one.start("distill") for one in machines]] == [0, 0, 0]
    for one in machines:
        assert made(stored(bucket)) | made(contents(one.folder / "runs" / "tiny")) == distilled
        assert one.run("teachers").stdout.startswith("Stage one is done already")


@pytest.mark.slow
def test_a_third_machine_reports_what_is_finished_and_makes_nothing(tmp_path, bucket):
    first, third = Machine(tmp_path / "first", bucket), Machine(tmp_path / "third", bucket)
    assert first.run("distill").returncode == 0
    assert "to do" not in third.run("distill", "--dry-run").stdout
    assert not (third.folder / "runs").exists()
    before, scores = dict(bucket.objects), first.run("report", "--format", "md").stdout
    assert third.run("report", "--format", "md").stdout == scores
    assert "| exact" in scores
    assert "Nothing to do" in third.run("distill").stdout
    assert "Worth labelling next" in third.run("audit", "--unlabelled", "--top", "1").stdout
    assert bucket.objects == before
    refused = third.run("teachers", "--redo")
    assert refused.returncode == 1
    assert "is never replaced; give --runs another address, or delete it" in refused.stderr


@pytest.mark.parametrize("fault", ["AccessDenied", "NoSuchBucket"])
def test_a_store_that_refuses_is_an_error_before_anything_is_made(tmp_path, bucket, fault):
    bucket.fault = always(fault)
    one = Machine(tmp_path / "one", bucket)
    done = one.run("distill")
    assert done.returncode == 1
    assert done.stderr.startswith(f"structkd: {RUNS}: cannot be read: the server answered")
    assert not (one.folder / "runs").exists()


def test_a_file_address_is_a_folder_for_everything_and_names_do_not_depend_on_the_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one = Machine(tmp_path / "one")
    done = one.run("teachers", "--dry-run", "--runs", f"file://{tmp_path}/shared")
    assert f"{tmp_path}/shared/tiny/artifacts/en-train-" in done.stdout
    monkeypatch.chdir(one.folder)
    experiment = load_experiment("tiny")
    here, there = make_plan(experiment), make_plan(experiment, Path("/elsewhere"))
    assert [path.name for path in here.students[0].artifacts] == [path.name for path in there.students[0].artifacts]
    assert here.students[0].folder.name == there.students[0].folder.name
