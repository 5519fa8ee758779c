"""The writer of a set: shards, whole or absent, a record of each, and the manifest of the finished set."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from structkd.artifacts.faults import explained
from structkd.artifacts.header import SetHeader
from structkd.artifacts.lock import FolderLock
from structkd.artifacts.manifest import MANIFEST, SHARDS, UNFINISHED, Layout, Manifest, Shard, shard_file
from structkd.artifacts.schema import REMEDY, ArtifactError
from structkd.artifacts.shards import write_shard
from structkd.artifacts.verification import check_shard
from structkd.corpora.files import clear_temporaries, sync
from structkd.corpora.interrupts import at_end, held


class ShardWriter:
    """Write one artifact set: `with ShardWriter(folder, header) as writer: writer.write(batch)`.

    A shard becomes visible when it is whole; then it is recorded in `unfinished.json`. The end of the `with` block
    renames this record to `manifest.json`. Shards that a killed or failed writer of the same identity and layout has
    recorded are verified and kept: `rows_kept` is their number of rows, and `write` continues with the next row. An
    unfinished set of another identity is replaced; a finished one is an ArtifactError. A finished set of the same
    identity is opened again, and its damaged shards are written anew. The files depend on the rows alone, not on their
    batches or on kills of the writer.

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
        with explained(self.folder, "written"):
            self.folder.mkdir(parents=True, exist_ok=True)
            sync(self.folder.parent)
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
        if (self.folder / MANIFEST).exists():
            _refuse_other(self.folder, self.header)
            (self.folder / MANIFEST).replace(self.folder / UNFINISHED)
            sync(self.folder)
        recorded = _recorded(self.folder, self.header, self.layout)
        for shard in recorded:
            if not _is_whole(self.folder, self.header, shard):
                break
            self._shards.append(shard)
        if len(self._shards) < len(recorded):
            self._record()
        _clear(self.folder, self._shards)
        self.rows_kept = sum(shard.rows for shard in self._shards)

    def _write_shard(self) -> None:
        self._lock.check()
        pending = pa.Table.from_batches(self._pending, self._schema)
        rows = pending.slice(0, self.layout.shard_rows)
        path = self.folder / shard_file(len(self._shards))
        self._shards.append(write_shard(path, rows, self.header, self.layout.row_group_rows))
        self._lock.check()
        self._record()
        self._pending = pending.slice(self.layout.shard_rows).to_batches()

    def _record(self) -> None:
        path = self.folder / UNFINISHED
        with explained(path, "written"):
            Manifest.of(self.header, self.layout, self._shards).write(path)

    def _finish(self) -> None:
        if sum(map(len, self._pending)):
            self._write_shard()
        if not self._shards:
            raise ArtifactError(f"{self.folder}: no sentence was written; an artifact set holds at least one")
        self._lock.check()
        for shard in self._shards:
            path = self.folder / shard.file
            if not path.is_file() or path.stat().st_size != shard.bytes:
                raise ArtifactError(f"{path}: was changed while the set was written; {REMEDY}")
        # Nothing may be left to do after the manifest is there: a run killed in between would never come back to it.
        self._lock.remove_file()
        (self.folder / UNFINISHED).replace(self.folder / MANIFEST)
        sync(self.folder)


def _refuse_other(folder: Path, header: SetHeader) -> None:
    found = Manifest.read(folder).identity
    if found != header.identity:
        raise ArtifactError(
            f"{folder}: found a finished artifact set {found}, expected none or {header.identity}; teacher, corpus, "
            "settings or code differ: write to another folder, or delete this one"
        )


def _recorded(folder: Path, header: SetHeader, layout: Layout) -> tuple[Shard, ...]:
    """Return the shards that an earlier writer of the same files recorded; none if its record is damaged."""
    try:
        found = Manifest.read_file(folder / UNFINISHED)
    except ArtifactError:
        return ()
    return found.shards if (found.identity, found.layout) == (header.identity, layout) else ()


def _is_whole(folder: Path, header: SetHeader, shard: Shard) -> bool:
    try:
        check_shard(folder / shard.file, header, shard)
    except ArtifactError:
        return False
    return True


def _clear(folder: Path, kept: list[Shard]) -> None:
    """Remove the files of a killed writer or of another set, the record first."""
    if not kept:
        (folder / UNFINISHED).unlink(missing_ok=True)
        sync(folder)
    names = {shard.file for shard in kept}
    for path in folder.glob(SHARDS):
        if path.name not in names:
            path.unlink(missing_ok=True)
    for pattern in (SHARDS, UNFINISHED):
        clear_temporaries(folder, pattern)
