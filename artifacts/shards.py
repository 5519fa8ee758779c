"""One shard file: written under another name, read back, described, and only then visible."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from structkd.artifacts.faults import explained
from structkd.artifacts.header import SetHeader
from structkd.artifacts.manifest import Footer, RowGroup, Sentences, Shard
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.verification import check_footer, chunk_offset, column_crcs, footer_bytes
from structkd.corpora.files import atomic_path, digest_bytes, digest_file, sync

# Words and label ids repeat; scores do not, and DuckDB cannot read float16 with BYTE_STREAM_SPLIT.
REPEATING = ["language", "teacher", "tokens.list.element", "gold.list.element", "paths.list.element.list.element"]
POSTERIORS = "log_posteriors.list.element.list.element"


def write_shard(path: Path, rows: pa.Table, header: SetHeader, row_group_rows: int) -> Shard:
    """Put a shard at `path`: on the disk, read back equal to `rows`, and then under its name. The bytes depend on
    the rows alone. Raises ArtifactError where the disk refuses, or gives back something else."""
    rows = _canonical(rows)
    with explained(path, "written"), atomic_path(path) as temporary:
        _write_parquet(rows, temporary, header, row_group_rows)
        sync(temporary)
        shard = _describe(rows, path.name, temporary, row_group_rows)
        _check(temporary, rows, header, shard)
    return shard


def _canonical(rows: pa.Table) -> pa.Table:
    """The same rows in one chunk, dictionaries in order of first occurrence."""
    for place, field in enumerate(rows.schema):
        if pa.types.is_dictionary(field.type):
            names = rows.column(place).cast(pa.string()).combine_chunks().dictionary_encode()
            rows = rows.set_column(place, field, names)
    return rows.combine_chunks()


def _write_parquet(rows: pa.Table, path: Path, header: SetHeader, row_group_rows: int) -> None:
    pq.write_table(
        rows.replace_schema_metadata(header.file_metadata()),
        path,
        row_group_size=row_group_rows,
        compression="zstd",
        # Parquet has no bytes, only integers of 4 and more: codes of one byte lie in a dictionary of 256.
        use_dictionary=[*REPEATING, *([POSTERIORS] if header.posteriors == "log8" else [])],
        write_page_checksum=True,
    )


def _check(path: Path, rows: pa.Table, header: SetHeader, shard: Shard) -> None:
    check_footer(path, header, shard)
    if not pq.read_table(path, page_checksum_verification=True, partitioning=None).equals(rows):
        raise ArtifactError(f"{path}: reads otherwise than it was written; check the disk and the memory")


def _describe(rows: pa.Table, name: str, path: Path, row_group_rows: int) -> Shard:
    file, end = pq.read_metadata(path), footer_bytes(path)
    groups = [
        _row_group(path, file.row_group(number), first, rows.slice(first, row_group_rows))
        for number, first in enumerate(range(0, len(rows), row_group_rows))
    ]
    return Shard(
        file=name,
        rows=len(rows),
        tokens=pc.sum(pc.list_value_length(rows["tokens"])).as_py(),
        row_groups=tuple(groups),
        footer=Footer(bytes=len(end), sha256=digest_bytes(end)),
        bytes=path.stat().st_size,
        sha256=digest_file(path),
    )


def _row_group(path: Path, written: pq.RowGroupMetaData, first_row: int, rows: pa.Table) -> RowGroup:
    return RowGroup(
        first_row=first_row,
        offset=chunk_offset(written.column(0)),
        bytes=sum(written.column(number).total_compressed_size for number in range(written.num_columns)),
        crc32=tuple(crc for _, crc in column_crcs(path, written).values()),
        languages=_sentences(rows),
    )


def _sentences(rows: pa.Table) -> dict[str, Sentences]:
    keys = pa.table({"language": rows["language"].cast(pa.string()), "labelled": rows["gold"].is_valid()})
    counts = keys.group_by(["language", "labelled"], use_threads=False).aggregate([([], "count_all")])
    found = {(row["language"], row["labelled"]): row["count_all"] for row in counts.to_pylist()}
    return {
        language: Sentences(labelled=found.get((language, True), 0), unlabelled=found.get((language, False), 0))
        for language in sorted({language for language, _ in found})
    }
