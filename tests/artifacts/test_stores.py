"""Sets in object stores, on a server of ours, which fails on purpose. test_moto.py uses another server."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from structkd.artifacts.copying import copy_set
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.stores.local import LocalStore
from structkd.artifacts.stores.objects import ObjectStore, _client
from structkd.artifacts.stores.places import Url, parse_place
from structkd.artifacts.stream import StreamConfig, stream_epoch
from structkd.artifacts.verification import verify
from structkd.ground.faults import FileError
from tests.artifacts.examples import write_set
from tests.artifacts.s3 import KEY, SECRET, always, once, s3_environment

pytest.importorskip("obstore")
SET = Url("s3://b", "runs/set")
SHARD = "runs/set/part-00001.parquet"
MANIFEST = "runs/set/manifest.json"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("original") / "set", sentences={"en": 30, "de": 20})


@pytest.fixture
def bucket(monkeypatch):
    with s3_environment(monkeypatch) as found:
        yield found


@pytest.fixture
def published(bucket, original):
    bucket.objects |= {f"runs/set/{path.name}": path.read_bytes() for path in original.folder.iterdir()}
    return bucket


def refusal(act):
    """The message of an error, which names the place, and nothing that is secret."""
    with pytest.raises(ArtifactError) as caught:
        act()
    said, error = str(caught.value), caught.value
    while error:
        assert not any(secret in str(error) for secret in (SECRET, KEY, "Signature", "AWS4"))
        error = error.__cause__
    assert said.startswith("s3://b/runs/set")
    return said


def test_a_path_and_an_address_are_places(tmp_path):
    assert parse_place("runs/x") == Path("runs/x")
    assert parse_place(f"file://{tmp_path}/a%20b") == tmp_path / "a b"
    found = parse_place("s3://bucket//runs/set/")
    assert str(found) == "s3://bucket/runs/set"
    assert (found.name, str(found.parent), str(found / "x")) == ("set", "s3://bucket/runs", "s3://bucket/runs/set/x")


@pytest.mark.parametrize("address", ["ftp://b/x", "s3:///x", "s3://key:word@b/x", "az://b/x?sig=word", "gs://b/x#word"])
def test_an_address_that_is_none_or_has_credentials_is_refused_and_not_repeated(address):
    with pytest.raises(ArtifactError) as caught:
        ArtifactSet.open(address)
    assert "word" not in str(caught.value)
    assert "expected a folder, s3://" in str(caught.value) or "into the environment alone" in str(caught.value)


@pytest.fixture(params=["folder", "s3", "gs"])
def store(request, tmp_path, monkeypatch):
    if request.param == "folder":
        return LocalStore(tmp_path / "set")
    found = request.getfixturevalue("bucket")
    found.write_account(tmp_path / "account.json")
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(tmp_path / "account.json"))
    monkeypatch.setenv("GOOGLE_ALLOW_HTTP", "true")
    return ObjectStore(Url(f"{request.param}://b", "runs/set"))


def test_all_stores_do_the_same(store):
    assert store.sizes() == {}
    with pytest.raises(FileError, match="set/a: "):
        store.read("a")
    assert store.create("a", b"0123456789")
    assert not store.create("a", b"other")
    assert (store.read("a"), store.sizes()) == (b"0123456789", {"a": 10})
    assert store.ranges("a", [(2, 3), (8, 5), (0, 1)]) == [b"234", b"89", b"0"]
    assert store.ranges("a", []) == []


def test_of_sixteen_that_create_a_file_one_succeeds(store):
    with ThreadPoolExecutor(16) as pool:
        created = list(pool.map(lambda number: store.create("a", b"%d" % number), range(16)))
    assert sum(created) == 1
    assert store.read("a") == b"%d" % created.index(True)


def test_a_set_in_a_bucket_is_read_as_from_a_folder(published, original):
    found = ArtifactSet.open("s3://b/runs/set")
    assert (found.identity, str(found.folder)) == (original.identity, "s3://b/runs/set")
    assert found.table().equals(original.table())
    assert found.table(["gold", "log_partition"]).equals(original.table(["gold", "log_partition"]))
    assert found.sentence(33).equals(original.sentence(33))
    assert [check.error for check in verify(SET)] == [None] * 4


@pytest.mark.parametrize("start", [0, 1, 9, 1000])
def test_batches_are_the_same_from_a_bucket(published, original, start):
    config = StreamConfig(30, 3, pool_rows=16, sampling_exponent=0.5)
    batches = [list(stream_epoch([one], ["gold"], config, 0, start=start)) for one in (original, ArtifactSet.open(SET))]
    assert len(batches[0]) == len(batches[1])
    assert all(one.equals(other) for one, other in zip(*batches, strict=True))


def test_opening_reads_no_shard_and_streaming_a_column_no_more_than_it_needs(published):
    found = ArtifactSet.open(SET)
    assert set(published.requests) == {("GET", ""), ("GET", MANIFEST)}
    published.requests.clear()
    found.read_row_group(1, 0, ["gold"])
    assert published.requests == [("GET", SHARD)] * 2  # the footer, and the column


DAMAGES = {
    "truncated": (lambda one: one[:-1], r"found bytes \d+, expected \d+"),
    "replaced": (lambda one: bytes(len(one)), "found (footer with )?SHA-256"),
    "flipped": (lambda one: one[:900] + bytes([one[900] ^ 1]) + one[901:], "found (column|SHA-256)"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_object_is_found_when_it_is_read_and_by_verify(published, name):
    damage, message = DAMAGES[name]
    published.objects[SHARD] = damage(published.objects[SHARD])
    with pytest.raises(ArtifactError, match=f"^s3://b/{SHARD}: {message}"):
        ArtifactSet.open(SET).table()
    with pytest.raises(ArtifactError, match=f"^s3://b/{SHARD}: {message}"):
        raise next(check.error for check in verify(SET) if check.error)


def test_a_missing_and_a_foreign_shard_are_found_at_once(published):
    published.objects["runs/set/part-00009.parquet"] = b""
    assert "part-00009.parquet: found a shard that the manifest does not name" in refusal(lambda: ArtifactSet.open(SET))
    del published.objects["runs/set/part-00009.parquet"], published.objects[SHARD]
    assert f"{SHARD}: not found; restore it" in refusal(lambda: ArtifactSet.open(SET))


def test_an_object_that_is_replaced_or_vanishes_during_an_epoch_ends_it(published):
    one = ArtifactSet.open(SET)
    published.objects[SHARD] = published.objects[SHARD][:100]
    assert "found footer" in refusal(one.table) or "cannot be read" in refusal(one.table)
    del published.objects[SHARD]
    assert refusal(one.table) == f"s3://b/{SHARD}: not found"


@pytest.mark.parametrize("fault", ["drop", "cut", "InternalError"])
@pytest.mark.parametrize("part", ["manifest", "part-00001"])
def test_a_lost_or_cut_answer_is_asked_for_again(published, original, fault, part):
    published.fault = once(fault, "GET", part)
    assert ArtifactSet.open(SET).table().equals(original.table())


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("AccessDenied", r"cannot be read: the server answered 403 \(AccessDenied\); give the credentials"),
        ("NoSuchBucket", r"cannot be read: the server answered 404 \(NoSuchBucket\); check the bucket's name"),
    ],
)
def test_what_a_server_refuses_is_said_without_secrets(published, fault, message):
    one = ArtifactSet.open(SET)
    published.fault = always(fault)
    with pytest.raises(ArtifactError, match=message):
        ArtifactSet.open(SET)
    refusal(lambda: ArtifactSet.open(SET))
    said = refusal(one.table)
    assert fault in said or "found no such bucket" in said


def test_a_server_that_is_not_there_is_an_error(published, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    _client.cache_clear()
    assert "the server did not answer, or not to the end; check the network" in refusal(lambda: ArtifactSet.open(SET))


def test_an_empty_prefix_and_an_unfinished_set_are_told_apart(published):
    del published.objects[MANIFEST]
    assert "not found beside 4 whole shards; the set is unfinished" in refusal(lambda: ArtifactSet.open(SET))
    published.objects.clear()
    assert "not found, nor anything beside it; check the name" in refusal(lambda: ArtifactSet.open(SET))


def test_without_obstore_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(ArtifactError, match=r"s3://b/x: needs the package obstore; .*'structkd\[stores\]'"):
        ArtifactSet.open("s3://b/x")


def copied(source, target=SET):
    return [shard.file for shard in copy_set(source, target)]


def attempt(one):
    """Copy a set; return the message of an error."""
    try:
        copied(one.folder)
    except ArtifactError as error:
        return str(error)
    return None


def is_whole(bucket, original):
    return bucket.objects == {f"runs/set/{path.name}": path.read_bytes() for path in original.folder.iterdir()}


def test_a_set_is_copied_there_and_back_shards_first(bucket, original, tmp_path):
    assert len(copied(original.folder)) == 4
    assert is_whole(bucket, original)
    assert [key for method, key in bucket.requests if method == "PUT"][-1] == MANIFEST
    copied(SET, tmp_path / "back")
    assert ArtifactSet.open(tmp_path / "back").table().equals(original.table())
    bucket.requests.clear()
    copied(original.folder)  # again: nothing is sent
    assert [key for method, key in bucket.requests if method == "PUT"] == [MANIFEST]  # which the server refuses


@pytest.mark.parametrize("fault", ["drop", "InternalError"])
@pytest.mark.parametrize("part", ["part-00001", "manifest"])
def test_a_lost_answer_to_a_copy_is_no_fault(bucket, original, fault, part):
    bucket.fault = once(fault, "PUT", part)
    assert attempt(original) is None
    assert is_whole(bucket, original)


def test_of_sixteen_that_copy_one_set_all_succeed(bucket, original):
    with ThreadPoolExecutor(16) as pool:
        assert (
            list(pool.map(copied, [original.folder] * 16)) == [[shard.file for shard in original.manifest.shards]] * 16
        )
    assert is_whole(bucket, original)


def test_of_two_sets_for_one_place_one_is_whole_and_the_others_are_errors(bucket, original, tmp_path):
    other = write_set(tmp_path / "other", teacher="other", sentences={"en": 30, "de": 20})
    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(attempt, [original, other] * 8))
    failed = [one for one in said if one]
    assert all(one.startswith("s3://b/runs/set") for one in failed)
    assert len(failed) >= 8  # all of one set, and of both if each has put a shard first
    if MANIFEST in bucket.objects:
        winner = original if said[0] is None or None in said[::2] else other
        assert is_whole(bucket, winner)


def test_a_finished_set_is_not_replaced(published, original, tmp_path):
    other = write_set(tmp_path / "other", teacher="other")
    before = dict(published.objects)
    refusal(lambda: copied(other.folder))
    assert published.objects == before


def test_no_damaged_shard_is_copied(bucket, original, tmp_path):
    copied(original.folder, tmp_path / "set")
    path = tmp_path / "set" / "part-00001.parquet"
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(ArtifactError, match=r"set/part-00001.parquet: found SHA-256"):
        copied(tmp_path / "set")
    assert MANIFEST not in bucket.objects


@pytest.mark.parametrize("part", ["part-00000", "part-00002", "manifest"])
def test_killed_at_any_request_a_copy_is_gone_on_with(bucket, original, part):
    process = None

    def kill(method, key):
        if method == "PUT" and part in key:
            os.kill(process.pid, signal.SIGKILL)
            return "lose"
        return None

    bucket.fault = kill
    process = subprocess.Popen(
        [sys.executable, "-m", "structkd", "push", original.folder, str(SET)], cwd=Path(__file__).parents[2]
    )
    assert process.wait() == -signal.SIGKILL
    assert MANIFEST not in bucket.objects
    bucket.fault = always(None)
    assert "manifest.json: not found" in refusal(lambda: ArtifactSet.open(SET))
    copied(original.folder)
    assert is_whole(bucket, original)


def command(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "structkd", *map(str, arguments)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert not any(secret in done.stdout + done.stderr for secret in (SECRET, KEY, "Signature"))
    return done


def test_commands_take_addresses(published, original, tmp_path):
    assert "s3://b/runs/set: whole" in command("verify", SET).stdout
    assert "50" in command("inspect", SET).stdout
    assert "posterior" in command("inspect", SET, "--sentence", 7).stdout
    assert str(SET) in command("inspect", "--diff", SET, original.folder).stdout
    assert "read_parquet('s3://b/runs/set/part-*.parquet')" in command("inspect", SET, "--sql").stdout
    assert f"{tmp_path}/back: whole" in command("pull", SET, tmp_path / "back").stdout
    published.objects[SHARD] = b""
    damaged = command("verify", SET, original.folder)
    assert damaged.returncode == 1
    assert f"s3://b/{SHARD}: found bytes 0" in damaged.stdout
    assert f"{original.folder}: whole" in damaged.stdout
    published.fault = always("AccessDenied")
    refused = command("inspect", SET)
    assert refused.returncode == 1
    assert refused.stderr.startswith(
        "structkd: s3://b/runs/set: cannot be read: the server answered 403 (AccessDenied)"
    )
