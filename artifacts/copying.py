"""Copying a finished set between places: its shards, and then its manifest, each only if absent.

So nothing that is there is ever replaced, a reader never sees half a set, and of several writers one succeeds. Whoever
comes later, or did not hear the answer, reads back what is there: the same set is a success, another one an error.
"""

from collections.abc import Iterator

from structkd.artifacts.creating import check_same, content_of, create
from structkd.artifacts.manifest import MANIFEST, Manifest, Shard
from structkd.artifacts.stores.places import Place
from structkd.artifacts.verification import check_content, check_footer, check_size, check_strays, shard_sizes


def copy_set(source: Place, target: Place) -> Iterator[Shard]:
    """Copy a finished set; yield each shard when it is there. What an earlier call has copied is kept.

    Every shard that is copied is verified. Of one that is there already, size and footer are compared.

    Raises ArtifactError if the source is damaged, if something else is at the target, or if a store refuses.
    """
    manifest, content = Manifest.read(source), content_of(source / MANIFEST)
    sizes = shard_sizes(target)
    check_strays(target, sizes, manifest)
    check_same(target / MANIFEST, content)
    for shard in manifest.shards:
        file = target / shard.file
        if shard.file in sizes:
            check_size(file, sizes[shard.file], shard)
            check_footer(file, manifest.header, shard)
        else:
            copied = content_of(source / shard.file)
            check_content(source / shard.file, copied, manifest.header, shard)
            create(file, copied)
        yield shard
    sizes = shard_sizes(target)
    for shard in manifest.shards:
        check_size(target / shard.file, sizes.get(shard.file), shard)
    create(target / MANIFEST, content)
