"""Names of places: a path on this machine, or an address in an object store."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from structkd.artifacts.schema import ArtifactError

SCHEMES = ("s3", "gs", "az")


@dataclass(frozen=True)
class Url:
    """An address in an object store, `scheme://bucket/key`, without credentials. It extends as a Path does, by `/`."""

    bucket: str
    """`scheme://bucket`"""
    key: str
    """Its parts are separated by `/`; empty for the bucket itself."""

    def __str__(self) -> str:
        return f"{self.bucket}/{self.key}".rstrip("/")

    def __truediv__(self, name: str) -> "Url":
        return Url(self.bucket, f"{self.key}/{name}".lstrip("/"))

    @property
    def parent(self) -> "Url":
        """The address without its last part."""
        return Url(self.bucket, self.key.rpartition("/")[0])

    @property
    def name(self) -> str:
        """The last part."""
        return self.key.rpartition("/")[2]


Place = Path | Url


def parse_place(text: str | Place) -> Place:
    """Return the place that a text names: s3://, gs://, az:// or file:// with what follows, else a path.

    Raises:
        ArtifactError: another scheme, no bucket, or credentials in an address. The message does not repeat them.
    """
    if not isinstance(text, str) or "://" not in text:
        return Path(text) if isinstance(text, str) else text
    parts = urlsplit(text)
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ArtifactError(
            f"{shown}: found more than a bucket and a path in the address; put credentials into the environment alone"
        )
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    if parts.scheme not in SCHEMES or not parts.netloc:
        expected = ", ".join(f"{scheme}://BUCKET/PREFIX" for scheme in SCHEMES)
        raise ArtifactError(f"{shown}: no such place; expected a folder, {expected} or file:///FOLDER")
    return Url(f"{parts.scheme}://{parts.netloc}", "/".join(part for part in parts.path.split("/") if part))
