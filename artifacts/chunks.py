"""Columns of a row group: fetched at once, checked, and decoded from memory."""

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

from structkd.artifacts.describing import chunk_offset
from structkd.artifacts.faults import explained
from structkd.artifacts.manifest import RowGroup
from structkd.artifacts.schema import REMEDY, ArtifactError
from structkd.artifacts.stores.opening import read_ranges
from structkd.artifacts.stores.places import Place


@dataclass(frozen=True)
class Chunks:
    """Some columns of row group `group` with `rows` rows, as they lie in the file: `content` by offset."""

    file: Place
    footer: pq.FileMetaData
    group: int
    rows: int
    columns: Sequence[str]
    content: dict[int, bytes]

    def decode(self, coded: Sequence[str] = ()) -> pa.Table:
        """Return the columns; those in `coded` (Parquet's names) are dictionary-encoded. Raises ArtifactError."""
        source = pa.PythonFile(_Window(self.content), "r")
        try:
            with pq.ParquetFile(source, metadata=self.footer, read_dictionary=coded, pre_buffer=False) as file:
                # Arrow keeps memory for each thread.
                rows = file.read_row_group(self.group, self.columns, use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise ArtifactError(f"{self.file}: row group {self.group} is not readable ({error}); {REMEDY}") from None
        if len(rows) != self.rows:
            raise ArtifactError(
                f"{self.file}: row group {self.group} has {len(rows)} sentences, expected {self.rows} by the manifest; "
                f"{REMEDY}"
            )
        return rows


def fetch_chunks(
    file: Place, footer: pq.FileMetaData, group: int, expected: RowGroup, columns: Collection[str]
) -> Chunks:
    """Read columns of a row group. Raises ArtifactError unless they have the CRC-32 in the manifest.

    Parquet's own page checksums do not cover the page headers, where one bit decides how many values are read.
    """
    written = footer.row_group(group)
    chunks = {number: written.column(number) for number in range(written.num_columns)}
    wanted = {number: chunk for number, chunk in chunks.items() if _column(chunk) in columns}
    places = [(chunk_offset(chunk), chunk.total_compressed_size) for chunk in wanted.values()]
    with explained(file, "read"):
        parts = read_ranges(file, places)
    for (number, chunk), part in zip(wanted.items(), parts, strict=True):
        if (crc := crc32(part)) != expected.crc32[number]:
            raise ArtifactError(
                f"{file}: found column {_column(chunk)} with CRC-32 {crc}, expected {expected.crc32[number]}; {REMEDY}"
            )
    content = {offset: part for (offset, _), part in zip(places, parts, strict=True)}
    return Chunks(file, footer, group, expected.rows, list(columns), content)


def _column(chunk: pq.ColumnChunkMetaData) -> str:
    name: str = chunk.path_in_schema.partition(".")[0]
    return name


class _Window:
    """A file of which only whole column chunks are there: Arrow reads each from its beginning."""

    closed = False

    def __init__(self, content: dict[int, bytes]) -> None:
        self._content, self._place = content, 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        end = max((start + len(part) for start, part in self._content.items()), default=0)
        self._place = offset + (0, self._place, end)[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, size: int) -> bytes:
        found = self._content.get(self._place, b"")[:size]
        self._place += len(found)
        return found
