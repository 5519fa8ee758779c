"""Sets that are written to a store shard by shard, by any number of writers: bytes, races, lost answers, refusals."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest

from structkd.artifacts.manifest import Layout
from structkd.artifacts.parts import SetParts
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.store_parts import StoreParts, seconds_of
from structkd.artifacts.stores.places import Url
from tests.artifacts.examples import batch, header
from tests.artifacts.s3 import KEY, SECRET, always, once, s3_environment

pytest.importorskip("obstore")
SET, LAYOUT, SHARDS = Url("s3://b", "runs/set"), Layout(shard_rows=8, row_group_rows=3), 3
MANIFEST = "runs/set/manifest.json"


@pytest.fixture
def bucket(monkeypatch):
    with s3_environment(monkeypatch) as found:
        yield found


def rows(number):
    rng = np.random.default_rng(number)
    made = batch(rng, rng.integers(1, 10, LAYOUT.shard_rows), first_id=number * LAYOUT.shard_rows)
    return pa.Table.from_batches([made], header().schema)


def write(parts, numbers=range(SHARDS)):
    """Write the shards that are not there yet; return their numbers."""
    missing = [number for number in numbers if not parts.find(number)]
    for number in missing:
        parts.write(number, rows(number), 0.5)
    return missing


def stored(teacher="t"):
    return StoreParts(SET, header(teacher), LAYOUT)


def attempt(teacher="t"):
    """Write a set; return the message of an error, without secrets."""
    try:
        write(stored(teacher))
        stored(teacher).commit(SHARDS)
    except ArtifactError as error:
        said, cause = str(error), error
        while cause:
            assert not any(secret in str(cause) for secret in (SECRET, KEY, "Signature", "AWS4"))
            cause = cause.__cause__
        return said
    return None


@pytest.fixture
def local(tmp_path):
    parts = SetParts(tmp_path / "set", header(), LAYOUT)
    write(parts)
    parts.commit(SHARDS)
    return {path.name: path.read_bytes() for path in (tmp_path / "set").iterdir()}


def content(bucket, *, records=False):
    found = {key.removeprefix("runs/set/"): one for key, one in bucket.objects.items()}
    return {name: one for name, one in found.items() if records or not name.startswith("part-") or ".json" not in name}


def test_seconds_without_a_record_are_not_known(bucket):
    write(stored(), [0, 2])
    assert seconds_of(SET, SHARDS) is None


def test_the_bytes_are_those_of_a_folder_and_the_manifest_comes_last(bucket, local):
    assert write(stored()) == [0, 1, 2]
    assert stored().commit(SHARDS) == 1.5
    assert seconds_of(SET, SHARDS) == 1.5
    assert content(bucket) == local
    puts = [key.rpartition("/")[2] for method, key in bucket.requests if method == "PUT"]
    pairs = [f"part-0000{number}.{kind}" for number in range(SHARDS) for kind in ("parquet", "json")]
    assert puts == [*pairs, "manifest.json"]
    assert ArtifactSet.open(SET).rows == SHARDS * LAYOUT.shard_rows


def test_a_recorded_shard_is_kept_and_one_without_record_is_made_again(bucket, local):
    write(stored(), [1, 2])
    del bucket.objects["runs/set/part-00002.json"]
    before = dict(bucket.objects)
    assert write(stored()) == [0, 2]
    assert before.items() <= bucket.objects.items()
    stored().commit(SHARDS)
    assert content(bucket) == local


def test_eight_writers_of_one_set_all_succeed(bucket, local):
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: attempt(), range(8))) == [None] * 8
    assert content(bucket) == local


def test_a_finished_set_is_committed_again_without_a_change(bucket):
    attempt()
    before = dict(bucket.objects)
    assert write(stored()) == []
    stored().commit(SHARDS)
    assert bucket.objects == before


@pytest.mark.parametrize("fault", ["drop", "InternalError"])
@pytest.mark.parametrize("part", ["part-00001.parquet", "part-00001.json", "manifest"])
def test_a_lost_answer_is_no_fault(bucket, local, fault, part):
    bucket.fault = once(fault, "PUT", part)
    assert attempt() is None
    assert content(bucket) == local


def test_of_two_sets_for_one_place_at_most_one_is_finished(bucket):
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(attempt, ["t", "other"] * 4))
    assert sum(one is not None for one in said) >= 4
    assert all(one.startswith("s3://b/runs/set") for one in said if one)
    if MANIFEST in bucket.objects:
        assert len({one is None for one in said[::2]}) == len({one is None for one in said[1::2]}) == 1


@pytest.mark.parametrize("kept", ["part-00000.json", "part-00000.parquet", "manifest.json"])
def test_what_another_set_has_put_there_stays_and_is_an_error(bucket, kept):
    attempt("other")
    bucket.objects = {key: one for key, one in bucket.objects.items() if key.endswith(kept)}
    before = dict(bucket.objects)
    said = attempt()
    assert "found the artifact set" in said or "found a file of another set" in said
    assert before.items() <= bucket.objects.items()


def test_a_stray_shard_a_damaged_record_and_a_lost_shard_are_errors(bucket):
    write(stored(), range(SHARDS + 1))
    with pytest.raises(ArtifactError, match=r"part-00003.parquet: found a shard that the manifest does not name"):
        stored().commit(SHARDS)
    record = "runs/set/part-00001.json"
    bucket.objects[record] = json.dumps(json.loads(bucket.objects[record]) | {"seconds": 9.0}).encode()
    with pytest.raises(ArtifactError, match=r"part-00001.json: not the record of a shard"):
        stored().find(1)
    del bucket.objects["runs/set/part-00002.parquet"], bucket.objects["runs/set/part-00000.json"]
    with pytest.raises(ArtifactError, match=r"part-00002.parquet: not found"):
        stored().find(2)
    with pytest.raises(ArtifactError, match=r"part-00000.parquet: is not recorded as written"):
        stored().commit(SHARDS)
    assert MANIFEST not in bucket.objects


@pytest.mark.parametrize("fault", ["AccessDenied", "NoSuchBucket"])
@pytest.mark.parametrize("part", ["part-00001.parquet", "part-00001.json", "manifest"])
def test_what_a_store_refuses_is_said_and_gone_on_with(bucket, local, fault, part):
    bucket.fault = always(fault, "PUT", part)
    said = attempt()
    assert part in said
    assert "403 (AccessDenied)" in said or "found no such bucket" in said
    assert MANIFEST not in bucket.objects
    bucket.fault = always(None)
    assert attempt() is None
    assert content(bucket) == local
