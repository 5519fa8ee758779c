"""Sets on moto's S3 server, which others wrote."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.stores.objects import ObjectStore
from structkd.artifacts.stores.places import Url
from structkd.artifacts.verification import verify
from tests.artifacts.examples import write_set
from tests.artifacts.programs import moto, needs_moto
from tests.artifacts.test_stores import copied

pytest.importorskip("obstore")
pytestmark = needs_moto


@pytest.fixture(scope="module", autouse=True)
def server():
    with moto():
        yield


def test_a_set_is_copied_read_and_verified(tmp_path):
    original = write_set(tmp_path / "set")
    copied(original.folder, Url("s3://bucket", "x/set"))
    found = ArtifactSet.open("s3://bucket/x/set")
    assert found.table().equals(original.table())
    assert [check.error for check in verify(found.folder)] == [None] * 3


def test_of_sixteen_that_create_an_object_one_succeeds():
    for race in range(20):
        store = ObjectStore(Url("s3://bucket", f"race{race}"))
        with ThreadPoolExecutor(16) as pool:
            created = list(pool.map(lambda number, store=store: store.create("a", b"%d" % number), range(16)))
        assert sum(created) == 1
        assert store.read("a") == b"%d" % created.index(True)


def test_of_sixteen_that_copy_one_set_all_succeed(tmp_path):
    original, place = write_set(tmp_path / "set"), Url("s3://bucket", "raced")
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(copied, [original.folder] * 16, [place] * 16))
    assert ArtifactSet.open(place).table().equals(original.table())
