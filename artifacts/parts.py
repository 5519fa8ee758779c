"""The shards of a set that is being written, in any order and by any number of processes; then its manifest.

A shard is a function of its rows, so nobody needs a lock: whoever writes a shard again replaces it by the same bytes. A
shard is written, then recorded in a small file beside it. When all are recorded, somebody commits: the records become
the manifest.
"""

from collections.abc import Set
from pathlib import Path

import pyarrow as pa
from pydantic import Field, NonNegativeFloat, ValidationError

from structkd.artifacts.faults import explained
from structkd.artifacts.header import Record, SetHeader
from structkd.artifacts.manifest import MANIFEST, SHARDS, UNFINISHED, Layout, Manifest, Shard, shard_file
from structkd.artifacts.schema import REMEDY, ArtifactError
from structkd.artifacts.shards import write_shard
from structkd.artifacts.stores.places import Place
from structkd.artifacts.verification import check_shard
from structkd.ground.faults import FileError
from structkd.ground.files import canonical_json, clear_temporaries, read_regular, sync
from structkd.ground.sealed import SealError, parse_object, unsealed, write_sealed

RECORDS = "part-*.json"


class ShardRecord(Record):
    """A shard that is written: of which set, how it is laid out, and what it took."""

    identity: str
    layout: Layout
    shard: Shard
    seconds: NonNegativeFloat = Field(description="from the first sentence to the written shard")

    @classmethod
    def read(cls, path: Path) -> "ShardRecord":
        """Read a record. Raises ArtifactError if it is missing, foreign or edited."""
        try:
            return cls.parse(path, read_regular(path))
        except FileError as error:
            raise ArtifactError(f"{path}: not the record of a shard ({error}); {REMEDY}") from error

    @classmethod
    def parse(cls, path: Place, content: bytes) -> "ShardRecord":
        """Return the record with this content, found at `path`. Raises ArtifactError if it is foreign or edited."""
        try:
            value = unsealed(str(path), parse_object(str(path), content))
            return cls.model_validate_json(canonical_json(value), strict=True)
        except (SealError, ValidationError) as error:
            raise ArtifactError(f"{path}: not the record of a shard ({error}); {REMEDY}") from error


class SetParts:
    """The parts of one set in a folder. Raises ArtifactError if the disk refuses."""

    def __init__(self, folder: Path, header: SetHeader, layout: Layout) -> None:
        self.folder, self.header, self.layout = folder, header, layout
        with explained(folder, "written"):
            folder.mkdir(parents=True, exist_ok=True)
            sync(folder.parent)
        self._earlier = self._recorded_together()

    def reopen(self) -> None:
        """Go on with a finished set of the same identity. Raises ArtifactError for one of another identity."""
        if not (self.folder / MANIFEST).exists():
            return
        check_identity(self.folder, Manifest.read(self.folder).identity, self.header)
        with explained(self.folder, "written"):
            (self.folder / MANIFEST).replace(self.folder / UNFINISHED)
            sync(self.folder)
        self._earlier = self._recorded_together()

    def find(self, number: int) -> Shard | None:
        """Return a shard that is recorded and whole: every byte is read."""
        record = self._record(number)
        if record is None:
            return None
        try:
            check_shard(self.folder / record.shard.file, self.header, record.shard)
        except ArtifactError:
            return None
        return record.shard

    def write(self, number: int, rows: pa.Table, seconds: float = 0.0) -> Shard:
        """Write a shard, then its record, each whole or absent; `seconds` is what its rows took.

        What a killed process left of it is removed.
        """
        path = self.folder / shard_file(number)
        with explained(path, "written"):
            clear_temporaries(self.folder, f"{path.stem}.*")
        shard = write_shard(path, rows, self.header, self.layout.row_group_rows)
        record = ShardRecord(identity=self.header.identity, layout=self.layout, shard=shard, seconds=seconds)
        with explained(path, "written"):
            write_sealed(_record_path(path), record.model_dump(mode="json"))
        return shard

    def commit(self, shards: int) -> float:
        """Write the manifest of the first `shards` shards, and remove all others; return the seconds they took.

        Raises ArtifactError if one is not recorded, or its file has another size.
        """
        if not shards:
            raise ArtifactError(f"{self.folder}: no sentence was written; an artifact set holds at least one")
        records = [self._checked(number) for number in range(shards)]
        with explained(self.folder, "written"):
            Manifest.of(self.header, self.layout, [record.shard for record in records]).write(self.folder / UNFINISHED)
            self._clear({record.shard.file for record in records})
            # Nothing may be left to do after the manifest is there: a run killed in between would not come back to it.
            (self.folder / UNFINISHED).replace(self.folder / MANIFEST)
            sync(self.folder)
        return sum(record.seconds for record in records)

    def keep_first(self, shards: int) -> None:
        """Remove all shards and records except those of the first `shards` shards, and temporary files."""
        kept = [self.folder / shard_file(number) for number in range(shards)]
        self._clear({path.name for shard in kept for path in (shard, _record_path(shard))})
        if not self._earlier:
            (self.folder / UNFINISHED).unlink(missing_ok=True)

    def _clear(self, kept: Set[str]) -> None:
        """Remove what is not kept: records first, so that none is ever without its shard."""
        for pattern in (RECORDS, SHARDS):
            for path in self.folder.glob(pattern):
                if path.name not in kept:
                    path.unlink(missing_ok=True)
            clear_temporaries(self.folder, pattern)
        clear_temporaries(self.folder, UNFINISHED)

    def _checked(self, number: int) -> ShardRecord:
        record, path = self._record(number), self.folder / shard_file(number)
        if record is None:
            raise ArtifactError(f"{path}: is not recorded as written; run stage one again")
        with explained(path, "read"):
            if not path.is_file() or path.stat().st_size != record.shard.bytes:
                raise ArtifactError(f"{path}: was changed while the set was written; {REMEDY}")
        return record

    def _record(self, number: int) -> ShardRecord | None:
        try:
            found = ShardRecord.read(_record_path(self.folder / shard_file(number)))
        except ArtifactError:
            return self._earlier.get(number)
        mine = found.identity, found.layout, found.shard.file
        return found if mine == (self.header.identity, self.layout, shard_file(number)) else self._earlier.get(number)

    def _recorded_together(self) -> dict[int, ShardRecord]:
        """Return the shards of a set that was about to be committed, or was committed and is reopened."""
        try:
            found = Manifest.read_file(self.folder / UNFINISHED)
        except ArtifactError:
            return {}
        if (found.identity, found.layout) != (self.header.identity, self.layout):
            return {}
        return {
            number: ShardRecord(identity=found.identity, layout=found.layout, shard=shard, seconds=0.0)
            for number, shard in enumerate(found.shards)
        }


def check_identity(folder: Place, found: str, header: SetHeader) -> None:
    """Raise ArtifactError if the set in a folder has another identity."""
    if found != header.identity:
        raise ArtifactError(
            f"{folder}: found the artifact set {found}, expected none or {header.identity}; "
            "teacher, corpus, settings or code differ: write to another folder, or delete this one"
        )


def _record_path(shard: Path) -> Path:
    return shard.with_suffix(".json")
