"""Pushing a folder to the Hub."""

from fnmatch import fnmatch
from pathlib import Path

from structkd.artifacts.manifest import SHARDS, Manifest
from structkd.pipeline.hub.card import dataset_card
from structkd.pipeline.hub.faults import HubError, check_token, client, explained
from structkd.pipeline.hub.folders import RepoType, check, names, parsed, repo_type_of
from structkd.runtime.folder import CARD


def push(folder: Path, repo: str, *, licence: str | None, private: bool, revision: str | None) -> str:
    """Push an exported student or an artifact set, all in one commit, and return the commit's address.

    The repository is made if it does not exist. Files that it has already are not sent again.

    Args:
        licence: the Hub's name of the licence of an artifact set. An exported student names its own.
        private: of a new repository.
        revision: a branch, made if it does not exist; None for the default.

    Raises:
        HubError: the folder, the repository or the network does not allow it.
        ArtifactError, FolderError: a damaged folder.
    """
    repo_type, repo_id = parsed(repo)
    if repo_type != (found := repo_type_of(folder)):
        raise HubError(
            f"{repo}: found the address of a {repo_type}, but {folder} is a {found}: students go to OWNER/NAME, "
            "artifact sets to datasets/OWNER/NAME"
        )
    card = _card(folder, repo_type, licence)
    check(folder, repo_type)
    check_token(repo)
    hub = client()
    api = hub.HfApi()
    with explained(repo):
        api.create_repo(repo_id, repo_type=repo_type, private=private or None, exist_ok=True)
        if revision:
            api.create_branch(repo_id, repo_type=repo_type, branch=revision, exist_ok=True)
        sent = {name: folder / name for name in names(folder, repo_type)}
        before = api.list_repo_files(repo_id, repo_type=repo_type, revision=revision)
        # Shards of another set would be read as part of this one.
        stale = [name for name in before if repo_type == "dataset" and fnmatch(name, SHARDS) and name not in sent]
        commit = api.create_commit(
            repo_id,
            [
                *(hub.CommitOperationAdd(name, path) for name, path in (sent | card).items()),
                *(hub.CommitOperationDelete(name) for name in stale),
            ],
            repo_type=repo_type,
            revision=revision,
            commit_message=f"structkd: {folder.resolve().name}",
        )
    return str(commit.commit_url)


def _card(folder: Path, repo_type: RepoType, licence: str | None) -> dict[str, bytes]:
    """Return the card of an artifact set by name; an exported student has one."""
    if repo_type == "model":
        if licence:
            raise HubError(f"{folder}: an exported student names its licence itself; leave out --licence")
        return {}
    if not licence:
        raise HubError(
            f"{folder}: found no --licence; name that of the corpus, whose text the set contains, as the Hub does: "
            "cc-by-sa-4.0, apache-2.0, other"
        )
    return {CARD: dataset_card(Manifest.read(folder), licence).encode()}
