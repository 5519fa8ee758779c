"""Refusals of the operating system as errors of artifact sets."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.stores.places import Place
from structkd.ground.faults import Done, FileError, describe_refusal


@contextmanager
def explained(path: Place, done: Done) -> Iterator[None]:
    """Turn an OSError in the block into an ArtifactError that says why `path` could not be read or written."""
    try:
        yield
    except OSError as error:
        # One that names its file says more than `path`, which may be the folder.
        said = str(error) if isinstance(error, FileError) else describe_refusal(error, str(path), done)
        smaller = "; a smaller shard_rows makes smaller files" if error.errno == errno.EFBIG else ""
        kept = "; whole shards are kept" if done == "written" else ""
        raise ArtifactError(said + smaller + kept) from error
