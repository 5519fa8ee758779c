"""The manifest of an artifact set: `manifest.json` when the whole set is on the disk, `unfinished.json` until then."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from itertools import accumulate
from pathlib import Path

from pydantic import Field, ValidationError

from structkd.artifacts.faults import explained
from structkd.artifacts.header import Record, SetHeader
from structkd.artifacts.schema import REMEDY, SCHEMA_VERSION, ArtifactError
from structkd.artifacts.stores.opening import open_store, read_file
from structkd.artifacts.stores.places import Place
from structkd.ground.files import canonical_json
from structkd.ground.sealed import SealError, parse_object, unsealed, write_sealed

MANIFEST = "manifest.json"
UNFINISHED = "unfinished.json"
SHARDS = "part-*.parquet"


def shard_file(number: int) -> str:
    """Return the file name of shard `number`, counted from 0."""
    return f"part-{number:05d}.parquet"


class Sentences(Record):
    """The number of sentences of a language."""

    labelled: int = Field(ge=0)
    unlabelled: int = Field(ge=0)

    @property
    def total(self) -> int:
        """The sum of labelled and unlabelled sentences."""
        return self.labelled + self.unlabelled


class RowGroup(Record):
    """The place of a row group in its shard, and its sentences by language: enough to plan an epoch."""

    first_row: int = Field(ge=0, description="first row of the row group in the shard")
    offset: int = Field(ge=0, description="offset in the file, in bytes")
    bytes: int = Field(ge=1, description="compressed bytes in the file")
    crc32: tuple[int, ...] = Field(description="CRC-32 of each column's bytes in the file, including page headers")
    languages: dict[str, Sentences]

    @property
    def rows(self) -> int:
        """The number of sentences."""
        return sum(count.total for count in self.languages.values())


class Footer(Record):
    """The end of a shard: Parquet's description of the file, which its page checksums do not cover."""

    bytes: int = Field(ge=8, description="bytes, including the length and the magic number at the end")
    sha256: str


class Shard(Record):
    """A shard: its file, its content in numbers, and its digests."""

    file: str = Field(pattern=r"\Apart-[0-9]{5,}\.parquet\z")
    rows: int = Field(ge=1)
    tokens: int = Field(ge=1)
    row_groups: tuple[RowGroup, ...] = Field(min_length=1)
    footer: Footer
    bytes: int = Field(ge=1)
    sha256: str


class Layout(Record):
    """The number of sentences in a full shard and in a full row group."""

    shard_rows: int = Field(ge=1)
    row_group_rows: int = Field(ge=1)


