"""What the Hub or the network refuses, as errors that say what to do."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from structkd.ground.extras import needs

_TOKEN = "set HF_TOKEN to a token of huggingface.co/settings/tokens, or run: hf auth login"


class HubError(ValueError):
    """A transfer that cannot be done; the message names the repository, what was found and what to do."""


def client() -> ModuleType:
    """Return the package huggingface_hub. Raises HubError if it is not installed."""
    try:
        import huggingface_hub
        import huggingface_hub.constants
        import huggingface_hub.errors
        from huggingface_hub.utils.tqdm import disable_progress_bars
    except ImportError:
        raise HubError(f"structkd push and pull: {needs('huggingface_hub', 'hub')}") from None
    if not sys.stderr.isatty():
        disable_progress_bars()
    return huggingface_hub


def check_token(repo: str) -> None:
    """Raise HubError if there is no token."""
    if not client().get_token():
        raise HubError(f"{repo}: found no token, which writing needs; {_TOKEN}")


@contextmanager
def explained(repo: str) -> Iterator[None]:
    """Turn refusals in the block into a HubError about the repository."""
    hub = client()
    errors = hub.errors
    try:
        yield
    except errors.HFValidationError as error:
        raise HubError(f"{repo}: {error}") from None
    except errors.GatedRepoError:
        raise HubError(f"{repo}: found a gated repository; ask for access on its page, then {_TOKEN}") from None
    except errors.RepositoryNotFoundError:
        raise HubError(
            f"{repo}: no such repository, or no access to it; check the name (artifact sets are at "
            f"datasets/OWNER/NAME). A private one needs a token: {_TOKEN}"
        ) from None
    except errors.RevisionNotFoundError:
        raise HubError(f"{repo}: no such revision; give --revision a branch, tag or commit of it") from None
    except errors.HfHubHTTPError as error:
        raise HubError(f"{repo}: {_refusal(error.response.status_code, error.server_message)}") from error
    except (ValueError, RuntimeError) as error:
        if type(error) not in (ValueError, RuntimeError):
            raise
        raise HubError(f"{repo}: {error}") from error  # of a card's metadata, or of an upload
    except errors.HfHubHTTPError.__bases__ as error:  # the HTTP client's own kind, and OSError
        if isinstance(error, OSError) and error.filename:
            raise  # of a file on this machine
        raise HubError(
            f"{repo}: no answer from {hub.constants.ENDPOINT} ({type(error).__name__}: {error}); check the network, "
            "then run the same command again: it goes on where it stopped"
        ) from error


def _refusal(status: int, message: str | None) -> str:
    said = f"the server answered {status} ({message})" if message else f"the server answered {status}"
    if status == 401:
        return f"{said}: the token is not valid; {_TOKEN}"
    if status == 403:
        return f"{said}: the token does not allow this; take one that may write to this repository"
    return f"{said}; run the same command again later"
