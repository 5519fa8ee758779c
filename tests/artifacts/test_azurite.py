"""Sets on Azurite, the emulator of Azure's stores, which others wrote.

Name its program in STRUCTKD_AZURITE: `node_modules/.bin/azurite-blob` after `npm install azurite`.
"""

import base64
import hashlib
import hmac
import os
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

import pytest

from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.store_parts import StoreParts
from structkd.artifacts.stores.objects import ObjectStore
from structkd.artifacts.stores.opening import open_store
from structkd.artifacts.stores.places import Url
from structkd.artifacts.verification import verify
from tests.artifacts.examples import write_set
from tests.artifacts.programs import free_port, serving
from tests.artifacts.test_store_parts import LAYOUT, SHARDS, header, local, write  # noqa: F401
from tests.artifacts.test_stores import copied

pytest.importorskip("obstore")
PROGRAM = os.environ.get("STRUCTKD_AZURITE")
pytestmark = pytest.mark.skipif(not PROGRAM, reason="STRUCTKD_AZURITE names no azurite-blob")
ACCOUNT = "account"
KEY = base64.b64encode(b"a key of thirty-two bytes or so!").decode()


def make_container(address, name):
    """Signed as Azure wants it."""
    date = formatdate(usegmt=True)
    canonical = f"/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
    text = "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:2021-08-06\n{canonical}"
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)).decode()
    headers = {
        "Authorization": f"SharedKey {ACCOUNT}:{signature}",
        "x-ms-date": date,
        "x-ms-version": "2021-08-06",
        "Content-Length": "0",
    }
    wanted = urllib.request.Request(f"{address}/{name}?restype=container", method="PUT", headers=headers)
    urllib.request.urlopen(wanted).close()


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory):
    port = free_port()
    address = f"http://127.0.0.1:{port}/{ACCOUNT}"
    command = [PROGRAM, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence", "--silent"]
    settings = {"STORAGE_ENDPOINT": address, "ALLOW_HTTP": "true"}
    settings |= {"STORAGE_ACCOUNT_NAME": ACCOUNT, "STORAGE_ACCOUNT_KEY": KEY}
    with serving(
        [*command, "--skipApiVersionCheck"],
        lambda: make_container(address, "box"),
        {f"AZURE_{name}": value for name, value in settings.items()},
        cwd=tmp_path_factory.mktemp("azurite"),
        env=os.environ | {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"},
    ):
        yield


def test_a_set_is_copied_read_and_verified(tmp_path):
    original = write_set(tmp_path / "set")
    copied(original.folder, Url("az://box", "x/set"))
    found = ArtifactSet.open("az://box/x/set")
    assert found.table().equals(original.table())
    assert found.table(["gold"]).equals(original.table(["gold"]))
    assert [check.error for check in verify(found.folder)] == [None] * 3


def test_a_set_is_written_by_eight_at_the_same_time(local):  # noqa: F811
    place = Url("az://box", "parts")

    def attempt(_):
        parts = StoreParts(place, header(), LAYOUT)
        write(parts)
        parts.commit(SHARDS)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(attempt, range(8)))
    found = open_store(place)
    assert {name: found.read(name) for name in local} == local


def test_of_sixteen_that_create_an_object_one_succeeds():
    for race in range(20):
        store = ObjectStore(Url("az://box", f"race{race}"))
        with ThreadPoolExecutor(16) as pool:
            created = list(pool.map(lambda number, store=store: store.create("a", b"%d" % number), range(16)))
        assert sum(created) == 1
        assert store.read("a") == b"%d" % created.index(True)


def test_what_is_missing_is_said_without_the_key():
    for address in ("az://box/none", "az://other/none"):
        with pytest.raises(ArtifactError, match=f"^{address}") as caught:
            ArtifactSet.open(address)
        assert KEY not in str(caught.value)
