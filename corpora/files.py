"""Files that are whole or absent, and the digests that name them."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from structkd.corpora.interrupts import at_end


def digest_bytes(data: bytes) -> str:
    """SHA-256 of `data`, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical_json(value: Any) -> str:
    """JSON that is the same text for equal values: sorted keys, no blanks, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_unchanged(path: Path) -> str:
    """`digest_file`, read once a process as long as inode, size and time of change stay what they are."""
    stat = path.stat()
    return _digest(path, stat.st_ino, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=1024)
def _digest(path: Path, inode: int, size: int, modified: int) -> str:
    return digest_file(path)


def digest_json(value: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    return digest_bytes(canonical_json(value).encode())


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success sync and rename it there, on failure remove it.

    A reader sees the old content or the whole new one, after a power cut too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")  # `clear_temporaries` knows the name
    with at_end(lambda: temporary.unlink(missing_ok=True)):
        try:
            yield temporary
            sync(temporary)
            temporary.replace(path)
            sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


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
