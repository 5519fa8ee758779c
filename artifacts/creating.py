"""Creating a file that is never replaced, wherever it is."""

from structkd.artifacts.faults import explained
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.stores.opening import open_store, read_file
from structkd.artifacts.stores.places import Place


def create(file: Place, content: bytes) -> None:
    """Write a file if there is none. Raises ArtifactError unless the file is then there, with this content."""
    try:
        with explained(file, "written"):
            created = open_store(file.parent).create(file.name, content)
    except ArtifactError:
        if _found(file) != content:  # a lost answer may have been a success
            raise
    else:
        if not created:
            check_same(file, content)


def check_same(file: Place, content: bytes) -> None:
    """Raise ArtifactError if there is a file with other content."""
    if _found(file) not in (None, content):
        raise ArtifactError(
            f"{file}: found a file of another set, or a damaged one; use another place, or delete what is there"
        )


def _found(file: Place) -> bytes | None:
    """Return the content of a file; None if there is none."""
    with explained(file.parent, "read"):
        there = file.name in open_store(file.parent).sizes()
    return content_of(file) if there else None


def content_of(file: Place) -> bytes:
    """Return the content of a file. Raises ArtifactError."""
    with explained(file, "read"):
        return read_file(file)
