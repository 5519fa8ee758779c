"""Writing a shard: under another name, read back, described, and only then visible; or in memory, for a store."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from structkd.artifacts.describing import describe, describe_shard
from structkd.artifacts.faults import explained
from structkd.artifacts.header import SetHeader
from structkd.artifacts.manifest import Shard
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.stores.places import Place
from structkd.artifacts.verification import check_footer
from structkd.ground.files import atomic_path, digest_bytes, digest_file, sync

# Words and label ids repeat; scores do not, and DuckDB cannot read float16 with BYTE_STREAM_SPLIT.
REPEATING = ["language", "teacher", "tokens.list.element", "gold.list.element", "paths.list.element.list.element"]
POSTERIORS = "log_posteriors.list.element.list.element"


def write_shard(path: Path, rows: pa.Table, header: SetHeader, row_group_rows: int) -> Shard:
    """Write a shard, sync it, check that it reads back equal to `rows`, and rename it to `path`. The bytes depend on
    the rows alone. Raises ArtifactError if the disk refuses or returns other data."""
    rows = _canonical(rows)
    with explained(path, "written"), atomic_path(path) as temporary:
        _write_parquet(rows, temporary, header, row_group_rows)
        sync(temporary)
        shard = describe_shard(temporary, path.name, digest_file(temporary))
        _check(temporary, rows, header, shard)
    return shard


def shard_bytes(file: Place, rows: pa.Table, header: SetHeader, row_group_rows: int) -> tuple[Shard, bytes]:
    """Return a shard and its content, the same bytes as `write_shard` writes, checked in memory."""
    rows, sink = _canonical(rows), pa.BufferOutputStream()
    _write_parquet(rows, sink, header, row_group_rows)
    content = sink.getvalue().to_pybytes()
    shard = describe(content, file.name, digest_bytes(content))
    _check_rows(file, pa.BufferReader(content), rows)
    return shard, content


def _canonical(rows: pa.Table) -> pa.Table:
    """Return the same rows in one chunk, dictionaries in order of first occurrence."""
    for place, field in enumerate(rows.schema):
        if pa.types.is_dictionary(field.type):
            names = rows.column(place).cast(pa.string()).combine_chunks().dictionary_encode()
            rows = rows.set_column(place, field, names)
    return rows.combine_chunks()


def _write_parquet(rows: pa.Table, sink: Path | pa.NativeFile, header: SetHeader, row_group_rows: int) -> None:
    pq.write_table(
        rows.replace_schema_metadata(header.file_metadata()),
        sink,
        row_group_size=row_group_rows,
        compression="zstd",
        # Parquet has no bytes, only integers of 4 and more: codes of one byte lie in a dictionary of 256.
        use_dictionary=[*REPEATING, *([POSTERIORS] if header.posteriors == "log8" else [])],
        write_page_checksum=True,
    )


def _check(path: Path, rows: pa.Table, header: SetHeader, shard: Shard) -> None:
    check_footer(path, header, shard)
    _check_rows(path, path, rows)


def _check_rows(file: Place, source: Path | pa.NativeFile, rows: pa.Table) -> None:
    if not pq.read_table(source, page_checksum_verification=True, partitioning=None).equals(rows):
        raise ArtifactError(f"{file}: reads otherwise than it was written; check the disk and the memory")
