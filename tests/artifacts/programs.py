"""Servers that others wrote, as processes on loopback."""

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.error import HTTPError, URLError

import pytest

from structkd.artifacts.stores.objects import _client

MOTO = os.environ.get("STRUCTKD_MOTO")
"""moto's S3 server. It is no dependency, because its boto3 conflicts with pins: name the program of a virtual
environment with `pip install 'moto[server]'`."""
needs_moto = pytest.mark.skipif(not MOTO, reason="STRUCTKD_MOTO names no moto_server")


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def serving(command: Sequence[str], prepare: Callable[[], None], settings, **process) -> Iterator[None]:
    """Run a server; `prepare` makes its bucket as soon as it listens, and `settings` lead a client to it."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **process)
    try:
        while not _prepared(prepare):
            assert server.poll() is None
            time.sleep(0.1)
        with pytest.MonkeyPatch.context() as variables:
            for name, value in settings.items():
                variables.setenv(name, value)
            _client.cache_clear()
            yield
    finally:
        _client.cache_clear()
        server.terminate()
        server.wait()


def _prepared(prepare) -> bool:
    try:
        prepare()
    except HTTPError:
        raise
    except URLError:  # not there yet
        return False
    return True


@contextmanager
def moto() -> Iterator[None]:
    """Run moto's server with the bucket `bucket`."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    wanted = urllib.request.Request(f"{address}/bucket", method="PUT")  # makes the bucket
    settings = {"ENDPOINT_URL": address, "ALLOW_HTTP": "true", "REGION": "us-east-1"}
    settings |= {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret"}
    with serving(
        [MOTO, "-H", "127.0.0.1", "-p", str(port)],
        lambda: urllib.request.urlopen(wanted).close(),
        {f"AWS_{name}": value for name, value in settings.items()},
    ):
        yield
