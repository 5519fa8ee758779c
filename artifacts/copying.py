"""Copying a finished set between places: its shards, and then its manifest, each only if absent.

So nothing that is there is ever replaced, a reader never sees half a set, and of several writers one succeeds. Whoever
comes later, or did not hear the answer, reads back what is there: the same set is a success, another one an error.
"""

from collections.abc import Iterator

from structkd.artifacts.faults import explained
from structkd.artifacts.manifest import MANIFEST, Manifest, Shard
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.stores.opening import open_store, read_file
from structkd.artifacts.stores.places import Place
from structkd.artifacts.verification import check_content, check_footer, check_size, check_strays, shard_sizes


def copy_set(source: Place, target: Place) -> Iterator[Shard]:
    """Copy a finished set; yield each shard when it is there. What an earlier call has copied is kept.

    Every shard that is copied is verified. Of one that is there already, size and footer are compared.

    Raises ArtifactError if the source is damaged, if something else is at the target, or if a store refuses.
    """
    manifest, content = Manifest.read(source), _content(source / MANIFEST)
    sizes = shard_sizes(target)
    check_strays(target, sizes, manifest)
    _check_same(target / MANIFEST, content)
    for shard in manifest.shards:
        file = target / shard.file
        if shard.file in sizes:
            check_size(file, sizes[shard.file], shard)
            check_footer(file, manifest.header, shard)
        else:
            copied = _content(source / shard.file)
            check_content(source / shard.file, copied, manifest.header, shard)
            _create(file, copied)
        yield shard
    sizes = shard_sizes(target)
    for shard in manifest.shards:
        check_size(target / shard.file, sizes.get(shard.file), shard)
    _create(target / MANIFEST, content)


def _create(file: Place, content: bytes) -> None:
    """Write a file if there is none. Raises ArtifactError unless the file is then there, with this content."""
    try:
        with explained(file, "written"):
            created = open_store(file.parent).create(file.name, content)
    except ArtifactError:
        if _found(file) != content:  # a lost answer may have been a success
            raise
    else:
        if not created:
            _check_same(file, content)


def _check_same(file: Place, content: bytes) -> None:
    """Raise ArtifactError if there is a file with other content."""
    if _found(file) not in (None, content):
        raise ArtifactError(
            f"{file}: found a file of another set, or a damaged one; copy to another place, or delete what is there"
        )


def _found(file: Place) -> bytes | None:
    """Return the content of a file; None if there is none."""
    with explained(file.parent, "read"):
        there = file.name in open_store(file.parent).sizes()
    return _content(file) if there else None


def _content(file: Place) -> bytes:
    with explained(file, "read"):
        return read_file(file)
