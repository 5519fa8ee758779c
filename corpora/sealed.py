"""JSON objects on disk that carry the digest of their own content: a changed one is not read."""

import json
from pathlib import Path
from typing import Any

from structkd.corpora.files import digest_json, read_regular, write_json

DIGEST = "digest"


class SealError(ValueError):
    """A file whose content is not what was written; the message names the file, what was found and expected."""


def write_sealed(path: Path, value: dict[str, Any]) -> None:
    """Write `value` as JSON, atomically, with the digest of its content under the key `digest`."""
    write_json(path, seal(value))


def seal(value: dict[str, Any]) -> dict[str, Any]:
    """`value` with the digest of its content under the key `digest`."""
    return value | {DIGEST: digest_json(value)}


def read_sealed(path: Path) -> dict[str, Any]:
    """What `write_sealed` wrote to `path`, without the digest.

    Raises:
        SealError: no JSON object, no digest, or another content than the digest's. The caller adds what to do.
        FileError: a file that cannot be read, or is no regular one.
    """
    return unsealed(path, read_object(path))


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file, whatever its digest, for asking its version first. Raises as `read_sealed` does."""
    return parse_object(path, read_regular(path))


def parse_object(place: Path | str, content: bytes) -> dict[str, Any]:
    """The JSON object that `content`, found at `place`, is. Raises SealError for anything else."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SealError(f"{place}: not JSON ({error})") from None
    if not isinstance(value, dict):
        raise SealError(f"{place}: found a JSON {type(value).__name__}, expected an object")
    return value


def unsealed(place: Path | str, value: dict[str, Any]) -> dict[str, Any]:
    """What was found at `place` and sealed, without the digest. Raises SealError if its content has another."""
    content = {key: inner for key, inner in value.items() if key != DIGEST}
    try:
        found = digest_json(content)
    except (ValueError, RecursionError) as error:  # an infinity, half a surrogate pair
        raise SealError(f"{place}: found what no file of ours holds ({error})") from None
    if found != value.get(DIGEST):
        raise SealError(
            f"{place}: found content with the digest {found}, expected {value.get(DIGEST)}; "
            "the file was changed after it was written"
        )
    return content
