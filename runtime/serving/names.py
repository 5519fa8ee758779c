"""Names of the taggers that are served."""

from collections.abc import Iterable
from pathlib import Path

from .errors import ServingError


def named_folders(arguments: Iterable[str]) -> dict[str, Path]:
    """Return folders by name, from arguments `NAME=FOLDER`, or `FOLDER` for the folder's own name.

    Raises:
        ServingError: two taggers have one name.
    """
    found: dict[str, Path] = {}
    for argument in arguments:
        name, equals, folder = argument.partition("=")
        if Path(argument).is_dir() or not (equals and name):
            name, folder = Path(argument).resolve().name, argument
        if name in found:
            raise ServingError(f"two taggers have the name {name}; give one as NAME={folder}")
        found[name] = Path(folder)
    return found
