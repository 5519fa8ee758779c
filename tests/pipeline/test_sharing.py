"""Finished pieces in a store: they come back as they were, and what is damaged is an error."""

import io
import tarfile
from types import SimpleNamespace

import pytest

from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.stores.places import Url
from structkd.pipeline.execution.sharing import fetch, share
from tests.artifacts.s3 import s3_environment

pytest.importorskip("obstore")
KEY = "runs/teachers/en.tar"


@pytest.fixture
def bucket(monkeypatch):
    with s3_environment(monkeypatch) as found:
        yield found


def piece(folder):
    folder.mkdir(exist_ok=True)
    return SimpleNamespace(folder=folder, stored=Url("s3://b", KEY))


def test_a_piece_comes_back_without_its_journal(bucket, tmp_path):
    one, other = piece(tmp_path / "one"), piece(tmp_path / "other")
    files = {"tagger.pt": b"weights", "result.json": b"{}", "log.jsonl": b"here"}
    for name, content in files.items():
        (one.folder / name).write_bytes(content)
    share(one)
    fetch(other)
    del files["log.jsonl"]
    assert {path.name: path.read_bytes() for path in other.folder.iterdir()} == files


def tar_of(*names):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name))
    return content.getvalue()


@pytest.mark.parametrize("content", [b"", b"no tar" * 200, tar_of("tagger.pt")], ids=["empty", "no tar", "no result"])
def test_a_damaged_piece_is_named_and_nothing_is_written(bucket, tmp_path, content):
    bucket.objects[KEY] = content
    wanted = piece(tmp_path / "one")
    with pytest.raises(ArtifactError, match=rf"s3://b/{KEY}: damaged .*; delete it: the next run makes it again"):
        fetch(wanted)
    assert not any(wanted.folder.iterdir())


def test_a_member_outside_the_folder_is_not_written(bucket, tmp_path):
    bucket.objects[KEY] = tar_of("../outside", "/tmp/outside", "result.json")
    wanted = piece(tmp_path / "one")
    fetch(wanted)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["result.json"]
