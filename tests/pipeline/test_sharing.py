"""Finished pieces and features in a store: they come back as they were, and what is damaged is an error."""

from types import SimpleNamespace

import pytest

from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.stores import copies
from structkd.artifacts.stores.places import Url
from structkd.ground.sealed import sealed_bytes
from structkd.pipeline.execution.sharing import fetch, share
from structkd.pipeline.plan import stored
from structkd.pipeline.plan.features import Cost, FeaturePlan
from structkd.pipeline.plan.stored import is_stored
from structkd.tagger.config import TransformerConfig
from tests.artifacts.s3 import once, s3_environment

pytest.importorskip("obstore")
RECORD = "runs/teachers/en.json"


@pytest.fixture
def bucket(monkeypatch):
    monkeypatch.setattr(copies, "PART", 4)
    stored.forget()  # another test's server
    with s3_environment(monkeypatch) as found:
        yield found


@pytest.fixture
def machine(bucket, tmp_path):
    """Makes the plan of a piece on a machine; with files, they are there."""

    def make(name, **files):
        folder = tmp_path / name
        folder.mkdir()
        for file, content in files.items():
            (folder / file.replace("_", ".")).write_bytes(content)
        return SimpleNamespace(folder=folder, stored=Url("s3://b", RECORD), local=bool(files))

    return make


def there(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_piece_comes_back_without_its_journal(bucket, machine):
    one, other = (
        machine("one", model_pt=b"0123456789", empty_txt=b"", result_json=b"{}", log_jsonl=b"x"),
        machine("two"),
    )
    assert not fetch(other)
    share(one)
    assert fetch(other)
    assert there(other.folder) == {"model.pt": b"0123456789", "empty.txt": b"", "result.json": b"{}"}
    assert len(bucket.objects) == 1 + 3 + 1  # the record, and parts of at most four bytes
    assert not fetch(one)


def test_the_first_copy_counts_and_whoever_is_slower_takes_it(bucket, machine):
    one, slower = machine("one", result_json=b"first one"), machine("slower", result_json=b"another processor's")
    share(one)
    before = dict(bucket.objects)
    share(slower)
    assert bucket.objects == before
    assert there(slower.folder) == {"result.json": b"first one"}


def test_the_slower_of_two_at_the_same_time_takes_it_too(bucket, machine):
    share(machine("one", result_json=b"first one"))
    slower = machine("slower", result_json=b"another processor's")
    bucket.fault = once("NoSuchKey", "GET", RECORD)  # it is not there yet when the slower one asks
    share(slower)
    assert there(slower.folder) == {"result.json": b"first one"}


def test_what_a_killed_writer_left_is_not_read(bucket, machine):
    share(machine("killed", result_json=b"left behind"))
    del bucket.objects[RECORD]
    assert not fetch(machine("other"))


def test_a_damaged_part_is_an_error_and_the_file_is_not_written(bucket, machine):
    share(machine("one", model_pt=b"0123456789", result_json=b"{}"))
    part = next(key for key in bucket.objects if key.endswith("model.pt.00001"))
    bucket.objects[part] = b"xxxx"
    other = machine("other")
    with pytest.raises(ArtifactError, match=f"s3://b/{RECORD}: its model.pt is damaged; delete it"):
        fetch(other)
    assert there(other.folder) == {}


def record(name):
    return sealed_bytes({"writer": "w", "files": [{"name": name, "parts": 0, "sha256": ""}]})


@pytest.mark.parametrize(
    "content", [b"", b"{}", record("result.json")[:-9], *map(record, ["../outside", "/tmp/outside", "..", "a\\b"])]
)
def test_a_damaged_record_is_an_error_and_nothing_is_written(bucket, machine, tmp_path, content):
    bucket.objects[RECORD] = content
    with pytest.raises(ArtifactError, match=f"s3://b/{RECORD}: damaged .*; delete it: the next run makes it again"):
        fetch(machine("one"))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_object_that_was_deleted_is_asked_for_again(bucket, machine):
    one = machine("one", result_json=b"{}")
    assert not is_stored(one.stored)
    share(one)
    assert is_stored(one.stored)
    del bucket.objects[RECORD]
    assert is_stored(one.stored)  # which is remembered
    stored.forget()
    assert not is_stored(one.stored)


COST = Cost(bytes=10, seconds=2.5, precision="float32")


def features(folder, content=None):
    path = folder / "en-train.safetensors"
    if content is not None:
        folder.mkdir()
        path.write_bytes(content)
        COST.write(path)
    record = Url("s3://b", "runs/features/en-train.json")
    return FeaturePlan("en", "train", TransformerConfig(model="m"), "digest", path, record)


def test_features_come_back_with_their_costs(bucket, tmp_path):
    one, other = features(tmp_path / "one", b"0123456789"), features(tmp_path / "other")
    assert (one.local, one.done, other.local, other.seconds) == (True, False, False, None)
    share(one)
    assert one.done
    assert other.seconds == 2.5  # nothing was taken
    assert not other.folder.exists()
    fetch(other)
    assert other.path.read_bytes() == b"0123456789"
    assert Cost.read(other.path) == COST
    assert other.done
