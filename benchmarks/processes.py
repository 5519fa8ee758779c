"""Measurements in a process of their own, whose memory holds what was measured and nothing else."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

from structkd.pipeline.execution.memory import peak_memory

P = ParamSpec("P")
R = TypeVar("R")


def apart(measure: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return the result of `measure` in a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, *args, **kwargs).result()


def peak() -> int:
    """`pipeline.execution.memory.peak_memory`, which this system must tell."""
    found = peak_memory()
    if found is None:
        raise RuntimeError("peak memory: /proc/self/status has no VmHWM here; run this on Linux")
    return found
