"""`structkd push` and `structkd pull`: exported students and artifact sets on the Hugging Face Hub."""

from pathlib import Path
from typing import Annotated

import typer

Repo = Annotated[str, typer.Argument(help="OWNER/NAME; datasets/OWNER/NAME for an artifact set.")]
Revision = Annotated[str | None, typer.Option(help="A branch, tag or commit.", show_default="the repository's own")]


def push(
    folder: Annotated[Path, typer.Argument(help="An exported student, or an artifact set.", exists=True)],
    repo: Repo,
    licence: Annotated[
        str | None, typer.Option(help="Licence of an artifact set, by the Hub's name, such as cc-by-sa-4.0.")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
    revision: Revision = None,
) -> None:
    """Push an exported student or an artifact set to the Hub, in one commit."""
    from structkd.pipeline.hub.push import push as push_folder

    print(push_folder(folder, repo, licence=licence, private=private, revision=revision))


def pull(
    repo: Repo,
    folder: Annotated[Path, typer.Argument(help="Where to put it; must not exist yet.")],
    revision: Revision = None,
) -> None:
    """Pull an exported student or an artifact set from the Hub, and check every file's digest."""
    from structkd.pipeline.hub.pull import pull as pull_folder

    print(f"{folder}: whole, from commit {pull_folder(repo, folder, revision=revision)}")
