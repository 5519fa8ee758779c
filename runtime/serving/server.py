"""The server's process: its address, its signals, its end."""

import ipaddress
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

import uvicorn

from ..tagging import TextTagger
from ..terminal import printable
from .app import make_app
from .connections import bounded
from .errors import ServingError
from .limits import Limits

SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: longer than proxies keep theirs, 60 s in nginx."""


def run(models: Mapping[str, TextTagger], host: str, port: int, limits: Limits, tell: Callable[[str], object]) -> None:
    """See `structkd.runtime.serving.serve`."""
    for tagger in models.values():
        tagger.tag(["."])  # the first call is slow, and shows whether it works at all
    bound = _bind(host, port)
    config = uvicorn.Config(
        make_app(models, limits),
        http=bounded(limits),
        ws="none",
        lifespan="on",
        log_config=None,  # errors reach standard error; texts are nobody's business, so there is no log of requests
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=limits.grace_seconds,
    )
    tell(f"structkd: serves {printable(', '.join(models))} at {_reach(bound)}")
    _Server(config, tell).run(sockets=[bound])


def _bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        raise ServingError(
            f"cannot listen at {host}, port {port}: {error.strerror}; choose another --host or --port"
        ) from None
    # Connections inherit it. Without it an answer's body waits 40 ms for the client to acknowledge the head; asyncio
    # sets it only on sockets whose protocol number is given.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


def _reach(bound: socket.socket) -> str:
    """Return the address, and who can reach it."""
    host, port = bound.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    if ipaddress.ip_address(host).is_loopback:
        return f"{address}; only this machine can reach it"
    return f"{address}; OTHER MACHINES CAN REACH IT, without password or encryption: put a proxy in front"


class _Server(uvicorn.Server):
    """A server that ends its process with exit code 0 after a graceful stop."""

    def __init__(self, config: uvicorn.Config, tell: Callable[[str], object]) -> None:
        super().__init__(config)
        self._tell, self._signal = tell, signal.SIGTERM

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Own the signals in this block; those that the parent ignores (`nohup`) stay ignored."""
        numbers = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self.handle_exit) for number in numbers}
        wakeup = signal.set_wakeup_fd(-1)  # of structkd's command line, which would end the process
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ask for a graceful stop; at the second signal, end at once."""
        if self.should_exit:
            os._exit(128 + sig)
        self._signal, self.should_exit = signal.Signals(sig), True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what has begun."""
        self._tell(f"structkd: {self._signal.name}; finishes what has begun, and ends at once if it comes again")
        await super().shutdown(sockets)
