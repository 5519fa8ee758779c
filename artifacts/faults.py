"""What the operating system refuses, as errors that name the file, the cause and the remedy."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from structkd.artifacts.schema import ArtifactError

_REMEDIES = {
    errno.ENOSPC: "free space on its disk",
    errno.EDQUOT: "free space within the quota of its owner",
    errno.EFBIG: "raise the limit on file sizes (ulimit -f), or set a smaller shard_rows",
    errno.EACCES: "give the user who runs this access to it",
    errno.EPERM: "give the user who runs this access to it",
    errno.EROFS: "mount its file system writable, or choose another folder",
    errno.ENOENT: "somebody removed it or its folder in the meantime: see that nobody does",
    errno.ENOTDIR: "a file stands where its folder should be: move the file away",
    errno.EISDIR: "a folder stands where the file should be: move the folder away",
    errno.EIO: "check its disk",
}


@contextmanager
def explained(path: Path, done: Literal["read", "written"]) -> Iterator[None]:
    """Turn an OSError in the block into an ArtifactError that says why `path` could not be read or written."""
    try:
        yield
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno else str(error)
        remedy = _REMEDIES.get(error.errno or 0, "see to the cause")
        kept = "; whole shards are kept" if done == "written" else ""
        raise ArtifactError(f"{path}: cannot be {done}: {cause}; {remedy}, then run this again{kept}") from error
