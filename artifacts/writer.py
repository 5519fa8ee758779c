"""Shards that are whole or absent, and the manifest that says the set is finished."""

from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from artifacts.header import SetHeader
from artifacts.manifest import MANIFEST, SHARDS, Manifest, RowGroup, Sentences, Shard
from artifacts.schema import ArtifactError
from artifacts.verification import check_footer
from corpora.files import atomic_path, digest_file, sync

# Words and label ids repeat; scores do not, and DuckDB cannot read float16 with BYTE_STREAM_SPLIT.
REPEATING = ["language", "tokens.list.element", "gold.list.element", "paths.list.element.list.element"]


class ShardWriter:
    """Write one artifact set: `with ShardWriter(folder, header) as writer: writer.write(batch)`.

    A shard becomes visible when it is whole, the manifest at the end of the `with` block. An exception in the block
    takes the shards away again. What is in the folder of the same identity, or without a manifest, is replaced;
    a finished set of another identity is an ArtifactError. The files depend on the rows alone, not on how they
    were batched. One writer a folder at a time.
    """

    def __init__(self, folder: Path, header: SetHeader, *, shard_rows: int = 4096, row_group_rows: int = 512) -> None:
        for name, rows in {"shard_rows": shard_rows, "row_group_rows": row_group_rows}.items():
            if rows < 1:
                raise ValueError(f"{name} is {rows}, expected at least 1")
        self.folder = folder
        self.header = header
        self.shard_rows = shard_rows
        self.row_group_rows = row_group_rows
        self._schema = header.schema
        self._pending: list[pa.RecordBatch] = []
        self._shards: list[Shard] = []

    def __enter__(self) -> "ShardWriter":
        self.folder.mkdir(parents=True, exist_ok=True)
        if (self.folder / MANIFEST).exists():
            _refuse_other(self.folder, self.header)
        _clear(self.folder)
        return self

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows; a shard is written as it fills. Raises ArtifactError unless they have the set's `shard_schema`."""
        if not batch.schema.equals(self._schema):
            raise ArtifactError(
                f"{self.folder}: found rows with the columns\n{batch.schema.to_string()}\n"
                f"expected\n{self._schema.to_string()}\nencode them with the schema of this set's labels"
            )
        self._pending.append(batch)
        while sum(map(len, self._pending)) >= self.shard_rows:
            self._write_shard()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            _clear(self.folder)
            return
        try:
            self._finish()
        except BaseException:
            _clear(self.folder)
            raise

    def _finish(self) -> None:
        if sum(map(len, self._pending)):
            self._write_shard()
        if not self._shards:
            raise ArtifactError(f"{self.folder}: no sentence was written; an artifact set holds at least one")
        Manifest.of(self.header, self._shards).write(self.folder)

    def _write_shard(self) -> None:
        pending = pa.Table.from_batches(self._pending, self._schema)
        rows = _canonical(pending.slice(0, self.shard_rows))
        path = self.folder / f"part-{len(self._shards):05d}.parquet"
        with atomic_path(path) as temporary:
            _write_parquet(rows, temporary, self.header, self.row_group_rows)
            shard = _describe(rows, path.name, temporary, self.row_group_rows)
            check_footer(temporary, self.header, shard)
        self._shards.append(shard)
        self._pending = pending.slice(self.shard_rows).to_batches()


def _refuse_other(folder: Path, header: SetHeader) -> None:
    found = Manifest.read(folder).identity
    if found != header.identity:
        raise ArtifactError(
            f"{folder}: found a finished artifact set {found}, expected none or {header.identity}; teacher, corpus, "
            "settings or code differ: write to another folder, or delete this one"
        )


def _clear(folder: Path) -> None:
    """Take a set away, its manifest first, and what a killed writer left."""
    (folder / MANIFEST).unlink(missing_ok=True)
    sync(folder)
    for pattern in (SHARDS, f".{SHARDS}.*.tmp", f".{MANIFEST}.*.tmp"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def _canonical(rows: pa.Table) -> pa.Table:
    """The same rows in one chunk, the language dictionary in order of first occurrence."""
    place = rows.schema.get_field_index("language")
    languages = rows.column(place).cast(pa.string()).combine_chunks().dictionary_encode()
    return rows.set_column(place, rows.schema.field(place), languages).combine_chunks()


def _write_parquet(rows: pa.Table, path: Path, header: SetHeader, row_group_rows: int) -> None:
    pq.write_table(
        rows.replace_schema_metadata(header.file_metadata()),
        path,
        row_group_size=row_group_rows,
        compression="zstd",
        use_dictionary=REPEATING,
        write_page_checksum=True,
    )


def _describe(rows: pa.Table, name: str, path: Path, row_group_rows: int) -> Shard:
    starts = range(0, len(rows), row_group_rows)
    return Shard(
        file=name,
        rows=len(rows),
        tokens=pc.sum(pc.list_value_length(rows["tokens"])).as_py(),
        row_groups=tuple(_row_group(rows.slice(start, row_group_rows)) for start in starts),
        bytes=path.stat().st_size,
        sha256=digest_file(path),
    )


def _row_group(rows: pa.Table) -> RowGroup:
    keys = pa.table({"language": rows["language"].cast(pa.string()), "labelled": rows["gold"].is_valid()})
    counts = keys.group_by(["language", "labelled"], use_threads=False).aggregate([([], "count_all")])
    found = {(row["language"], row["labelled"]): row["count_all"] for row in counts.to_pylist()}
    languages = sorted({language for language, _ in found})
    return RowGroup(
        languages={
            language: Sentences(labelled=found.get((language, True), 0), unlabelled=found.get((language, False), 0))
            for language in languages
        }
    )
