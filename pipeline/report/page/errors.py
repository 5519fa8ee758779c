"""The errors of a page."""

from collections.abc import Iterator
from contextlib import contextmanager

from structkd.ground.extras import needs

EXTRA = "report"


class PageError(ValueError):
    """A page or chart that cannot be made; the message names what was found and expected, or what to install."""


@contextmanager
def extra(package: str) -> Iterator[None]:
    """Import an optional package in the block; if it is missing, raise a PageError that says what to install."""
    try:
        yield
    except ImportError as error:
        raise PageError(f"an HTML report {needs(package, EXTRA)}") from error
