"""The origin of a fetched file, in a small JSON file beside it."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from structkd.corpora.sentences import CorpusError
from structkd.ground.files import write_json
from structkd.ground.sealed import read_object


@dataclass(frozen=True)
class Origin:
    """The address and digest of a download, and the digest of the file made from it."""

    address: str
    downloaded_sha256: str
    sha256: str
    """Digest of the file beside this record; equal to `downloaded_sha256` unless the file was converted."""
    date: str
    note: str = ""


def origin_path(path: Path) -> Path:
    """Return the path of the record of `path`."""
    return path.with_name(f"{path.name}.origin.json")


def read_origin(path: Path) -> Origin | None:
    """Read the origin of `path`, None if none is recorded. Raises CorpusError if the record cannot be read."""
    record = origin_path(path)
    if not os.path.lexists(record):
        return None
    try:
        found = Origin(**read_object(record))
        if not all(isinstance(value, str) for value in asdict(found).values()):
            raise TypeError("found a value that is no text")
        return found
    except (ValueError, TypeError) as error:
        raise CorpusError(f"{record}: not a record of a download ({error}); remove it and fetch again") from error


def write_origin(path: Path, origin: Origin) -> None:
    """Record the origin of `path`, atomically."""
    write_json(origin_path(path), asdict(origin))
