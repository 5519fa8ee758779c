"""Connections with time limits that uvicorn does not have.

uvicorn waits for ever for the head of a request, for a client that does not read its answer, and for the rest of a body
that was refused.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from .limits import DEFAULTS, Limits

_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    b"Retry-After: 1\r\nConnection: close\r\n\r\n%s"
)
_BODY = b'{"error": {"message": "too many connections are open", "field": null, "found": "", "expected": ""}}'


class BoundedConnection(H11Protocol):
    """A connection; `bounded` gives it limits."""

    limits = DEFAULTS
    _head: asyncio.TimerHandle | None = None
    _rest: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock; turn the client away if there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            transport.write(_FULL % (len(_BODY), _BODY))
            transport.close()
        else:
            self._time_head()

    def data_received(self, data: bytes) -> None:
        """Go on; if it is a part of a head, the clock runs."""
        super().data_received(data)
        self._time_head()

    def on_response_complete(self) -> None:
        """Give the client a time to read the answer, and to end its request."""
        super().on_response_complete()
        if self._rest:
            self._rest.cancel()
        self._rest = self.loop.call_later(self.limits.send_seconds, self._cut) if self._stalls() else None

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        super().connection_lost(exc)
        for clock in filter(None, (self._head, self._rest)):
            clock.cancel()

    def _time_head(self) -> None:
        """Run the clock while a head is incomplete. Between requests, uvicorn's own runs."""
        if self.conn.their_state is not h11.IDLE:
            if self._head:
                self._head.cancel()
            self._head = None
        elif self._head is None:
            self._head = self.loop.call_later(self.limits.receive_seconds, self.timeout_keep_alive_handler)

    def _stalls(self) -> bool:
        unread = self.transport.get_write_buffer_size() > 0
        return unread or (self.cycle.response_complete and self.conn.their_state is h11.SEND_BODY)

    def _cut(self) -> None:
        if self._stalls():
            self.transport.abort()


def bounded(limits: Limits) -> type[BoundedConnection]:
    """Return the protocol of connections with these limits."""
    return type("LimitedConnection", (BoundedConnection,), {"limits": limits})
