"""A lock: one writer per folder at a time."""

import json
import os
import socket
from contextlib import suppress
from pathlib import Path

from filelock import lock_descriptor

from structkd.artifacts.faults import explained
from structkd.artifacts.schema import ArtifactError
from structkd.ground.files import open_for_writing

LOCK = ".writer.lock"


class FolderLock:
    """The right to write in a folder: a lock file that names the process and is removed when the writer ends.

    The kernel frees the lock when the process ends, however it ends; a leftover lock file means nothing.
    Raises ArtifactError, naming the other writer, if another process holds the lock.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK
        with explained(self.path, "written"):
            self._descriptor = self._acquire()
            try:
                os.truncate(self._descriptor, 0)
                os.pwrite(self._descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)
            except OSError:
                self.release()
                raise

    def _acquire(self) -> int:
        while True:
            descriptor = open_for_writing(self.path, os.O_RDWR)
            if not lock_descriptor(descriptor, blocking=False):
                owner = _owner(descriptor)
                os.close(descriptor)
                raise ArtifactError(
                    f"{self.path.parent}: {owner} is writing this artifact set; wait for it to finish, or stop it"
                )
            if self._names(descriptor):
                return descriptor
            os.close(descriptor)  # its last holder removed it between our opening and our locking it

    def _names(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(self.path.lstat(), os.fstat(descriptor))
        except FileNotFoundError:
            return False

    def check(self) -> None:
        """Raise ArtifactError if the folder is not the one that was locked."""
        with explained(self.path.parent, "written"):
            if not self._names(self._descriptor):
                raise FileNotFoundError(2, os.strerror(2), str(self.path))

    def remove_file(self) -> None:
        """Remove the lock file, but keep the lock."""
        if self._names(self._descriptor):
            self.path.unlink()

    def release(self) -> None:
        """Release the lock."""
        with suppress(OSError):  # what is left over means nothing
            self.remove_file()
        os.close(self._descriptor)


def _owner(descriptor: int) -> str:
    try:
        who = json.loads(os.pread(descriptor, 1000, 0))
        return f"process {who['pid']} on {who['host']}"
    except (ValueError, KeyError, TypeError):  # it has locked the file, and not signed it yet
        return "another process"
