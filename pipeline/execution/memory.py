"""How much memory a job takes."""

import ctypes
import gc
from pathlib import Path

_PROCESS = Path("/proc/self")


def forget_peak() -> None:
    """Begin to measure: from now on, `peak_memory` is of what follows. Without effect where the system has no way.

    What is free and not given back to the system, as by an earlier job of the same process, does not count.
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
    """Bytes of this process's greatest resident size since `forget_peak`; None if the system does not tell.

    Unlike `ru_maxrss` it is not that of the process that this one came from.
    """
    try:
        lines = (_PROCESS / "status").read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)
