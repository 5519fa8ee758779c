"""`manifest.json`: what an artifact set holds, written when all of it is on the disk."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from artifacts.header import Record, SetHeader
from artifacts.schema import REMEDY, SCHEMA_VERSION, ArtifactError
from corpora.files import canonical_json, digest_json, write_json

MANIFEST = "manifest.json"
SHARDS = "part-*.parquet"


class Sentences(Record):
    """How many sentences of a language there are."""

    labelled: int
    unlabelled: int

    @property
    def total(self) -> int:
        """Labelled and unlabelled."""
        return self.labelled + self.unlabelled


class RowGroup(Record):
    """The sentences of one row group, by language: enough to plan an epoch without opening a shard."""

    languages: dict[str, Sentences]

    @property
    def rows(self) -> int:
        """The number of sentences."""
        return sum(count.total for count in self.languages.values())


class Shard(Record):
    """One shard: its file, what is in it, and by what it is recognised."""

    file: str
    rows: int
    tokens: int
    row_groups: tuple[RowGroup, ...]
    bytes: int
    sha256: str


class Manifest(Record):
    """The header, the shards in their order, and the totals over them."""

    schema_version: int
    identity: str
    header: SetHeader
    shards: tuple[Shard, ...]
    rows: int
    tokens: int
    languages: dict[str, Sentences]

    @classmethod
    def of(cls, header: SetHeader, shards: Sequence[Shard]) -> "Manifest":
        """The manifest of `shards`, with its totals."""
        return cls(
            schema_version=SCHEMA_VERSION,
            identity=header.identity,
            header=header,
            shards=tuple(shards),
            rows=sum(shard.rows for shard in shards),
            tokens=sum(shard.tokens for shard in shards),
            languages=_totals(group for shard in shards for group in shard.row_groups),
        )

    def write(self, folder: Path) -> None:
        """Write `folder/manifest.json` atomically, with the digest of its own content."""
        value = self.model_dump(mode="json")
        write_json(folder / MANIFEST, value | {"digest": digest_json(value)})

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """The manifest in `folder`. Raises ArtifactError where it is missing, foreign or edited."""
        path = folder / MANIFEST
        value = _read_object(folder, path)
        version = value.get("schema_version")
        if version != SCHEMA_VERSION:
            raise ArtifactError(
                f"{path}: found schema_version {version!r}, expected {SCHEMA_VERSION}; "
                "read the set with the structkd that wrote it, or delete the folder and run stage one again"
            )
        digest = value.pop("digest", None)
        if digest != digest_json(value):
            raise ArtifactError(
                f"{path}: found content with the digest {digest_json(value)}, expected {digest}; "
                f"the file was changed after it was written: {REMEDY}"
            )
        try:
            return cls.model_validate_json(canonical_json(value), strict=True)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            raise ArtifactError(f"{path}: {faults}; {REMEDY}") from None


def _totals(groups: Iterable[RowGroup]) -> dict[str, Sentences]:
    totals: dict[str, Sentences] = {}
    for group in groups:
        for language, count in group.languages.items():
            before = totals.get(language, Sentences(labelled=0, unlabelled=0))
            totals[language] = Sentences(
                labelled=before.labelled + count.labelled, unlabelled=before.unlabelled + count.unlabelled
            )
    return dict(sorted(totals.items()))


def _read_object(folder: Path, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ArtifactError(
            f"{path}: not found beside {len(list(folder.glob(SHARDS)))} whole shards; the set is unfinished: "
            "run stage one again"
        ) from None
    except ValueError as error:
        raise ArtifactError(f"{path}: not JSON ({error}); {REMEDY}") from None
    if not isinstance(value, dict):
        raise ArtifactError(f"{path}: found a JSON {type(value).__name__}, expected an object; {REMEDY}")
    return value
