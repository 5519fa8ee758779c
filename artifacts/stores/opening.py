"""The store of a place, and reading a file wherever it is."""

from collections.abc import Sequence

from structkd.artifacts.stores.base import Range, Store
from structkd.artifacts.stores.local import LocalStore
from structkd.artifacts.stores.objects import ObjectStore
from structkd.artifacts.stores.places import Place, Url


def open_store(folder: Place) -> Store:
    """Return the store of a folder or of a prefix. Nothing is read yet."""
    return ObjectStore(folder) if isinstance(folder, Url) else LocalStore(folder)


def read_file(file: Place) -> bytes:
    """Return the content of a file."""
    return open_store(file.parent).read(file.name)


def read_ranges(file: Place, wanted: Sequence[Range]) -> list[bytes]:
    """Return parts of a file, each by offset and length. What lies past its end is missing."""
    return open_store(file.parent).ranges(file.name, wanted)
