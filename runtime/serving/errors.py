"""Errors of the server and of its requests."""

from collections.abc import Mapping


class ServingError(RuntimeError):
    """The server cannot start."""


class RequestError(Exception):
    """A request that is refused.

    Args:
        status: the HTTP status.
        field: the part of the request that is wrong, such as `texts[3]`; None if it is none.
        found, expected: phrases for people.
        headers: further headers of the answer.
    """

    def __init__(
        self, status: int, field: str | None, found: str, expected: str, headers: Mapping[str, str] | None = None
    ) -> None:
        place = f"{field}: " if field else ""
        super().__init__(f"{place}found {found}, expected {expected}")
        self.status, self.field, self.found, self.expected = status, field, found, expected
        self.headers = dict(headers or {})

    def document(self) -> dict[str, dict[str, str | None]]:
        """Return the body of the answer."""
        return {"error": {"message": str(self), "field": self.field, "found": self.found, "expected": self.expected}}


def busy(found: str, expected: str) -> RequestError:
    """Return the error of a server that has too much to do; the client may try again."""
    return RequestError(503, None, found, expected, {"Retry-After": "1"})
