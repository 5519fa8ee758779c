"""What the machine refuses: another writer's folder, a full disk, a folder that is gone. Real processes and disks."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from structkd.artifacts.header import SetHeader
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.writer import ShardWriter
from tests.artifacts.examples import batch, header
from tests.pipeline.tiny import contents

ROWS = batch(np.random.default_rng(0), [9] * 64)


def write(folder, rows=ROWS, header: SetHeader = header()):  # noqa: B008
    with ShardWriter(folder, header, shard_rows=16, row_group_rows=8) as writer:
        writer.write(rows.slice(writer.rows_kept))
    return ArtifactSet.open(folder)


def python(script, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script), *map(str, arguments)],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": "."},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


WAITING = """
    import sys
    from pathlib import Path
    from structkd.artifacts.writer import ShardWriter
    from tests.artifacts.examples import header
    from tests.artifacts.test_refused import ROWS

    with ShardWriter(Path(sys.argv[1]), header(), shard_rows=16, row_group_rows=8) as writer:
        writer.write(ROWS.slice(0, 40))
        print("writing", flush=True)
        sys.stdin.read()
"""


def test_a_second_writer_is_told_who_writes_and_stops_and_a_killed_one_gives_way(tmp_path):
    folder = tmp_path / "set"
    with python(WAITING, folder, stdin=subprocess.PIPE) as process:
        assert process.stdout.readline() == "writing\n"
        before = contents(folder)
        with pytest.raises(
            ArtifactError,
            match=f"{folder}: process {process.pid} on {os.uname().nodename} is writing this artifact set",
        ):
            write(folder)
        assert contents(folder) == before
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert write(folder).rows == 64
    assert contents(folder) == contents(write(tmp_path / "alone").folder)


def test_a_second_writer_in_the_same_process_is_refused(tmp_path):
    with ShardWriter(tmp_path, header()) as writer:
        writer.write(ROWS)
        with pytest.raises(ArtifactError, match=f"process {os.getpid()} on .* is writing"):
            write(tmp_path)
    assert ArtifactSet.open(tmp_path).rows == 64


LIMITED = """
    import resource, sys
    from pathlib import Path
    from structkd.artifacts.schema import ArtifactError
    from tests.artifacts.test_refused import write

    limit = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        write(Path(sys.argv[1]))
    except ArtifactError as error:
        print(error)
"""


@pytest.mark.parametrize("limit", [0, 200, 2000, 9000])
def test_a_limit_on_file_sizes_is_explained_and_leaves_nothing_half_written(tmp_path, limit):
    expected = contents(write(tmp_path / "expected").folder)
    assert len(expected["part-00000.parquet"]) > 9000
    folder = tmp_path / "set"
    with python(LIMITED, folder, limit) as process:
        said, errors = process.communicate()
    assert process.returncode == 0, errors
    assert not errors
    assert str(folder) in said
    assert "cannot be written: File too large; raise the limit on file sizes" in said
    assert not contents(folder)
    write(folder)
    assert contents(folder) == expected


@pytest.fixture
def disk(tmp_path):
    """A disk of its own, of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a disk takes root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_explained_and_the_set_finished_when_there_is_space(disk, tmp_path):
    expected = contents(write(tmp_path / "expected").folder)
    (disk / "ballast").write_bytes(bytes(24 << 10))
    with pytest.raises(ArtifactError, match=r"disk/set/.*cannot be written: No space left on device; free space on"):
        write(disk / "set")
    left = contents(disk / "set")
    shards = {name: data for name, data in left.items() if name.endswith(".parquet")}
    assert {"part-00000.parquet"} <= set(shards) < set(expected)
    assert all(expected[name] == data for name, data in shards.items())
    assert {"part-00000.json"} <= set(left) - set(shards) <= {f"{Path(name).stem}.json" for name in shards}
    subprocess.run(["mount", "-o", "remount,size=1m", disk], check=True)
    write(disk / "set")
    assert contents(disk / "set") == expected


@pytest.mark.parametrize("space", range(4, 64, 4))
def test_a_disk_that_is_full_at_any_point_leaves_what_can_be_finished(disk, space):
    (disk / "ballast").write_bytes(bytes(space << 10))
    with pytest.raises(ArtifactError, match="No space left on device"):
        write(disk / "set")
    assert not list((disk / "set").glob(".*"))
    with pytest.raises(ArtifactError, match=r"the set is unfinished"):
        ArtifactSet.open(disk / "set")
    (disk / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,size=1m", disk], check=True)
    assert write(disk / "set").rows == 64


def test_a_disk_that_may_not_be_written_is_explained(disk):
    (disk / "set").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with pytest.raises(ArtifactError, match=r"disk/set.*cannot be written: Read-only file system; mount its file"):
        write(disk / "set")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_explained(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ArtifactError, match="cannot be written: Permission denied; give the user"):
        write(tmp_path / "set")
    tmp_path.chmod(0o700)


def test_a_file_where_the_folder_should_be_is_explained(tmp_path):
    (tmp_path / "set").write_text("a file")
    with pytest.raises(ArtifactError, match=r"set: cannot be written: File exists"):
        write(tmp_path / "set")
    with pytest.raises(ArtifactError, match=r"set/deeper: cannot be written: Not a directory; a file stands where"):
        write(tmp_path / "set" / "deeper")


@pytest.mark.parametrize("again", [False, True], ids=["gone", "made anew"])
@pytest.mark.parametrize("rows", [20, 32], ids=["amid a shard", "before the manifest"])
def test_a_folder_that_vanishes_is_explained_and_not_written_further(tmp_path, again, rows):
    folder = tmp_path / "set"

    def vanish():
        shutil.rmtree(folder)
        if again:
            folder.mkdir()

    def interrupted():
        with ShardWriter(folder, header(), shard_rows=16) as writer:
            writer.write(ROWS.slice(0, rows))
            vanish()
            if rows < 32:
                writer.write(ROWS.slice(rows))

    with pytest.raises(ArtifactError, match=f"{folder}: cannot be written: No such file .* somebody removed it"):
        interrupted()
    assert not contents(tmp_path)
    assert write(folder).rows == 64


@pytest.mark.parametrize("change", [Path.unlink, lambda path: os.truncate(path, 100)], ids=["removed", "cut"])
def test_a_shard_that_is_lost_while_the_set_is_written_is_found(tmp_path, change):
    def write_and_lose():
        with ShardWriter(tmp_path, header(), shard_rows=16, row_group_rows=8) as writer:
            writer.write(ROWS)
            change(tmp_path / "part-00001.parquet")

    with pytest.raises(ArtifactError, match=r"part-00001.parquet: was changed while the set was written"):
        write_and_lose()
    assert write(tmp_path).rows == 64
