"""JSON objects on disk that carry the digest of their own content: a changed one is not read."""

import json
from pathlib import Path
from typing import Any

from structkd.corpora.files import digest_json, write_json

DIGEST = "digest"


class SealError(ValueError):
    """A file whose content is not what was written; the message names the file, what was found and expected."""


def write_sealed(path: Path, value: dict[str, Any]) -> None:
    """Write `value` as JSON, atomically, with the digest of its content under the key `digest`."""
    write_json(path, value | {DIGEST: digest_json(value)})


def read_sealed(path: Path) -> dict[str, Any]:
    """What `write_sealed` wrote to `path`, without the digest.

    Raises:
        SealError: no JSON object, no digest, or another content than the digest's. The caller adds what to do.
        OSError: a file that cannot be read.
    """
    content = path.read_bytes()
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SealError(f"{path}: not JSON ({error})") from None
    if not isinstance(value, dict):
        raise SealError(f"{path}: found a JSON {type(value).__name__}, expected an object")
    expected = value.pop(DIGEST, None)
    try:
        found = digest_json(value)
    except ValueError as error:  # an infinity, or half a surrogate pair: JSON's grammar has them, our files never
        raise SealError(f"{path}: found what no file of ours holds ({error})") from None
    if found != expected:
        raise SealError(
            f"{path}: found content with the digest {found}, expected {expected}; "
            "the file was changed after it was written"
        )
    return value
