"""Description of a shard from its file alone: the writer records it, and verification compares it."""

from itertools import accumulate
from pathlib import Path
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

from structkd.artifacts.manifest import Footer, RowGroup, Sentences, Shard
from structkd.ground.files import digest_bytes, read_regular

MAGIC = b"PAR1"
TAIL = 8  # a Parquet file ends with its description's length in 4 bytes, and the magic number
WORDS = "tokens.list.element"  # Parquet's name for what the lists of `tokens` hold
_COUNTED = ["language", "gold"]


def describe_shard(path: Path, name: str, sha256: str) -> Shard:
    """Describe the whole shard at `path`, as `describe` does."""
    return describe(read_regular(path), name, sha256)


def describe(content: bytes, name: str, sha256: str) -> Shard:
    """Describe a whole shard. Its rows are read to be counted.

    Args:
        content: the bytes of its file.
        name: name of its file when it is visible.
        sha256: digest of its content.

    Raises OSError or pyarrow.ArrowException for a file that is not readable as Parquet.
    """
    end = footer_of(content)
    written = pq.read_metadata(pa.BufferReader(end))
    groups = [written.row_group(number) for number in range(written.num_row_groups)]
    first_rows = accumulate((group.num_rows for group in groups), initial=0)
    with pq.ParquetFile(pa.BufferReader(content), metadata=written) as file:
        described = [
            _row_group(content, group, first, file.read_row_group(number, _COUNTED, use_threads=False))
            for number, (group, first) in enumerate(zip(groups, first_rows, strict=False))
        ]
    return Shard(
        file=name,
        rows=written.num_rows,
        tokens=sum(map(_words, groups)),
        row_groups=tuple(described),
        footer=Footer(bytes=len(end), sha256=digest_bytes(end)),
        bytes=len(content),
        sha256=sha256,
    )


def _row_group(content: bytes, written: pq.RowGroupMetaData, first_row: int, rows: pa.Table) -> RowGroup:
    chunks = [written.column(number) for number in range(written.num_columns)]
    parts = (memoryview(content)[chunk_offset(one) :][: one.total_compressed_size] for one in chunks)
    return RowGroup(
        first_row=first_row,
        offset=chunk_offset(chunks[0]),
        bytes=sum(one.total_compressed_size for one in chunks),
        crc32=tuple(map(crc32, parts)),
        languages=_sentences(rows),
    )


def _words(written: pq.RowGroupMetaData) -> int:
    """Return the number of words of a row group: Parquet counts values, and each sentence has at least one."""
    columns = (written.column(number) for number in range(written.num_columns))
    return sum(int(column.num_values) for column in columns if column.path_in_schema == WORDS)


def _sentences(rows: pa.Table) -> dict[str, Sentences]:
    keys = pa.table({"language": rows["language"].cast(pa.string()), "labelled": rows["gold"].is_valid()})
    counts = keys.group_by(["language", "labelled"], use_threads=False).aggregate([([], "count_all")])
    found = {(row["language"], row["labelled"]): row["count_all"] for row in counts.to_pylist()}
    return {
        language: Sentences(labelled=found.get((language, True), 0), unlabelled=found.get((language, False), 0))
        for language in sorted({language for language, _ in found})
    }


def chunk_offset(chunk: pq.ColumnChunkMetaData) -> int:
    """Return the offset of a row group's column in the file."""
    offset: int = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
    return offset


def footer_of(content: bytes) -> bytes:
    """Return the footer of a Parquet file's content; empty if it is too short or not Parquet."""
    tail = content[-TAIL:]
    length = int.from_bytes(tail[:4], "little") + TAIL
    if tail[4:] != MAGIC or length > len(content):
        return b""
    return content[-length:]
