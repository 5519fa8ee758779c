"""JSON objects on disk that contain the digest of their own content; a changed object is an error."""

import json
from pathlib import Path
from typing import Any

from structkd.ground.files import digest_json, indented_json, read_regular, write_json

DIGEST = "digest"


class SealError(ValueError):
    """A file with changed content; the message names the file, what was found and what was expected."""


def write_sealed(path: Path, value: dict[str, Any]) -> None:
    """Write `value` as JSON, atomically, with the digest of its content under the key `digest`."""
    write_json(path, seal(value))


def sealed_bytes(value: dict[str, Any]) -> bytes:
    """Return the bytes of `write_sealed`."""
    return indented_json(seal(value))


def seal(value: dict[str, Any]) -> dict[str, Any]:
    """Return `value` with the digest of its content under the key `digest`."""
    return value | {DIGEST: digest_json(value)}


def read_sealed(path: Path) -> dict[str, Any]:
    """Read an object written by `write_sealed`; return it without the digest.

    Raises:
        SealError: no JSON object, no digest, or content that does not match the digest. The caller adds what to do.
        FileError: a file that cannot be read, or is not a regular file.
    """
    return unsealed(path, read_object(path))


def read_object(path: Path) -> dict[str, Any]:
    """Read the JSON object in a file without checking its digest, to see its version first. Raises as `read_sealed`."""
    return parse_object(path, read_regular(path))


def parse_object(place: Path | str, content: bytes) -> dict[str, Any]:
    """Parse `content`, found at `place`, as a JSON object. Raises SealError for anything else."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SealError(f"{place}: not JSON ({error})") from None
    if not isinstance(value, dict):
        raise SealError(f"{place}: found a JSON {type(value).__name__}, expected an object")
    return value


def unsealed(place: Path | str, value: dict[str, Any]) -> dict[str, Any]:
    """Return the object found at `place` without its digest. Raises SealError if the digest does not match."""
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
