"""A server of taggers over HTTP."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .errors import ServingError
from .limits import DEFAULTS, Limits

if TYPE_CHECKING:
    from ..tagging import TextTagger

__all__ = ["DEFAULTS", "Limits", "ServingError", "serve"]


def serve(
    models: Mapping[str, "TextTagger"],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits = DEFAULTS,
    tell: Callable[[str], object],
) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP; then finish what has begun. A second signal ends the process at once.

    Call it in the main thread: it owns the signals while it runs.

    Args:
        models: taggers by name; the first answers requests that name none.
        host: an address of this machine, or a name of one.
        port: 0 for a free one.
        tell: prints a line for the person who started the server.

    Raises:
        ServingError: a missing package, or an address that cannot be used.
    """
    try:
        from .server import run
    except ImportError as error:
        distribution = __name__.partition(".")[0].replace("_", "-")
        raise ServingError(
            f"the server needs the package {error.name}; install it with: pip install '{distribution}[serve]'"
        ) from None
    run(models, host, port, limits, tell)
