"""A run's folder as people have it: on a disk that is read-only, and with damaged pieces."""

import shutil
import subprocess

import pytest

from tests.pipeline.tiny import TINY, contents, structkd, write_experiment

pytestmark = pytest.mark.slow

SMALL = (
    TINY.replace('["en", "de"]', '["en"]')
    .replace('["baseline", "posterior+top-wk", "exact"]', '["exact"]')
    .replace("unlabelled = 20\n", "unlabelled = 5\n")
)
DISTILL = ("distill", "tiny", "--workers", "1")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder in which a small experiment has run."""
    folder = tmp_path_factory.mktemp("run")
    write_experiment(folder, SMALL)
    done = structkd(folder, *DISTILL)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def copy(run, tmp_path):
    return shutil.copytree(run, tmp_path / "copy")


@pytest.fixture
def read_only(copy, tmp_path):
    """The run on a read-only mount, beside a state that a killed training left."""
    student = next((copy / "runs" / "tiny" / "students").iterdir())
    (student / "training.state").write_bytes(b"left over")
    mount = tmp_path / "mount"
    mount.mkdir()
    if subprocess.run(["mount", "--bind", copy, mount], capture_output=True).returncode:
        pytest.skip("mounting a folder takes root")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", mount], check=True)
        yield mount
    finally:
        subprocess.run(["umount", mount], check=True)


def test_a_finished_run_prints_its_table_from_a_read_only_disk(read_only):
    for command in (DISTILL, ("report", "tiny", "--format", "table")):
        done = structkd(read_only, *command)
        assert done.returncode == 0, done.stderr
        assert "exact" in done.stdout


def piece(folder, kind, name):
    return next((folder / "runs" / "tiny" / kind).glob(f"{name}-*"))


def test_a_damaged_teacher_that_is_needed_is_trained_again_and_says_so(copy):
    before = contents(copy / "runs", "*.*")
    teacher, artifacts = piece(copy, "teachers", "en"), piece(copy, "artifacts", "en-unlabelled")
    shutil.rmtree(artifacts)
    weights = teacher / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    done = structkd(copy, *DISTILL)
    assert done.returncode == 0, done.stderr
    assert f"starts again: {weights.relative_to(copy)}: SHA-256 is" in done.stdout
    after = contents(copy / "runs", "*.*")
    for name in before:
        assert name in after
        if name.endswith((".safetensors", ".parquet", "manifest.json")):
            assert after[name] == before[name], name


def test_a_damaged_student_names_the_folder_to_delete(copy):
    student = piece(copy, "students", "exact")
    (student / "tagger.json").write_text("{}", "utf-8")
    done = structkd(copy, "tag", student.relative_to(copy), input="in Berlin")
    assert done.returncode == 1
    assert f"delete the folder {student.relative_to(copy)}: the next run trains it again" in done.stderr
