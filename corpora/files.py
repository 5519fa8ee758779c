"""Files that are whole or absent, and the digests that name them."""

import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BufferedReader
from pathlib import Path
from typing import Any

from structkd.corpora.faults import FileError, explained
from structkd.corpora.interrupts import at_end

# A named pipe would wait for its other end. Windows has neither links to follow nor pipes in folders.
_PLAIN = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_MODE = 0o666  # less the umask
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def digest_bytes(data: bytes) -> str:
    """SHA-256 of `data`, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal. Raises FileError."""
    with open_regular(path) as file, explained(path, "read"):
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading bytes. Raises FileError, for what is no regular file too: a pipe would never end."""
    with explained(path, "read"):
        return os.fdopen(_regular(path, os.open(path, os.O_RDONLY | _PLAIN)), "rb")


def read_regular(path: Path) -> bytes:
    """The content of a file. Raises FileError, for what is no regular file too."""
    with open_regular(path) as file, explained(path, "read"):
        return file.read()


def open_for_writing(path: Path, flags: int) -> int:
    """A descriptor of the file `path`, created by the umask if it is absent; its content stays.

    A symbolic link is not followed, so that what a stranger has put in the file's place changes nothing elsewhere.

    Args:
        flags: how it is opened, see `os.open`.

    Raises:
        FileError: the file cannot be opened, or is no regular one.
    """
    with explained(path, "written"):
        return _regular(path, os.open(path, flags | os.O_CREAT | _NO_LINKS | _PLAIN, _MODE))


def check_regular(path: Path) -> None:
    """Raise FileError unless a regular file is at `path`, for libraries that open by name."""
    open_regular(path).close()


def _regular(path: Path, descriptor: int) -> int:
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise FileError(None, f"{path}: found {kind}, expected a regular file; move it away, then run this again")
    return descriptor


def canonical_json(value: Any) -> str:
    """JSON that is the same text for equal values: sorted keys, no blanks, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_unchanged(path: Path) -> str:
    """`digest_file`, read once a process as long as inode, size and time of change stay what they are."""
    found = path.stat()
    return _digest(path, found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=1024)
def _digest(path: Path, inode: int, size: int, modified: int) -> str:
    return digest_file(path)


def digest_json(value: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    return digest_bytes(canonical_json(value).encode())


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary file beside `path`; on success sync and rename it there, on failure remove it.

    A reader sees the old content or the whole new one, after a power cut too. The file gets the mode that the umask
    gives to any new file, and takes the place of a symbolic link. Raises FileError if the system refuses.
    """
    with explained(path, "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        # `clear_temporaries` knows the name; nobody else can foresee it.
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.{os.getpid()}.tmp")
        with at_end(lambda: temporary.unlink(missing_ok=True)):
            mode = _create(temporary)
            try:
                yield temporary
                temporary.chmod(mode)  # safetensors puts a file in its place that only its owner may read
                sync(temporary)
                temporary.replace(path)
                sync(path.parent)
            finally:
                temporary.unlink(missing_ok=True)


def _create(path: Path) -> int:
    """Make an empty file if there is nothing, not even a link; returns its mode."""
    descriptor = open_for_writing(path, os.O_WRONLY | os.O_EXCL)
    try:
        return stat.S_IMODE(os.fstat(descriptor).st_mode)
    finally:
        os.close(descriptor)


@contextmanager
def exclusively(folder: Path) -> Iterator[None]:
    """Wait until no other process is in here for the same folder, and let no other in."""
    from filelock import lock_descriptor  # slow to load, and most commands lock nothing

    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        lock_descriptor(descriptor)
        yield
    finally:
        os.close(descriptor)


def clear_temporaries(folder: Path, names: str = "*") -> None:
    """Remove what `atomic_path` left in `folder` where it was killed, of files whose names match the pattern.

    What another process is writing stays: a process of the name's number is alive on this machine.
    """
    for left_over in folder.glob(f".{names}.*.tmp"):
        if not _is_alive(left_over.name.split(".")[-2]):
            with explained(folder, "written"):
                left_over.unlink(missing_ok=True)


def _is_alive(number: str) -> bool:
    """Whether another process than this one has the number; a name without a number is nobody's."""
    if not number.isdecimal() or int(number) in (0, os.getpid()):
        return False
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
