"""The protocol of stores: few operations, and each is atomic."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

Range = tuple[int, int]
"""Offset and length, in bytes."""


@runtime_checkable
class Store(Protocol):
    """A folder or a prefix. Names are those of files directly in it.

    A file is whole or absent. What cannot be done is a FileError, with the errno ENOENT for a file that is not there,
    or an ArtifactError. Their messages name the place, and no credentials.
    """

    near: bool
    """True if reading everything costs no more than time."""

    def sizes(self) -> dict[str, int]:
        """Return the size of each file, in bytes; empty if there is none."""
        ...

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        ...

    def ranges(self, name: str, wanted: Sequence[Range]) -> list[bytes]:
        """Return parts of a file. What lies past its end is missing."""
        ...

    def create(self, name: str, content: bytes) -> bool:
        """Write a file if there is none of that name; return False, and change nothing, if there is one."""
        ...
