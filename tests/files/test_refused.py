"""What the operating system refuses, for every kind of file: an error that names file, cause and remedy."""

import json
import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from structkd.artifacts.schema import ArtifactError
from structkd.ground.faults import FileError
from structkd.ground.files import atomic_path
from structkd.pipeline.results.rows import RowError
from tests.files.writers import WRITERS, attempts

ROOT = Path(__file__).parents[2]
KINDS = pytest.mark.parametrize("kind", WRITERS)


def check(found, folder, message):
    """Each kind has failed, by an error that names a file of its folder, the cause and the remedy."""
    assert found.keys() == WRITERS.keys()
    for kind, said in found.items():
        assert said, f"{kind} was written"
        assert said.startswith(str(folder / kind)), said
        assert message in said, said
    left = [path for path in folder.rglob("*") if path.name.endswith(".tmp")]
    assert not left


@pytest.fixture(params=["002", "027", "077"])
def umask(request):
    before = os.umask(int(request.param, 8))
    yield int(request.param, 8)
    os.umask(before)


def test_all_files_have_the_mode_that_the_umask_gives(tmp_path, umask):
    assert set(attempts(tmp_path / "all").values()) == {None}
    paths = list((tmp_path / "all").rglob("*"))
    assert len([path for path in paths if path.is_file()]) > len(WRITERS)
    for path in paths:
        full = 0o777 if path.is_dir() else 0o666
        assert stat.S_IMODE(path.stat().st_mode) == full & ~umask, path


LIMITS = ["0", "60"]


def test_a_limit_on_file_sizes_is_explained(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.files.writers", tmp_path, *LIMITS],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": "."},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for limit, line in zip(LIMITS, done.stdout.splitlines(), strict=True):
        check(json.loads(line), tmp_path / limit, "File too large; raise the limit on file sizes (ulimit -f)")


@pytest.fixture
def disk(tmp_path):
    """A disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("mounting a disk takes root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(disk):
    with (disk / "ballast").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 12))


def test_a_full_disk_is_explained(disk):
    fill(disk)
    check(attempts(disk), disk, "No space left on device; free space on its disk")
    (disk / "ballast").unlink()
    assert set(attempts(disk).values()) == {None}


def test_a_disk_that_may_not_be_written_is_explained(disk):
    for kind in WRITERS:
        (disk / kind).mkdir()
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    check(attempts(disk), disk, "Read-only file system; mount its file system writable")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folders_that_may_not_be_written_are_explained(tmp_path):
    for kind in WRITERS:
        (tmp_path / kind).mkdir(mode=0o500)
    check(attempts(tmp_path), tmp_path, "Permission denied; give the user who runs this access")


def test_a_file_in_place_of_the_folder_is_explained(tmp_path):
    for kind in WRITERS:
        (tmp_path / kind).write_text("a file")
    check(attempts(tmp_path), tmp_path, "File exists; a file stands where its folder should be")


@KINDS
def test_a_folder_in_place_of_the_file_is_explained(tmp_path, kind):
    (tmp_path / "folder" / WRITERS[kind](tmp_path / "written").name).mkdir(parents=True)
    with pytest.raises((FileError, ArtifactError), match=r"folder.*: .*folder"):
        WRITERS[kind](tmp_path / "folder")


def entries(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@KINDS
def test_no_link_is_followed_where_something_is_written(tmp_path, kind):
    """As in a folder from a stranger: each name, and that of the lock, is a link to a file of ours."""
    WRITERS[kind](tmp_path / "written")
    victim, links = tmp_path / "victim", tmp_path / "links"
    victim.write_text("mine")
    links.mkdir()
    for name in {*entries(tmp_path / "written"), ".writer.lock"}:
        (links / name).symlink_to(victim)
    try:
        WRITERS[kind](links)
    except (FileError, ArtifactError, RowError) as error:
        assert str(error).startswith(str(links))  # noqa: PT017
    assert victim.read_text() == "mine"


@KINDS
def test_no_dangling_link_is_followed_where_something_is_written(tmp_path, kind):
    WRITERS[kind](tmp_path / "written")
    links = tmp_path / "links"
    links.mkdir()
    for name in {*entries(tmp_path / "written"), ".writer.lock"}:
        (links / name).symlink_to(tmp_path / "absent")
    try:
        WRITERS[kind](links)
    except (FileError, ArtifactError) as error:
        assert str(error).startswith(str(links))  # noqa: PT017
    assert not (tmp_path / "absent").exists()


def test_the_name_of_a_temporary_cannot_be_foreseen(tmp_path):
    names = set()
    for _ in range(9):
        with atomic_path(tmp_path / "file") as temporary:
            names.add(temporary.name)
            temporary.write_text("whole")
    assert len(names) == 9


def test_errors_about_other_files_and_of_other_kinds_pass(tmp_path):
    for raised in (FileNotFoundError(2, "No such file or directory", "/elsewhere/file"), ZeroDivisionError()):

        def fail(raised=raised):
            with atomic_path(tmp_path / "file"):
                raise raised

        with pytest.raises(type(raised)) as caught:
            fail()
        assert caught.value is raised
    assert not list(tmp_path.iterdir())
