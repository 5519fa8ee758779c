"""Is a shard what the manifest says it is?"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from artifacts.header import SetHeader, read_file_metadata
from artifacts.manifest import SHARDS, Manifest, Shard
from artifacts.schema import REMEDY, SCHEMA_VERSION, ArtifactError
from corpora.files import digest_file


@dataclass(frozen=True)
class ShardCheck:
    """What verifying one shard found; `error` is None where it is whole."""

    file: str
    rows: int
    error: ArtifactError | None


def verify(folder: Path) -> Iterator[ShardCheck]:
    """Check the shards of a finished set one by one. Raises ArtifactError for the manifest or for a stray shard."""
    manifest = Manifest.read(folder)
    check_strays(folder, manifest)
    for shard in manifest.shards:
        yield ShardCheck(shard.file, shard.rows, _error(folder, manifest.header, shard))


def _error(folder: Path, header: SetHeader, shard: Shard) -> ArtifactError | None:
    try:
        check_shard(folder / shard.file, header, shard)
    except ArtifactError as error:
        return error
    return None


def check_strays(folder: Path, manifest: Manifest) -> None:
    """Raise ArtifactError where a shard lies in the folder that the manifest does not name."""
    known = {shard.file for shard in manifest.shards}
    for path in sorted(folder.glob(SHARDS)):
        if path.name not in known:
            raise ArtifactError(f"{path}: found a shard that the manifest does not name; move it out of the folder")


def check_shard(path: Path, header: SetHeader, shard: Shard) -> None:
    """Raise ArtifactError unless the file at `path` has the shard's size, SHA-256, header and row groups."""
    if not path.is_file():
        raise ArtifactError(f"{path}: not found; {REMEDY}")
    _expect(path, "bytes", path.stat().st_size, shard.bytes)
    _expect(path, "SHA-256", digest_file(path), shard.sha256)
    check_footer(path, header, shard)


def check_footer(path: Path, header: SetHeader, shard: Shard) -> None:
    """Raise ArtifactError unless the Parquet footer has the set's schema and identity and the shard's row groups."""
    try:
        footer = pq.read_metadata(path)
    except (OSError, pa.ArrowException) as error:
        raise ArtifactError(f"{path}: not readable as Parquet ({error}); {REMEDY}") from None
    own = read_file_metadata(footer.metadata)
    _expect(path, "schema_version", own.get("schema_version"), SCHEMA_VERSION)
    _expect(path, "set identity", own.get("identity"), header.identity)
    schema, expected = footer.schema.to_arrow_schema(), header.schema
    if not schema.equals(expected):
        _expect(path, "columns", schema.remove_metadata().to_string(), expected.to_string())
    rows = tuple(footer.row_group(group).num_rows for group in range(footer.num_row_groups))
    _expect(path, "rows by row group", rows, tuple(group.rows for group in shard.row_groups))


def _expect(path: Path, what: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise ArtifactError(f"{path}: found {what} {found}, expected {expected}; {REMEDY}")
