"""Results that are computed in threads: before they are asked for, or after what they are made of."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
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


def behind(function: Callable[[Item], Result], items: Iterable[Item], depth: int) -> Generator[Result]:
    """Yield `function` of each item, called in one thread, in order, while later items are made in this one.

    Up to `depth` calls wait. An error ends all later calls; it is raised here. After that, or when this generator is
    closed, no call is running.
    """
    waiting = deque[Future[Result]]()
    last: Future[Result] | None = None
    with ThreadPoolExecutor(1) as thread:
        try:
            for item in items:
                last = thread.submit(_next, function, item, last)
                waiting.append(last)
                while waiting and (len(waiting) > depth or waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            thread.shutdown(cancel_futures=True)


def _next(function: Callable[[Item], Result], item: Item, before: Future[Result] | None) -> Result:
    if before:
        before.result()  # raises the error of an earlier call
    return function(item)
