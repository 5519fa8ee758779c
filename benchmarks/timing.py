"""Timings that can be compared on a noisy machine: all tasks in turn, round after round, and their medians."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import TypeVar

import torch

Task = Callable[[], object]
Key = TypeVar("Key")

LONG = 2.0
"""Seconds: a task that takes longer than this when first tried is run in a third of the rounds."""


@dataclass(frozen=True)
class Timing:
    """Milliseconds a call, of this process's time on a CPU: the median over rounds, and the quartiles around it."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f}-{self.high:.2f})"


def compare(tasks: Mapping[Key, Task], *, rounds: int, device: str = "cpu", sample: float = 0.01) -> dict[Key, Timing]:
    """Time each task once a round, so that what disturbs the machine disturbs all of them.

    On a CPU it is the process's time, all threads together; on a GPU, the clock's.

    Args:
        rounds: at least 3.
        sample: seconds; a task shorter than this is called several times a round and the mean is taken.
    """
    first = {name: _seconds(task, 1, device) for name, task in tasks.items()}  # warms up, too
    calls = {
        name: max(1, round(sample / max(1e-9, _seconds(task, 1, device))))
        for name, task in tasks.items()
        if first[name] < LONG
    }
    taken: dict[Key, list[float]] = {name: [] for name in tasks}
    for number in range(rounds):
        for name, task in tasks.items():
            if name in calls or number % 3 == 0:
                taken[name].append(1e3 * _seconds(task, calls.get(name, 1), device))
    return {name: _timing(values) for name, values in taken.items()}


def _seconds(task: Task, calls: int, device: str) -> float:
    _wait(device)
    clock = perf_counter if device == "cuda" else process_time
    begun = clock()
    for _ in range(calls):
        task()
    _wait(device)
    return (clock() - begun) / calls


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _timing(values: list[float]) -> Timing:
    low, _, high = quantiles(values, n=4) if len(values) > 1 else values * 3
    return Timing(median(values), low, high)
