"""What the Hub keeps of a folder: an exported student as a model, an artifact set as a dataset."""

import json
from pathlib import Path
from typing import Literal

from structkd.artifacts.manifest import MANIFEST, Manifest
from structkd.artifacts.verification import verify
from structkd.pipeline.hub.faults import HubError
from structkd.runtime.folder import DIGESTS, is_exported, read_checked

RepoType = Literal["model", "dataset"]
INDEX: dict[RepoType, str] = {"model": DIGESTS, "dataset": MANIFEST}
"""The file that names all others with their digests."""


def parsed(repo: str) -> tuple[RepoType, str]:
    """Return type and name of a repository. Raises HubError unless it is OWNER/NAME or datasets/OWNER/NAME."""
    name = repo.removeprefix("datasets/")
    if name.count("/") != 1:
        raise HubError(f"{repo}: expected OWNER/NAME for a student, or datasets/OWNER/NAME for an artifact set")
    return ("model" if name == repo else "dataset"), name


def repo_type_of(folder: Path) -> RepoType:
    """Return the type of a folder's repository. Raises HubError for a folder that is neither."""
    if is_exported(folder):
        return "model"
    if (folder / MANIFEST).is_file():
        return "dataset"
    raise HubError(
        f"{folder}: found neither an exported student ({DIGESTS}) nor a finished artifact set ({MANIFEST}); "
        "export a trained student first: structkd export"
    )


def names(folder: Path, repo_type: RepoType) -> list[str]:
    """Return the names of a folder's files as its index lists them, the index last. The files may be missing.

    Raises:
        HubError: the index is no index.
        ArtifactError: likewise, of an artifact set.
    """
    if repo_type == "dataset":
        return [*(shard.file for shard in Manifest.read(folder).shards), MANIFEST]
    path = folder / DIGESTS
    try:
        return [*map(str, json.loads(path.read_bytes())["files"]), DIGESTS]
    except (ValueError, KeyError, TypeError):
        raise HubError(f"{path}: found no list of an exported student's files") from None


def check(folder: Path, repo_type: RepoType) -> None:
    """Raise ArtifactError or FolderError unless each file has the digest that the index names."""
    if repo_type == "model":
        read_checked(folder)
    else:
        for shard in verify(folder):
            if shard.error:
                raise shard.error
