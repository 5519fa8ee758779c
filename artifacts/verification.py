"""Verification of shards against the manifest."""

import errno
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from structkd.artifacts.describing import describe, footer_of
from structkd.artifacts.faults import explained
from structkd.artifacts.header import SetHeader, read_file_metadata
from structkd.artifacts.manifest import SHARDS, Manifest, RowGroup, Shard
from structkd.artifacts.schema import REMEDY, SCHEMA_VERSION, ArtifactError
from structkd.artifacts.stores.opening import open_store, read_file, read_ranges
from structkd.artifacts.stores.places import Place
from structkd.ground.faults import FileError
from structkd.ground.files import digest_bytes


@dataclass(frozen=True)
class ShardCheck:
    """The result of verifying one file; `error` is None if it is whole. `bytes` is the size in the manifest."""

    file: str
    rows: int
    bytes: int
    error: ArtifactError | None


def verify(folder: Place) -> Iterator[ShardCheck]:
    """Check a finished set's shards one by one, then look for other shards. Raises ArtifactError for the manifest."""
    manifest = Manifest.read(folder)
    for shard in manifest.shards:
        yield ShardCheck(shard.file, shard.rows, shard.bytes, _error(folder, manifest.header, shard))
    for file in _strays(folder, shard_sizes(folder), manifest):
        yield ShardCheck(file.name, 0, 0, _stray(file))


def _error(folder: Place, header: SetHeader, shard: Shard) -> ArtifactError | None:
    try:
        check_shard(folder / shard.file, header, shard)
    except ArtifactError as error:
        return error
    return None


def check_strays(folder: Place, sizes: Mapping[str, int], manifest: Manifest) -> None:
    """Raise ArtifactError if a shard is among the folder's files, `sizes`, that the manifest does not name."""
    for file in _strays(folder, sizes, manifest):
        raise _stray(file)


def _strays(folder: Place, sizes: Mapping[str, int], manifest: Manifest) -> list[Place]:
    known = {shard.file for shard in manifest.shards}
    return [folder / name for name in sorted(sizes) if name not in known]


def _stray(file: Place) -> ArtifactError:
    return ArtifactError(f"{file}: found a shard that the manifest does not name; move it out of the folder")


def shard_sizes(folder: Place) -> dict[str, int]:
    """Return the size of each shard in a folder, in bytes; raises ArtifactError if it cannot be listed."""
    with explained(folder, "read"):
        found = open_store(folder).sizes()
    return {name: size for name, size in found.items() if fnmatchcase(name, SHARDS)}


def check_shard(file: Place, header: SetHeader, shard: Shard) -> None:
    """Raise ArtifactError unless a shard's file has the set's header and agrees with the manifest."""
    check_content(file, _content(file), header, shard)


def check_content(file: Place, content: bytes, header: SetHeader, shard: Shard) -> None:
    """Raise ArtifactError unless a shard's content has the set's header and agrees with the manifest."""
    _expect(file, "bytes", len(content), shard.bytes)
    _expect(file, "SHA-256", digest_bytes(content), shard.sha256)
    _check_footer(file, _parsed(file, footer_of(content), shard), header, shard)
    _check_description(file, content, shard)


def check_size(file: Place, found: int | None, shard: Shard) -> None:
    """Raise ArtifactError unless the file is there (`found` is not None) and has the shard's size."""
    if found is None:
        raise ArtifactError(f"{file}: not found; {REMEDY}")
    _expect(file, "bytes", found, shard.bytes)


def _content(file: Place) -> bytes:
    with explained(file, "read"):
        try:
            return read_file(file)
        except FileError as error:
            if error.errno == errno.ENOENT:
                raise ArtifactError(f"{file}: not found; {REMEDY}") from None
            raise


def _check_description(file: Place, content: bytes, shard: Shard) -> None:
    """Raise ArtifactError if the manifest's numbers for a shard differ from those of its (whole) content."""
    found = describe(content, shard.file, shard.sha256)
    for number, (is_, said) in enumerate(zip(found.row_groups, shard.row_groups, strict=True)):
        for field in RowGroup.model_fields:
            _expect(file, f"{field} of row group {number}", getattr(is_, field), getattr(said, field))
    for field in Shard.model_fields:
        _expect(file, field, getattr(found, field), getattr(shard, field))


def check_footer(file: Place, header: SetHeader, shard: Shard) -> None:
    """Raise ArtifactError unless the Parquet footer has the set's schema and identity and the shard's row groups."""
    _check_footer(file, read_footer(file, shard), header, shard)


def _check_footer(file: Place, footer: pq.FileMetaData, header: SetHeader, shard: Shard) -> None:
    own = read_file_metadata(footer.metadata)
    _expect(file, "schema_version", own.get("schema_version"), SCHEMA_VERSION)
    _expect(file, "set identity", own.get("identity"), header.identity)
    expected = header.schema
    # Not `footer.schema`: that and `footer` hold each other until the garbage collector comes by.
    with pq.ParquetFile(pa.BufferReader(b""), metadata=footer) as parquet:
        schema = parquet.schema_arrow
    if not schema.equals(expected):
        _expect(file, "columns", schema.remove_metadata().to_string(), expected.to_string())
    rows = tuple(footer.row_group(group).num_rows for group in range(footer.num_row_groups))
    _expect(file, "rows by row group", rows, tuple(group.rows for group in shard.row_groups))


def read_footer(file: Place, shard: Shard) -> pq.FileMetaData:
    """Return the shard's Parquet footer, checked against its digest. Raises ArtifactError if it differs.

    Page checksums do not cover the footer, but each of its bytes can decide how every page is read.
    """
    longer = (shard.bytes - shard.footer.bytes, shard.footer.bytes + 1)  # by what no whole file has
    with explained(file, "read"):
        (found,) = read_ranges(file, [longer])
    return _parsed(file, found, shard)


def _parsed(file: Place, footer: bytes, shard: Shard) -> pq.FileMetaData:
    _expect(file, "footer of bytes", len(footer), shard.footer.bytes)
    _expect(file, "footer with SHA-256", digest_bytes(footer), shard.footer.sha256)
    try:
        return pq.read_metadata(pa.BufferReader(footer))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ArtifactError(f"{file}: not readable as Parquet ({error}); {REMEDY}") from None


def _expect(file: Place, what: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise ArtifactError(f"{file}: found {what} {found}, expected {expected}; {REMEDY}")
