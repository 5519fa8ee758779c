"""A folder on this machine as a store."""

import os
from collections.abc import Sequence
from pathlib import Path

from structkd.artifacts.stores.base import Range
from structkd.ground.files import create_file, open_regular, read_regular


class LocalStore:
    """A folder; it is made when the first file is written."""

    near = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sizes(self) -> dict[str, int]:
        """Return the sizes of what is in the folder; hidden files do not count."""
        if not self.folder.is_dir():
            return {}
        with os.scandir(self.folder) as entries:
            return {one.name: one.stat().st_size for one in entries if not one.name.startswith(".")}

    def read(self, name: str) -> bytes:
        """Return the content of a regular file."""
        return read_regular(self.folder / name)

    def ranges(self, name: str, wanted: Sequence[Range]) -> list[bytes]:
        """Return parts of a regular file."""
        found = []
        with open_regular(self.folder / name) as file:
            for offset, length in wanted:
                file.seek(offset)
                found.append(file.read(length))
        return found

    def create(self, name: str, content: bytes) -> bool:
        """Write a file under another name, sync it and link it to `name`."""
        return create_file(self.folder / name, content)
