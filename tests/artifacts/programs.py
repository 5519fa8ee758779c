"""Servers that others wrote, as processes on loopback."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.error import HTTPError, URLError

import pytest

from structkd.artifacts.stores.objects import _client


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def serving(command: Sequence[str], prepare: Callable[[], None], settings, **process) -> Iterator[None]:
    """Run a server; `prepare` makes its bucket as soon as it listens, and `settings` lead a client to it."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **process)
    while True:
        try:
            prepare()
            break
        except HTTPError:
            raise
        except URLError:  # not there yet
            assert server.poll() is None
            time.sleep(0.1)
    with pytest.MonkeyPatch.context() as variables:
        for name, value in settings.items():
            variables.setenv(name, value)
        _client.cache_clear()
        yield
    _client.cache_clear()
    server.terminate()
    server.wait()
