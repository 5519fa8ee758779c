"""Is an object in its store? What a process has seen there is remembered until it makes another plan."""

import errno
from functools import cache
from typing import Protocol

from structkd.artifacts.stores.opening import read_ranges
from structkd.artifacts.stores.places import Url
from structkd.ground.faults import FileError


def is_stored(address: Url) -> bool:
    """True if an object is in its store. Raises FileError if the store refuses to say."""
    try:
        return _exists(address)
    except FileError as error:
        if error.errno == errno.ENOENT:
            return False
        raise


@cache  # of what is there, because a store never replaces it: an error is not kept
def _exists(address: Url) -> bool:
    read_ranges(address, [(0, 1)])
    return True


def forget() -> None:
    """Ask for everything again: somebody may have deleted an object, as errors advise."""
    _exists.cache_clear()


class Piece(Protocol):
    """A teacher, a student or features."""

    @property
    def local(self) -> bool:
        """True if it is finished on this machine."""
        ...

    @property
    def stored(self) -> Url | None:
        """Its address in a store, if it has one."""
        ...


def is_kept(piece: Piece) -> bool:
    """True if a piece is in its store, or, without a store, on this machine."""
    return is_stored(piece.stored) if piece.stored else piece.local


def is_shared(stored: Url | None) -> bool:
    """True unless a store lacks a piece that belongs there."""
    return stored is None or is_stored(stored)
