"""Measurements in a process of their own, whose memory holds what was measured and nothing else."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def apart(measure: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """What `measure` returns in a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, *args, **kwargs).result()


def peak_memory() -> int:
    """Bytes of this process's greatest resident size; unlike `ru_maxrss`, not that of the process it came from."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])
