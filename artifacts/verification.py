"""Verification of shards against the manifest."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from structkd.artifacts.describing import column_crcs, describe_shard, footer_bytes
from structkd.artifacts.faults import explained
from structkd.artifacts.header import SetHeader, read_file_metadata
from structkd.artifacts.manifest import SHARDS, Manifest, RowGroup, Shard
from structkd.artifacts.schema import REMEDY, SCHEMA_VERSION, ArtifactError
from structkd.corpora.files import digest_bytes, digest_file


@dataclass(frozen=True)
class ShardCheck:
    """The result of verifying one file; `error` is None if it is whole. `bytes` is the size in the manifest."""

    file: str
    rows: int
    bytes: int
    error: ArtifactError | None


def verify(folder: Path) -> Iterator[ShardCheck]:
    """Check a finished set's shards one by one, then look for other shards. Raises ArtifactError for the manifest."""
    manifest = Manifest.read(folder)
    for shard in manifest.shards:
        yield ShardCheck(shard.file, shard.rows, shard.bytes, _error(folder, manifest.header, shard))
    for path in _strays(folder, manifest):
        yield ShardCheck(path.name, 0, 0, _stray(path))


def _error(folder: Path, header: SetHeader, shard: Shard) -> ArtifactError | None:
    try:
        check_shard(folder / shard.file, header, shard)
    except ArtifactError as error:
        return error
    return None


def check_strays(folder: Path, manifest: Manifest) -> None:
    """Raise ArtifactError if the folder contains a shard that the manifest does not name."""
    for path in _strays(folder, manifest):
        raise _stray(path)


def _strays(folder: Path, manifest: Manifest) -> list[Path]:
    known = {shard.file for shard in manifest.shards}
    return [path for path in sorted(folder.glob(SHARDS)) if path.name not in known]


def _stray(path: Path) -> ArtifactError:
    return ArtifactError(f"{path}: found a shard that the manifest does not name; move it out of the folder")


def check_shard(path: Path, header: SetHeader, shard: Shard) -> None:
    """Raise ArtifactError unless the file at `path` has the set's header and agrees with the manifest."""
    with explained(path, "read"):
        if not path.is_file():
            raise ArtifactError(f"{path}: not found; {REMEDY}")
        _expect(path, "bytes", path.stat().st_size, shard.bytes)
        _expect(path, "SHA-256", digest_file(path), shard.sha256)
    check_footer(path, header, shard)
    _check_description(path, shard)


def _check_description(path: Path, shard: Shard) -> None:
    """Raise ArtifactError if the manifest's numbers for a shard differ from those of its (whole) file."""
    with explained(path, "read"):
        found = describe_shard(path, shard.file, shard.sha256)
    for number, (is_, said) in enumerate(zip(found.row_groups, shard.row_groups, strict=True)):
        for field in RowGroup.model_fields:
            _expect(path, f"{field} of row group {number}", getattr(is_, field), getattr(said, field))
    for field in Shard.model_fields:
        _expect(path, field, getattr(found, field), getattr(shard, field))


def check_footer(path: Path, header: SetHeader, shard: Shard) -> None:
    """Raise ArtifactError unless the Parquet footer has the set's schema and identity and the shard's row groups."""
    footer = read_footer(path, shard)
    own = read_file_metadata(footer.metadata)
    _expect(path, "schema_version", own.get("schema_version"), SCHEMA_VERSION)
    _expect(path, "set identity", own.get("identity"), header.identity)
    expected = header.schema
    # Not `footer.schema`: that and `footer` hold each other until the garbage collector comes by.
    with explained(path, "read"), pq.ParquetFile(path, metadata=footer) as file:
        schema = file.schema_arrow
    if not schema.equals(expected):
        _expect(path, "columns", schema.remove_metadata().to_string(), expected.to_string())
    rows = tuple(footer.row_group(group).num_rows for group in range(footer.num_row_groups))
    _expect(path, "rows by row group", rows, tuple(group.rows for group in shard.row_groups))


def read_footer(path: Path, shard: Shard) -> pq.FileMetaData:
    """Return the shard's Parquet footer, checked against its digest. Raises ArtifactError if it differs.

    Page checksums do not cover the footer, but each of its bytes can decide how every page is read.
    """
    with explained(path, "read"):
        found = footer_bytes(path)
    _expect(path, "footer of bytes", len(found), shard.footer.bytes)
    _expect(path, "footer with SHA-256", digest_bytes(found), shard.footer.sha256)
    try:
        return pq.read_metadata(pa.BufferReader(found))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ArtifactError(f"{path}: not readable as Parquet ({error}); {REMEDY}") from None


def check_columns(path: Path, written: pq.RowGroupMetaData, expected: RowGroup, columns: Collection[str]) -> None:
    """Raise ArtifactError unless the columns of a row group have the CRC-32 in the manifest.

    Parquet's own page checksums do not cover the page headers, where one bit decides how many values are read.
    """
    with explained(path, "read"):
        found = column_crcs(path, written, columns)
    for number, (name, crc) in found.items():
        _expect(path, f"column {name} with CRC-32", crc, expected.crc32[number])


def _expect(path: Path, what: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise ArtifactError(f"{path}: found {what} {found}, expected {expected}; {REMEDY}")
