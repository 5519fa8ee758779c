"""Measurement of a job's memory."""

import ctypes
import gc
from pathlib import Path

_PROCESS = Path("/proc/self")


def forget_peak() -> None:
    """Start measuring: `peak_memory` then counts from now on. It has no effect if the system does not support it.

    Memory that an earlier job of this process freed but did not return to the system does not count.
    """
    gc.collect()
    if not _PROCESS.is_dir():
        return
    give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc
    if give_back:
        give_back(0)
    try:
        (_PROCESS / "clear_refs").write_text("5")  # proc(5)
    except OSError:
        return


def peak_memory() -> int | None:
    """Return this process's largest resident size in bytes since `forget_peak`; None if the system does not tell.

    Unlike `ru_maxrss`, it does not include the parent process.
    """
    try:
        lines = (_PROCESS / "status").read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)
