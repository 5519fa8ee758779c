"""Pulling a folder from the Hub."""

import shutil
from pathlib import Path

from structkd.artifacts.schema import ArtifactError
from structkd.ground.files import exclusively
from structkd.pipeline.hub.faults import HubError, client, explained
from structkd.pipeline.hub.folders import INDEX, RepoType, check, names, parsed
from structkd.runtime.folder import FolderError


def pull(repo: str, folder: Path, *, revision: str | None) -> str:
    """Pull an exported student or an artifact set (`datasets/OWNER/NAME`) to `folder`; return the commit.

    The folder is whole or absent: files come into a folder beside it, which is renamed once all digests agree. After an
    interruption, the same call takes what is there and goes on.

    Args:
        revision: a branch, tag or commit; None for the default.

    Raises:
        HubError: the folder, the repository or the network does not allow it.
        ArtifactError, FolderError: what came is not what the index names.
    """
    repo_type, repo_id = parsed(repo)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise HubError(f"{folder}: found something there, expected no such folder; remove it, or name another")
    staging = folder.with_name(f".{folder.name}.pull")
    with exclusively(staging):
        with explained(repo):
            commit = _fetch(repo_id, repo_type, staging, revision)
        try:
            check(staging, repo_type)
        except (ArtifactError, FolderError):
            shutil.rmtree(staging)  # the next try takes nothing of it
            raise
        staging.replace(folder)
    return commit


def _fetch(repo_id: str, repo_type: RepoType, staging: Path, revision: str | None) -> str:
    """Bring the files of one commit into `staging`, and nothing else; return the commit."""
    hub, index = client(), INDEX[repo_type]
    commit = str(hub.HfApi().repo_info(repo_id, repo_type=repo_type, revision=revision).sha)

    def fetch(name: str) -> None:
        hub.hf_hub_download(repo_id, name, repo_type=repo_type, revision=commit, local_dir=staging)

    try:
        fetch(index)
    except hub.errors.RemoteEntryNotFoundError:
        raise HubError(f"{repo_id}: found no {index}, which structkd push writes; name another repository") from None
    wanted = names(staging, repo_type)
    for name in wanted:
        fetch(name)
    for path in staging.iterdir():  # the client's notes, and files of another commit
        if path.name not in wanted:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return commit
