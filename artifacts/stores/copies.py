"""Copies of finished files in a store.

A file goes there in parts, because it can be large and a request has 30 seconds. Parts have a name of their writer's,
and the record that names them is created last, if there is none. So the parts of a record are whole. Those of a writer
that was killed or slower are never read.
"""

import errno
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.stores.opening import open_store, read_file
from structkd.artifacts.stores.places import Url
from structkd.ground.faults import FileError
from structkd.ground.files import atomic_path
from structkd.ground.sealed import SealError, parse_object, sealed_bytes, unsealed

PART = 2**26
_REMEDY = "delete it: the next run makes it again"


class _Stored(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class _File(_Stored):
    """A file: its name, which leads to no other folder, its number of parts and the digest of all."""

    name: str = Field(pattern=r"^[^./\\][^/\\]*$")
    parts: NonNegativeInt
    sha256: str


class _Record(_Stored):
    writer: str
    files: list[_File]


def put(record: Url, files: Sequence[Path]) -> bool:
    """Put files into a store, then the record that names them. Returns False if there is another record."""
    writer, store = uuid4().hex, open_store(record.parent)
    found = []
    for path in files:
        digest, parts = sha256(), 0
        with path.open("rb") as file:
            while content := file.read(PART):
                digest.update(content)
                store.create(_part(record, writer, path.name, parts).name, content)
                parts += 1
        found.append(_File(name=path.name, parts=parts, sha256=digest.hexdigest()))
    return store.create(record.name, sealed_bytes(_Record(writer=writer, files=found).model_dump(mode="json")))


def take(record: Url, folder: Path) -> bool:
    """Take files from a store, in the order in which they were put. Returns False if there is no record.

    Raises:
        ArtifactError: a damaged record or file; the file is not written.
    """
    found = _read(record)
    if found is None:
        return False
    for stored in found.files:
        with atomic_path(folder / stored.name) as temporary, temporary.open("wb") as file:
            file.writelines(_content(record, found.writer, stored))
    return True


def content_of(record: Url, name: str) -> bytes | None:
    """Return the content of one file; None if it is not in the store. Raises as `take`."""
    if found := _read(record):
        for stored in found.files:
            if stored.name == name:
                return b"".join(_content(record, found.writer, stored))
    return None


def _read(record: Url) -> _Record | None:
    try:
        content = read_file(record)
    except FileError as error:
        if error.errno == errno.ENOENT:
            return None
        raise
    try:
        return _Record.model_validate(unsealed(str(record), parse_object(str(record), content)))
    except (SealError, ValidationError) as error:
        cause = error if isinstance(error, SealError) else error.errors(include_url=False)[0]["msg"]
        raise ArtifactError(f"{record}: damaged ({cause}); {_REMEDY}") from error


def _content(record: Url, writer: str, file: _File) -> Iterator[bytes]:
    digest = sha256()
    for number in range(file.parts):
        content = read_file(_part(record, writer, file.name, number))
        digest.update(content)
        yield content
    if digest.hexdigest() != file.sha256:
        raise ArtifactError(f"{record}: its {file.name} is damaged; {_REMEDY}")


def _part(record: Url, writer: str, name: str, number: int) -> Url:
    return record.parent / f"{Path(record.name).stem}.{writer}.{name}.{number:05}"
