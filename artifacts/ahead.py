"""Results that are computed in threads before they are asked for."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(function: Callable[[Item], Result], items: Iterable[Item], depth: int) -> Generator[Result]:
    """Yield `function` of each item, in order; up to `depth` results are computed ahead. Errors come in order, too."""
    rest, pool = iter(items), ThreadPoolExecutor(depth)
    try:
        waiting = deque(pool.submit(function, item) for item in islice(rest, depth))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(function, item) for item in islice(rest, 1))
            yield result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
