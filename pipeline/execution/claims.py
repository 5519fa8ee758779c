"""Claims: one process at a time makes a piece; others learn which process, and come back later."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from structkd.ground.interrupts import at_end, held

if TYPE_CHECKING:
    from structkd.tagger.ranks import Ranks  # loads torch

CLAIM = ".claim.lock"


class TakenError(RuntimeError):
    """Another process is making a piece: `by` names the process and its start. Engines come back to the piece later."""

    def __init__(self, piece: str, by: str) -> None:
        super().__init__(piece, by)
        self.piece, self.by = piece, by

    def __str__(self) -> str:
        return f"{self.piece}: {self.by} is making this; wait for it to finish, or stop it"


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Hold the lock file `path` while making a piece; the file names this process.

    The kernel frees the lock when the process ends, however it ends; a leftover file means nothing.

    Raises:
        TakenError: another process holds it.
    """
    from filelock import FileLock, Timeout  # slow to load, and a finished experiment locks nothing

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=0)

    def give_back() -> None:
        path.unlink(missing_ok=True)  # before the release, or it could be another's
        lock.release()

    with ExitStack() as stack:
        with held():
            try:
                lock.acquire()
            except Timeout:
                raise TakenError(str(path.parent), _owner(path)) from None
            stack.callback(give_back)
            stack.enter_context(at_end(give_back))
            path.write_text(json.dumps(_signature()), "utf-8")
        yield


@contextmanager
def claimed_by_first(path: Path, ranks: "Ranks") -> Iterator[None]:
    """Claim a piece by the first rank, for all ranks. All raise if it is taken."""
    with ExitStack() as stack:
        by = ""
        if ranks.first:
            try:
                stack.enter_context(claimed(path))
            except TakenError as taken:
                by = taken.by
        by = ranks.from_first(by)
        if by:
            raise TakenError(str(path.parent), by)
        yield


def _signature() -> dict[str, str | int]:
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": since}


def _owner(path: Path) -> str:
    try:
        who = json.loads(path.read_text("utf-8"))
        return f"process {who['pid']} on {who['host']} since {who['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # it has locked the file, and not signed it yet
        return "another process"
