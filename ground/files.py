"""Files that are whole or absent, and the digests that name them."""

import hashlib
import json
import os
import re
import secrets
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BufferedReader
from pathlib import Path
from typing import Any

from structkd.ground.faults import FileError, explained
from structkd.ground.interrupts import at_end

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
    """Return the SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal. Raises FileError."""
    with open_regular(path) as file, explained(path, "read"):
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading bytes. Raises FileError, also if it is not a regular file: a pipe would never end."""
    with explained(path, "read"):
        return os.fdopen(_regular(path, os.open(path, os.O_RDONLY | _PLAIN)), "rb")


def read_regular(path: Path) -> bytes:
    """Return the content of a file. Raises FileError, also if it is not a regular file."""
    with open_regular(path) as file, explained(path, "read"):
        return file.read()


def open_for_writing(path: Path, flags: int) -> int:
    """Open the file `path` and return a descriptor; the content stays. An absent file is created with the umask.

    A symbolic link is not followed, so a link that another user put in the file's place changes nothing elsewhere.

    Args:
        flags: flags of `os.open`.

    Raises:
        FileError: the file cannot be opened, or is not a regular file.
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
    """Return JSON that is the same text for equal values: sorted keys, no blanks, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_unchanged(path: Path) -> str:
    """Return `digest_file`; a process reads the file only once while inode, size and change time stay the same."""
    found = path.stat()
    return _digest(path, found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=1024)
def _digest(path: Path, inode: int, size: int, modified: int) -> str:
    return digest_file(path)


def digest_json(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON."""
    return digest_bytes(canonical_json(value).encode())


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside `path`; on success sync it and rename it to `path`, on failure remove it.

    A reader sees the old content or the whole new content, also after a power cut. The umask sets the file's mode, as
    for any new file. A symbolic link at `path` is replaced. Raises FileError if the system refuses.
    """
    with _temporary(path) as (temporary, mode):
        yield temporary
        temporary.chmod(mode)  # safetensors puts a file in its place that only its owner may read
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)


def create_file(path: Path, content: bytes) -> bool:
    """Write a file, synced and whole, if there is nothing at `path`; return False, and change nothing, otherwise.

    Of several processes that create one file, one writes it. Raises FileError if the system refuses.
    """
    with _temporary(path) as (temporary, _):
        temporary.write_bytes(content)
        sync(temporary)
        try:
            path.hardlink_to(temporary)  # which never takes the place of another file, as a new name would
        except FileExistsError:
            return False
        sync(path.parent)
    return True


@contextmanager
def _temporary(path: Path) -> Iterator[tuple[Path, int]]:
    """Yield an empty hidden file beside `path` and its mode; remove it at the end if it is still there."""
    with explained(path, "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        # `clear_temporaries` knows the name; nobody else can foresee it.
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.{_host()}-{os.getpid()}.tmp")
        with at_end(lambda: temporary.unlink(missing_ok=True)):
            mode = _create(temporary)
            try:
                yield temporary, mode
            finally:
                temporary.unlink(missing_ok=True)


def _create(path: Path) -> int:
    """Make an empty file if there is nothing, not even a link; return its mode."""
    descriptor = open_for_writing(path, os.O_WRONLY | os.O_EXCL)
    try:
        return stat.S_IMODE(os.fstat(descriptor).st_mode)
    finally:
        os.close(descriptor)


@contextmanager
def exclusively(folder: Path) -> Iterator[None]:
    """Hold an exclusive lock on the folder; wait if another process holds it."""
    from filelock import lock_descriptor  # slow to load, and most commands lock nothing

    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        lock_descriptor(descriptor)
        yield
    finally:
        os.close(descriptor)


def clear_temporaries(folder: Path, names: str = "*") -> None:
    """Remove the temporary files of killed `atomic_path` calls in `folder` for file names that match the pattern.

    Files that another process is writing stay: the process with the number in the name is alive on this machine, or the
    name contains another machine, whose processes nobody here can see.
    """
    for left_over in folder.glob(f".{names}.*.tmp"):
        host, _, number = left_over.name.split(".")[-2].rpartition("-")
        if host in ("", _host()) and not _is_alive(number):
            with explained(folder, "written"):
                left_over.unlink(missing_ok=True)


def _host() -> str:
    """Return this machine's name, without the points that separate the parts of a temporary file's name."""
    return re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())


def _is_alive(number: str) -> bool:
    """True if the number belongs to a running process other than this one; False for a name without a number."""
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
        temporary.write_bytes(indented_json(value))


def indented_json(value: Any) -> bytes:
    """Return the bytes of `write_json`."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
