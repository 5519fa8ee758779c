"""A finished artifact set, verified before it is read."""

from bisect import bisect_right
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate, repeat

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from structkd.artifacts.chunks import Chunks, fetch_chunks
from structkd.artifacts.describing import WORDS
from structkd.artifacts.header import SetHeader
from structkd.artifacts.manifest import Manifest
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.stores.opening import open_store
from structkd.artifacts.stores.places import Place, parse_place
from structkd.artifacts.verification import check_shard, check_size, check_strays, read_footer, shard_sizes

THREADS = 8  # that check shards, each of which is in memory as a whole


@dataclass(frozen=True)
class ArtifactSet:
    """The rows of a finished set, in the order of writing. Make it with `open`."""

    folder: Place
    """Its folder, or its address in an object store."""
    manifest: Manifest

    @classmethod
    def open(cls, folder: str | Place, *, verify: bool = True) -> "ArtifactSet":
        """Read the manifest and, if `verify`, check the shards against it.

        Args:
            folder: a folder, or an address: s3://, gs:// or az:// with bucket and prefix.
            verify: check each shard's size. In a folder on this machine, also check each one's SHA-256, identity and
                row groups; in an object store, that is what `structkd verify` reads everything for.

        Raises ArtifactError at the first fault, naming the file.
        """
        folder = parse_place(folder)
        manifest = Manifest.read(folder)
        if verify:
            sizes = shard_sizes(folder)
            check_strays(folder, sizes, manifest)
            for shard in manifest.shards:
                check_size(folder / shard.file, sizes.get(shard.file), shard)
        if verify and open_store(folder).near:
            files = [folder / shard.file for shard in manifest.shards]
            with ThreadPoolExecutor(THREADS) as pool:  # a digest lets go of the interpreter
                list(pool.map(check_shard, files, repeat(manifest.header), manifest.shards))
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
        return self.fetch(shard, group, columns).decode()

    def fetch(self, shard: int, group: int, columns: Collection[str] | None = None) -> Chunks:
        """Read the bytes of one row group, all columns or those in `columns`; footer and columns are verified."""
        return self._fetch(self._footer(shard), shard, group, columns)

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
            footer = self._footer(number)
            for group in range(len(shard.row_groups)):
                yield self._fetch(footer, number, group, columns).decode([WORDS] if coded_words else [])

    def _footer(self, shard: int) -> pq.FileMetaData:
        described = self.manifest.shards[shard]
        return read_footer(self.folder / described.file, described)

    def _fetch(self, footer: pq.FileMetaData, shard: int, group: int, columns: Collection[str] | None) -> Chunks:
        described, known = self.manifest.shards[shard], self.header.schema.names
        file = self.folder / described.file
        _check_known(file, columns, known)
        return fetch_chunks(file, footer, group, described.row_groups[group], known if columns is None else columns)

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


def _check_known(path: Place, columns: Collection[str] | None, known: list[str]) -> None:
    for name in columns or ():
        if name not in known:
            raise ArtifactError(f"{path}: no column {name!r}, expected one of {', '.join(known)}")