class Manifest(Record):
    """The header, the shards in order, and their totals."""

    schema_version: int
    identity: str
    header: SetHeader
    layout: Layout
    shards: tuple[Shard, ...]
    rows: int
    tokens: int
    languages: dict[str, Sentences]

    @classmethod
    def of(cls, header: SetHeader, layout: Layout, shards: Sequence[Shard]) -> "Manifest":
        """Return the manifest of `shards`, with its totals."""
        return cls(
            schema_version=SCHEMA_VERSION,
            identity=header.identity,
            header=header,
            layout=layout,
            shards=tuple(shards),
            rows=sum(shard.rows for shard in shards),
            tokens=sum(shard.tokens for shard in shards),
            languages=_totals(group for shard in shards for group in shard.row_groups),
        )

    def write(self, path: Path) -> None:
        """Write this as JSON, atomically, with the digest of its own content."""
        write_sealed(path, self.model_dump(mode="json"))

    @classmethod
    def read(cls, folder: Place) -> "Manifest":
        """Read the manifest of a finished set. Raises ArtifactError if it is missing, foreign or edited."""
        path = folder / MANIFEST
        with explained(path, "read"):
            names = sorted(open_store(folder).sizes())
            if MANIFEST not in names:
                raise ArtifactError(f"{path}: {_unfinished(names)}")
            content = read_file(path)
        manifest = cls.parse(path, content)
        if not manifest.shards:
            raise ArtifactError(f"{path}: found no shards, expected at least one; {REMEDY}")
        return manifest

    @classmethod
    def read_file(cls, path: Place) -> "Manifest":
        """Read a manifest from `path`. Raises ArtifactError if it is missing, foreign or edited."""
        with explained(path, "read"):
            content = read_file(path)
        return cls.parse(path, content)

    @classmethod
    def parse(cls, path: Place, content: bytes) -> "Manifest":
        """Return the manifest with this content, found at `path`. Raises ArtifactError if it is foreign or edited."""
        with _sealed():
            stored = parse_object(str(path), content)
        version = stored.get("schema_version")
        if version != SCHEMA_VERSION:
            raise ArtifactError(
                f"{path}: found schema_version {version!r}, expected {SCHEMA_VERSION}; "
                "read the set with the structkd that wrote it, or delete the folder and run stage one again"
            )
        with _sealed():
            value = unsealed(str(path), stored)
        try:
            found = cls.model_validate_json(canonical_json(value), strict=True)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            raise ArtifactError(f"{path}: {faults}; {REMEDY}") from None
        if found != cls.of(found.header, found.layout, found.shards):
            raise ArtifactError(f"{path}: identity or totals are not those of its header and shards; {REMEDY}")
        files = [shard.file for shard in found.shards]
        if files != [shard_file(number) for number in range(len(files))]:
            raise ArtifactError(f"{path}: found the shards {', '.join(files)}, expected them in order; {REMEDY}")
        _check_layout(path, found)
        return found


def _unfinished(names: Sequence[str]) -> str:
    """Say what a folder with files of these `names`, and no manifest, is."""
    if not names:  # as of a run that was killed before its first shard
        remedy = "check the name; if it is right, the set is unfinished: run stage one again"
        return f"not found, nor anything beside it; {remedy}"
    shards = sum(fnmatchcase(name, SHARDS) for name in names)
    other = next((name for name in names if name != UNFINISHED), None)
    if other and not shards:
        return (
            f"not found, nor any shard, but {other}; expected an artifact set, as stage one writes them to "
            "runs/NAME/artifacts"
        )
    return f"not found beside {shards} whole shards; the set is unfinished: run stage one again"


@contextmanager
def _sealed() -> Iterator[None]:
    try:
        yield
    except SealError as error:
        raise ArtifactError(f"{error}; {REMEDY}") from None


def _check_layout(path: Place, manifest: Manifest) -> None:
    """Raise ArtifactError unless shards and row groups but the last are full, and row groups make up their shard."""
    _check_full(f"{path}: rows of the shards", [s.rows for s in manifest.shards], manifest.layout.shard_rows)
    for shard in manifest.shards:
        rows = [group.rows for group in shard.row_groups]
        _check_full(f"{path}: rows of the row groups of {shard.file}", rows, manifest.layout.row_group_rows)
        starts = list(accumulate(rows, initial=0))
        found = [*(group.first_row for group in shard.row_groups), shard.rows]
        if found != starts:
            raise ArtifactError(
                f"{path}: found row groups that begin and end at the rows {found} of {shard.file}, expected {starts}; "
                f"{REMEDY}"
            )


def _check_full(what: str, rows: Sequence[int], full: int) -> None:
    if any(number != full for number in rows[:-1]) or any(not 1 <= number <= full for number in rows[-1:]):
        raise ArtifactError(f"{what} are {rows}, expected {full} in each but the last; {REMEDY}")


def _totals(groups: Iterable[RowGroup]) -> dict[str, Sentences]:
    totals: dict[str, Sentences] = {}
    for group in groups:
        for language, count in group.languages.items():
            before = totals.get(language, Sentences(labelled=0, unlabelled=0))
            totals[language] = Sentences(
                labelled=before.labelled + count.labelled, unlabelled=before.unlabelled + count.unlabelled
            )
    return dict(sorted(totals.items()))
