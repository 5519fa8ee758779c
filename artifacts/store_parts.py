"""The shards of a set that is being written to an object store, as `artifacts.parts` writes them to a folder.

A shard is created, then its record, each only if there is none; the manifest last. Nothing is replaced or deleted, so
records stay, and what is there belongs to this set or is an error.
"""

import errno
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from structkd.artifacts.creating import content_of, create
from structkd.artifacts.header import SetHeader
from structkd.artifacts.manifest import MANIFEST, Layout, Manifest, Shard, shard_file
from structkd.artifacts.parts import SetParts, ShardRecord, check_identity
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.shards import shard_bytes
from structkd.artifacts.stores.places import Place, Url
from structkd.artifacts.verification import check_footer, check_size, check_strays, shard_sizes
from structkd.ground.faults import FileError
from structkd.ground.sealed import sealed_bytes

REQUESTS = 16  # for records, at the same time


class StoreParts:
    """The parts of one set under a prefix. Its methods raise ArtifactError if the store refuses, or for another set."""

    def __init__(self, folder: Url, header: SetHeader, layout: Layout) -> None:
        self.folder, self.header, self.layout = folder, header, layout

    def find(self, number: int) -> Shard | None:
        """Return a shard that is recorded; its size and footer are checked."""
        record = self._record(number)
        if record:
            check_footer(self.folder / record.shard.file, self.header, record.shard)
        return record.shard if record else None

    def write(self, number: int, rows: pa.Table, seconds: float = 0.0) -> Shard:
        """Create a shard, then its record. If another process was faster, its shard must have the same bytes."""
        file = self.folder / shard_file(number)
        shard, content = shard_bytes(file, rows, self.header, self.layout.row_group_rows)
        create(file, content)
        record = ShardRecord(identity=self.header.identity, layout=self.layout, shard=shard, seconds=seconds)
        try:
            create(_record_place(self.folder, number), sealed_bytes(record.model_dump(mode="json")))
        except ArtifactError:
            found = self._record(number)  # whoever was faster took other seconds
            if not found or found.shard != shard:
                raise
        return shard

    def commit(self, shards: int) -> float:
        """Create the manifest of the first `shards` shards; return the seconds that these took.

        If there is one, it must have the same bytes. Raises ArtifactError if a shard is not recorded, or its object has
        another size, or there are others.
        """
        if not shards:
            raise ArtifactError(f"{self.folder}: no sentence was written; an artifact set holds at least one")
        with ThreadPoolExecutor(REQUESTS) as pool:
            records = list(pool.map(self._expected, range(shards)))
        manifest = Manifest.of(self.header, self.layout, [one.shard for one in records])
        sizes = shard_sizes(self.folder)
        check_strays(self.folder, sizes, manifest)
        for shard in manifest.shards:
            check_size(self.folder / shard.file, sizes.get(shard.file), shard)
        create(self.folder / MANIFEST, sealed_bytes(manifest.model_dump(mode="json")))
        return sum(record.seconds for record in records)

    def _expected(self, number: int) -> ShardRecord:
        record = self._record(number)
        if record is None:
            raise ArtifactError(f"{self.folder / shard_file(number)}: is not recorded as written; run stage one again")
        return record

    def _record(self, number: int) -> ShardRecord | None:
        place = _record_place(self.folder, number)
        found = _read_record(place)
        if found is None:
            return None
        check_identity(self.folder, found.identity, self.header)
        if (found.layout, found.shard.file) != (self.layout, shard_file(number)):
            raise ArtifactError(
                f"{place}: found {found.layout} of {found.shard.file}, expected {self.layout}; delete it"
            )
        return found


def seconds_of(folder: Url, shards: int) -> float | None:
    """Return the seconds that a set's shards took, by their records; None if one is missing, as after a push."""
    with ThreadPoolExecutor(REQUESTS) as pool:
        records = list(pool.map(lambda number: _read_record(_record_place(folder, number)), range(shards)))
    return None if None in records else sum(record.seconds for record in records if record)


def _read_record(place: Url) -> ShardRecord | None:
    try:
        content = content_of(place)
    except ArtifactError as error:
        if isinstance(error.__cause__, FileError) and error.__cause__.errno == errno.ENOENT:
            return None
        raise
    return ShardRecord.parse(place, content)


def _record_place(folder: Url, number: int) -> Url:
    return folder / shard_file(number).replace(".parquet", ".json")


def open_parts(folder: Place, header: SetHeader, layout: Layout) -> SetParts | StoreParts:
    """Return the parts of a set in a folder or under a prefix."""
    if isinstance(folder, Url):
        return StoreParts(folder, header, layout)
    return SetParts(folder, header, layout)
