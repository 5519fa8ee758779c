"""Calls in a thread behind the one that makes what they are called with."""

import threading
from contextlib import closing

import pytest

from structkd.artifacts.ahead import behind


@pytest.mark.parametrize("depth", [0, 1, 3, 50])
def test_results_come_in_order_and_at_most_some_calls_wait(depth):
    made, called = [], []

    def items():
        for number in range(20):
            assert len(made) - len(called) <= depth + 1
            made.append(number)
            yield number

    assert list(behind(lambda number: called.append(number) or -number, items(), depth)) == [-n for n in range(20)]
    assert called == made == list(range(20))


def test_an_error_ends_all_later_calls_and_is_raised():
    called, failed = [], threading.Event()

    def call(number):
        called.append(number)
        if number == 2:
            failed.set()
            raise ValueError("two")
        return number

    def items():
        yield from range(3)
        failed.wait(60)
        yield from range(3, 9)

    found = []
    with pytest.raises(ValueError, match="two"):
        found.extend(behind(call, items(), 9))
    assert called == [0, 1, 2]


def test_an_error_of_the_items_is_raised_when_the_running_call_has_ended():
    begun, called = threading.Event(), []

    def call(number):
        begun.set()
        called.append(number)
        return number

    def items():
        yield 1
        begun.wait(60)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(behind(call, items(), 9))
    assert called == [1]
    assert not [one for one in threading.enumerate() if one.name.startswith("ThreadPoolExecutor")]


def test_no_call_is_running_after_the_results_are_closed():
    running = threading.Event()

    def call(number):
        running.set()
        result = sum(range(100_000))
        running.clear()
        return result

    with closing(behind(call, range(100), 2)) as results:
        next(results)
    assert not running.is_set()
