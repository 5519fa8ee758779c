"""A finished artifact set, verified before it is read."""

from bisect import bisect_right
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, repeat
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from structkd.artifacts.describing import WORDS
from structkd.artifacts.faults import explained
from structkd.artifacts.header import SetHeader
from structkd.artifacts.manifest import Manifest
from structkd.artifacts.schema import REMEDY, ArtifactError
from structkd.artifacts.verification import check_columns, check_shard, check_strays, read_footer


@dataclass(frozen=True)
class ArtifactSet:
    """The rows of a finished set, in the order of writing. Make it with `open`."""

    folder: Path
    manifest: Manifest

    @classmethod
    def open(cls, folder: str | Path, *, verify: bool = True) -> "ArtifactSet":
        """Read the manifest and, if `verify`, check each shard's size, SHA-256, identity and row groups against it.

        Raises ArtifactError at the first fault, naming the file.
        """
        folder = Path(folder)
        manifest = Manifest.read(folder)
        if verify:
            check_strays(folder, manifest)
            paths = [folder / shard.file for shard in manifest.shards]
            with ThreadPoolExecutor() as pool:  # a digest lets go of the interpreter
                list(pool.map(check_shard, paths, repeat(manifest.header), manifest.shards))
        return cls(folder, manifest)

    @property
    def header(self) -> SetHeader:
        """Labels, transition scores and provenance."""
        return self.manifest.header

    @property
    def identity(self) -> str:
        """SHA-256 of everything that determines the set's content."""
        return self.manifest.identity

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names in the order of their ids."""
        return self.manifest.header.labels

    @property
    def rows(self) -> int:
        """The number of sentences."""
        return self.manifest.rows

    @property
    def tokens(self) -> int:
        """The number of words."""
        return self.manifest.tokens

    def read_row_group(self, shard: int, group: int, columns: Collection[str] | None = None) -> pa.Table:
        """Read one row group, all columns or those in `columns`; footer and columns are verified."""
        with self._opened(shard) as file:
            return self._read(file, shard, group, columns)

    def table(self, columns: Collection[str] | None = None) -> pa.Table:
        """Read all rows into memory as an Arrow table; all columns or those in `columns`."""
        return pa.concat_tables(self.row_groups(columns))

    def polars(self, columns: Collection[str] | None = None) -> pl.DataFrame:
        """Read all rows into memory as a polars frame; all columns or those in `columns`."""
        return pl.DataFrame(pl.from_arrow(self.table(columns)))

    def row_groups(self, columns: Collection[str] | None = None, *, coded_words: bool = False) -> Iterator[pa.Table]:
        """Yield the rows one row group at a time, in order, verified; all columns or those in `columns`.

        With `coded_words`, `tokens` are lists of dictionary-encoded strings, as they are stored.
        """
        for number, shard in enumerate(self.manifest.shards):
            with self._opened(number, coded_words) as file:
                for group in range(len(shard.row_groups)):
                    yield self._read(file, number, group, columns)

    @contextmanager
    def _opened(self, shard: int, coded_words: bool = False) -> Iterator[pq.ParquetFile]:
        """Open a shard and verify its footer."""
        described = self.manifest.shards[shard]
        path = self.folder / described.file
        footer, coded = read_footer(path, described), [WORDS] if coded_words else None
        with explained(path, "read"), pq.ParquetFile(path, metadata=footer, read_dictionary=coded) as file:
            yield file

    def _read(self, file: pq.ParquetFile, shard: int, group: int, columns: Collection[str] | None) -> pa.Table:
        described, known = self.manifest.shards[shard], self.header.schema.names
        path = self.folder / described.file
        _check_known(path, columns, known)
        wanted = known if columns is None else list(columns)
        check_columns(path, file.metadata.row_group(group), described.row_groups[group], wanted)
        try:
            rows = file.read_row_group(group, wanted, use_threads=False)  # Arrow keeps memory for each thread
        except (OSError, pa.ArrowException) as error:
            raise ArtifactError(f"{path}: row group {group} is not readable ({error}); {REMEDY}") from None
        expected = described.row_groups[group].rows
        if len(rows) != expected:
            raise ArtifactError(
                f"{path}: row group {group} has {len(rows)} sentences, expected {expected} by the manifest; {REMEDY}"
            )
        return rows

    def places(self) -> list[tuple[int, int]]:
        """The places (shard, group) of all row groups, in order."""
        return [
            (number, group)
            for number, shard in enumerate(self.manifest.shards)
            for group in range(len(shard.row_groups))
        ]

    def starts(self) -> list[int]:
        """The first row of each row group, in the order of `places`."""
        rows = [self.manifest.shards[shard].row_groups[group].rows for shard, group in self.places()]
        return list(accumulate(rows[:-1], initial=0))

    def sentence(self, place: int) -> pa.Table:
        """Return row `place` of the set, 0 to rows - 1, as a table of one row. Raises IndexError outside."""
        if not 0 <= place < self.rows:
            raise IndexError(f"{self.folder} has rows 0 to {self.rows - 1}, not {place}")
        starts = self.starts()
        number = bisect_right(starts, place) - 1
        return self.read_row_group(*self.places()[number]).slice(place - starts[number], 1)


def _check_known(path: Path, columns: Collection[str] | None, known: list[str]) -> None:
    for name in columns or ():
        if name not in known:
            raise ArtifactError(f"{path}: no column {name!r}, expected one of {', '.join(known)}")
