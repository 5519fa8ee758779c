"""The writer of a set whose rows come in order: whole shards, one after the other, and the manifest at the end."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from structkd.artifacts.faults import explained
from structkd.artifacts.header import SetHeader
from structkd.artifacts.lock import FolderLock
from structkd.artifacts.manifest import Layout, Shard
from structkd.artifacts.parts import SetParts
from structkd.artifacts.schema import ArtifactError
from structkd.ground.interrupts import at_end, held


class ShardWriter:
    """Write one artifact set: `with ShardWriter(folder, header) as writer: writer.write(batch)`.

    A shard becomes visible when it is whole; then it is recorded. The end of the `with` block commits the set, see
    `SetParts`. Shards that a killed or failed writer of the same identity and layout has recorded are verified and
    kept: `rows_kept` is their number of rows, and `write` continues with the next row. An unfinished set of another
    identity is replaced; a finished one is an ArtifactError. A finished set of the same identity is opened again, and
    its damaged shards are written anew. The files depend on the rows alone, not on their batches or on kills.

    Raises ArtifactError, naming the file, if another process is writing the set or the disk refuses.
    """

    def __init__(self, folder: Path, header: SetHeader, *, shard_rows: int = 4096, row_group_rows: int = 512) -> None:
        for name, rows in {"shard_rows": shard_rows, "row_group_rows": row_group_rows}.items():
            if rows < 1:
                raise ValueError(f"{name} is {rows}, expected at least 1")
        self.folder = folder
        self.header = header
        self.layout = Layout(shard_rows=shard_rows, row_group_rows=row_group_rows)
        self.rows_kept = 0
        self._schema = header.schema
        self._pending: list[pa.RecordBatch] = []
        self._shards: list[Shard] = []

    def __enter__(self) -> "ShardWriter":
        self._parts = SetParts(self.folder, self.header, self.layout)
        self._claim = ExitStack()
        with held():
            self._lock = FolderLock(self.folder)
            self._claim.callback(self._lock.release)
            self._claim.enter_context(at_end(self._lock.release))
        try:
            with explained(self.folder, "written"):
                self._resume()
        except BaseException:
            self._claim.close()
            raise
        return self

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows and write full shards. Raises ArtifactError unless the rows have the set's `shard_schema`."""
        if not batch.schema.equals(self._schema):
            raise ArtifactError(
                f"{self.folder}: found rows with the columns\n{batch.schema.to_string()}\n"
                f"expected\n{self._schema.to_string()}\nencode them with the schema of this set's labels"
            )
        if self._shards and self._shards[-1].rows < self.layout.shard_rows:
            raise ArtifactError(
                f"{self.folder}: found rows after the set's {self.rows_kept}, of which the last shard is not full; "
                "write none of the rows that are there"
            )
        self._pending.append(batch)
        while sum(map(len, self._pending)) >= self.layout.shard_rows:
            self._write_shard()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with explained(self.folder, "written"):
                    self._finish()
        finally:
            self._claim.close()

    def _resume(self) -> None:
        self._parts.reopen()
        while shard := self._parts.find(len(self._shards)):
            self._shards.append(shard)
        self._parts.keep_first(len(self._shards))
        self.rows_kept = sum(shard.rows for shard in self._shards)

    def _write_shard(self) -> None:
        self._lock.check()
        pending = pa.Table.from_batches(self._pending, self._schema)
        self._shards.append(self._parts.write(len(self._shards), pending.slice(0, self.layout.shard_rows)))
        self._lock.check()
        self._pending = pending.slice(self.layout.shard_rows).to_batches()

    def _finish(self) -> None:
        if sum(map(len, self._pending)):
            self._write_shard()
        self._lock.check()
        self._lock.remove_file()
        self._parts.commit(len(self._shards))
