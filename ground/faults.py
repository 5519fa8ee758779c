"""Refusals of the operating system as errors that name the file, the cause and the remedy."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

Done = Literal["read", "written"]

_REMEDIES = {
    errno.ENOSPC: "free space on its disk",
    errno.EDQUOT: "free space within the quota of its owner",
    errno.EFBIG: "raise the limit on file sizes (ulimit -f)",
    errno.EACCES: "give the user who runs this access to it",
    errno.EPERM: "give the user who runs this access to it",
    errno.EROFS: "mount its file system writable, or choose another folder",
    errno.ENOENT: "somebody removed it or its folder in the meantime: see that nobody does",
    errno.EEXIST: "a file stands where its folder should be: move the file away",
    errno.ENOTDIR: "a file stands where its folder should be: move the file away",
    errno.EISDIR: "a folder stands where the file should be: move the folder away",
    errno.ELOOP: "a symbolic link stands there, and links are not followed: remove the link",
    errno.EIO: "check its disk",
}
_RUST = re.compile(r"\(os error ([0-9]+)\)")  # what polars and safetensors, written in Rust, say of the system's errors


class FileError(OSError):
    """An unreadable or unwritable file; the message names it, the cause and the remedy."""

    def __str__(self) -> str:
        return str(self.args[-1])


@contextmanager
def explained(path: Path, done: Done) -> Iterator[None]:
    """Turn system errors in the block about `path`, or a folder above it, into a FileError about `path`.

    Errors about other files pass unchanged.
    """
    try:
        yield
    except FileError:
        raise
    except Exception as error:  # libraries in Rust have kinds of their own
        if not is_refusal(error) or not _concerns(error, path):
            raise
        raise FileError(error_number(error), describe_refusal(error, path, done)) from error


def is_refusal(error: Exception) -> bool:
    """True if an error is a refusal of the operating system."""
    return isinstance(error, OSError) or error_number(error) is not None


def error_number(error: Exception) -> int | None:
    """Return the system's number of an error, see `errno`."""
    if isinstance(error, OSError):
        return error.errno
    found = _RUST.search(str(error))
    return int(found[1]) if found else None


def describe_refusal(error: Exception, path: Path | str, done: Done) -> str:
    """Describe an error: the file, the cause, the remedy."""
    number = error_number(error) or 0
    cause = os.strerror(number) if number else str(error)
    return f"{path}: cannot be {done}: {cause}; {_REMEDIES.get(number, 'see to the cause')}, then run this again"


def _concerns(error: Exception, path: Path) -> bool:
    name = getattr(error, "filename", None)
    if not isinstance(name, str | bytes | os.PathLike):
        return True
    named = Path(os.fsdecode(name))
    return named == path or named in path.parents or (named.parent == path.parent and path.name in named.name)
