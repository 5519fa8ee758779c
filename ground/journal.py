"""A file that grows one line at a time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from structkd.ground.faults import explained
from structkd.ground.files import open_for_writing, read_regular


class Journal:
    """A journal open for writing; make it with `open_journal`. Raises FileError if the system refuses."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor

    def write(self, line: str) -> None:
        """Write a line at once; the line end is added."""
        content = f"{line}\n".encode()
        with explained(self._path, "written"):
            while content:
                content = content[os.write(self._descriptor, content) :]


@contextmanager
def open_journal(path: Path) -> Iterator[Journal]:
    """Open a journal for further lines; remove a last line that a kill or a full disk cut short.

    Raises:
        FileError: the system refuses, or the path is a link or not a regular file.
    """
    with explained(path, "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = open_for_writing(path, os.O_RDWR | os.O_APPEND)
    try:
        with explained(path, "written"):
            os.ftruncate(descriptor, read_regular(path).rfind(b"\n") + 1)
        yield Journal(path, descriptor)
    finally:
        os.close(descriptor)
