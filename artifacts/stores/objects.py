"""A prefix of an object store: S3, Google Cloud Storage, Azure, and servers that speak their protocols.

Credentials, region and endpoint come from the environment, by the names that each cloud's own tools use.
"""

import errno
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING

from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.stores.base import Range
from structkd.artifacts.stores.places import Url
from structkd.ground.extras import needs
from structkd.ground.faults import Done, FileError

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Client

_ANSWER = re.compile(r"status code: ([0-9]{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_METADATA = "169.254.169.254"  # whom a client without credentials asks: the machine's cloud
_PATIENCE = timedelta(seconds=60)  # until a failed request is given up


class ObjectStore:
    """A prefix of a bucket. Each request is made again for a while if the server does not answer or has an error."""

    near = False

    def __init__(self, folder: Url) -> None:
        self.folder = folder

    def sizes(self) -> dict[str, int]:
        """Return the sizes of the objects directly under the prefix."""
        with self._explained("", "read") as obstore:
            found = obstore.list_with_delimiter(_client(self.folder.bucket), self.folder.key)["objects"]
        return {one["path"].rpartition("/")[2]: one["size"] for one in found}

    def read(self, name: str) -> bytes:
        """Return the content of an object."""
        with self._explained(name, "read") as obstore:
            return bytes(obstore.get(_client(self.folder.bucket), (self.folder / name).key).bytes())

    def ranges(self, name: str, wanted: Sequence[Range]) -> list[bytes]:
        """Return parts of an object. Near ones come in one request, with what lies between; others at the same time."""
        if not wanted:
            return []
        starts, lengths = zip(*wanted, strict=True)
        with self._explained(name, "read") as obstore:
            client, key = _client(self.folder.bucket), (self.folder / name).key
            return [bytes(one) for one in obstore.get_ranges(client, key, starts=starts, lengths=lengths)]

    def create(self, name: str, content: bytes) -> bool:
        """Write an object if there is none of that name: the server decides, so of several writers one succeeds."""
        with self._explained(name, "written") as obstore:
            try:
                obstore.put(_client(self.folder.bucket), (self.folder / name).key, content, mode="create")
            except obstore.exceptions.AlreadyExistsError:
                return False
        return True

    @contextmanager
    def _explained(self, name: str, done: Done) -> Iterator[ModuleType]:
        """Turn what a server refuses into a FileError that names the address, and nothing of the request."""
        obstore, place = _obstore(self.folder), self.folder / name if name else self.folder
        try:
            yield obstore
        except FileNotFoundError as error:
            raise FileError(errno.ENOENT, f"{place}: {_missing(str(error))}") from None
        except (obstore.exceptions.BaseError, ValueError) as error:
            raise FileError(None, f"{place}: cannot be {done}: {_refusal(str(error))}, then run this again") from None


def _obstore(place: Url) -> ModuleType:
    try:
        import obstore
        import obstore.exceptions
    except ImportError:
        raise ArtifactError(f"{place}: {needs('obstore', 'stores')}") from None
    return obstore


@lru_cache(maxsize=16)
def _client(bucket: str) -> "Client":
    from obstore.store import from_url

    # Not `client_options`, which would take the place of all those in the environment.
    return from_url(bucket, retry_config={"max_retries": 6, "retry_timeout": _PATIENCE})


def _missing(said: str) -> str:
    code = _CODE.search(said)
    if code and code[1] == "NoSuchBucket":
        return "found no such bucket; check its name, the endpoint and the region"
    return "not found"


def _refusal(said: str) -> str:
    """Return cause and remedy of a client's error. Its own text can contain signatures and keys, so none of it."""
    status, code = _ANSWER.search(said), _CODE.search(said)
    if _METADATA in said:
        return "found no credentials; set those of the store in the environment (docs/stores.md)"
    if not status:
        if "HTTP error" in said:
            return "the server did not answer, or not to the end; check the network and the endpoint"
        return "found settings that are not enough; see to those in the environment (docs/stores.md)"
    answer = f"the server answered {status[1]}{f' ({code[1]})' if code else ''}"
    if status[1] in ("401", "403"):
        return f"{answer}; give the credentials in the environment access to it"
    if status[1] == "404":
        return f"{answer}; check the bucket's name, the endpoint and the region"
    return f"{answer}; see to the cause"
