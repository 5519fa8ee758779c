"""What can be wrong with a page."""

from collections.abc import Iterator
from contextlib import contextmanager

from structkd.corpora.extras import needs

EXTRA = "report"


class PageError(ValueError):
    """A page or chart that cannot be made; the message says what was found, what was expected, or what to install."""


@contextmanager
def extra(package: str) -> Iterator[None]:
    """An import of an optional package, whose absence is a PageError that says what to install."""
    try:
        yield
    except ImportError as error:
        raise PageError(f"an HTML report {needs(package, EXTRA)}") from error
