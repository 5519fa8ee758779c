"""How much a client may ask for, and for how long."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Each field is documented below it; a request beyond one is refused with an error that says so."""

    body_bytes: int = 1_000_000
    """The longest body."""
    text_characters: int = 100_000
    """The longest text."""
    texts: int = 1000
    """The most texts of a request."""
    k: int = 10
    """The most label sequences of a text."""
    queue: int = 128
    """The most requests that wait or are being tagged."""
    connections: int = 1000
    """The most open connections."""
    wait_seconds: float = 30.0
    """The longest time from the end of a request's body to its answer."""
    receive_seconds: float = 10.0
    """The longest time for the head of a request, and again for its body."""
    send_seconds: float = 30.0
    """The longest time in which a client reads an answer."""
    grace_seconds: int = 30
    """The longest time for the requests that have begun when the server is stopped."""


DEFAULTS = Limits()
