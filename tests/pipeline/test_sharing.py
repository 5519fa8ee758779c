"""Finished pieces and features in a store: they come back as they were, and what is damaged is an error."""

import io
import tarfile
from types import SimpleNamespace

import pytest

from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.stores.places import Url
from structkd.pipeline.execution import sharing_features
from structkd.pipeline.execution.sharing import fetch, share
from structkd.pipeline.execution.sharing_features import fetch_features, share_features
from structkd.pipeline.plan import stored
from structkd.pipeline.plan.features import Cost, FeaturePlan
from structkd.tagger.config import TransformerConfig
from tests.artifacts.s3 import s3_environment

pytest.importorskip("obstore")
KEY = "runs/teachers/en.tar"


@pytest.fixture
def bucket(monkeypatch):
    with s3_environment(monkeypatch) as found:
        stored._exists.cache_clear()  # of another test's server
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


RECORD = "runs/features/en-train.json"
COST = Cost(bytes=10, seconds=2.5, precision="float32")


@pytest.fixture
def machine(bucket, tmp_path, monkeypatch):
    """Makes the plan of a file of features on a machine; with content, the file is there."""
    monkeypatch.setattr(sharing_features, "PART", 4)

    def make(name, content=None):
        path = tmp_path / name / "en-train.safetensors"
        plan = FeaturePlan("en", "train", TransformerConfig(model="m"), "digest", path, Url("s3://b", RECORD))
        if content is not None:
            path.parent.mkdir()
            path.write_bytes(content)
            COST.write(path)
        return plan

    return make


@pytest.mark.parametrize("content", [b"", b"1234", b"0123456789"])
def test_features_come_back_from_parts(bucket, machine, content):
    one, other = machine("one", content), machine("other")
    assert (one.local, one.done, other.local) == (True, False, False)
    share_features(one)
    assert one.done
    fetch_features(other)
    assert other.path.read_bytes() == content
    assert Cost.read(other.path) == COST
    assert other.done
    assert len(bucket.objects) == 1 + -(-len(content) // 4)


def test_the_first_record_counts(bucket, machine):
    one, slower, other = machine("one", b"first one"), machine("slower", b"another processor's"), machine("other")
    share_features(one)
    before = dict(bucket.objects)
    share_features(slower)
    assert bucket.objects == before
    fetch_features(other)
    assert other.path.read_bytes() == b"first one"


def test_what_a_killed_writer_left_is_not_read(bucket, machine):
    share_features(machine("killed", b"left behind"))
    del bucket.objects[RECORD]
    fetch_features(other := machine("other"))
    assert not other.path.exists()


def test_a_damaged_part_is_an_error_and_nothing_is_kept(bucket, machine):
    share_features(machine("one", b"0123456789"))
    part = next(key for key in bucket.objects if key != RECORD)
    bucket.objects[part] = b"xxxx"
    other = machine("other")
    with pytest.raises(ArtifactError, match=f"s3://b/{RECORD}: its parts are damaged; delete it"):
        fetch_features(other)
    assert not other.path.parent.exists() or not any(other.path.parent.iterdir())


def test_a_damaged_record_is_an_error(bucket, machine):
    share_features(machine("one", b"0123456789"))
    bucket.objects[RECORD] = bucket.objects[RECORD].replace(b'"parts": 3', b'"parts": 2')
    with pytest.raises(ArtifactError, match=f"s3://b/{RECORD}: damaged"):
        fetch_features(machine("other"))
