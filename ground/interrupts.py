"""Ending this process on a signal, or when its parent is gone: at once, and cleanly.

All files of this project are whole on the disk at any moment, so nothing is unwound: the signal's handler calls the
functions given to `at_end` (remove the temporary file, stop the workers) and ends the process at once. An exception in
its place could be lost in a destructor, become an ImportError in an import, or wait for `finally` blocks.

The state below belongs to the process, as signals do.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
GRACE = 1.0
"""Seconds for the main thread to return from a call or from a `held` block."""
PATIENCE = 1.5
"""Further seconds for the actions at the end."""

_acts: list[Callable[[], None]] = []


class _State:
    asked = 0  # the number of the signal that asked this process to end
    holds = 0  # how many `held` blocks the main thread is in
    ending = False
    farewell = ""


_state = _State()


def end_on_signals(farewell: str = "") -> None:
    """Make SIGINT, SIGTERM and SIGHUP end this process, with the exit code 128 + the signal's number.

    SIGINT and SIGHUP stay ignored if the parent ignores them (`nohup`). Call it in the main thread.

    Args:
        farewell: a line for standard error; `{}` stands for the signal's name.
    """
    _state.farewell = farewell
    receiving, sending = os.pipe()
    os.set_blocking(sending, False)
    signal.set_wakeup_fd(sending, warn_on_full_buffer=False)
    for number in SIGNALS:
        if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _handle)
    _in_background(_insist, receiving)


def end_after(returns: Callable[[], object]) -> None:
    """End this process, as SIGTERM does, when the call `returns` comes back; it waits for another process's end."""
    _in_background(_outlive, returns)


def orphaned() -> None:
    """Wait until the parent process is gone. For processes without a pipe from it."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(1)


@contextmanager
def held() -> Iterator[None]:
    """Delay the end of the process to the end of the block, or to `end_if_asked` in it, by at most `GRACE` seconds.

    Only blocks in the main thread count, because handlers run there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _state.holds += 1
    try:
        yield
    finally:
        _state.holds -= 1
        if not _state.holds:
            end_if_asked()


def asked_to_end() -> bool:
    """True if a signal has come; only meaningful in a `held` block."""
    return bool(_state.asked)


def end_if_asked() -> None:
    """End this process here if a signal has come."""
    if _state.asked:
        _end()


@contextmanager
def at_end(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` if the process ends by a signal within the block. Its exceptions are ignored."""
    _acts.append(act)
    try:
        yield
    finally:
        _acts.remove(act)


def _handle(number: int, frame: FrameType | None) -> None:
    _state.asked = _state.asked or number
    if not _state.holds:
        _end()


def _insist(receiving: int) -> None:
    """End the process if its main thread does not, because it is in a long call, for example of torch or the disk."""
    number = 0
    while number not in SIGNALS:
        number = os.read(receiving, 1)[0]
    _state.asked = _state.asked or number
    time.sleep(GRACE)
    if _state.ending:
        time.sleep(PATIENCE)
        os._exit(128 + _state.asked)
    _end()


def _outlive(returns: Callable[[], object]) -> None:
    returns()
    os.kill(os.getpid(), signal.SIGTERM)


def _end() -> None:
    _state.ending = True
    for act in reversed(_acts):
        with suppress(Exception):
            act()
    if _state.farewell:
        line = _state.farewell.format(signal.Signals(_state.asked).name)
        with suppress(OSError):
            os.write(2, f"{_clean_line()}{line}\n".encode())
    os._exit(128 + _state.asked)


def _clean_line() -> str:
    """Return what starts a line below the progress bars of a terminal and shows the cursor that they hid."""
    return "\n\x1b[?25h" if sys.stderr and sys.stderr.isatty() else ""


def _in_background(target: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=target, args=arguments, daemon=True).start()
