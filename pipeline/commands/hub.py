"""`structkd push` and `structkd pull`: exported students and artifact sets on the Hub; artifact sets in stores."""

from pathlib import Path
from typing import Annotated

import typer

from structkd.pipeline.commands.console import make_console

Repo = Annotated[
    str, typer.Argument(help="OWNER/NAME; for an artifact set datasets/OWNER/NAME, or s3://, gs://, az:// and a path.")
]
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
    """Push an exported student or an artifact set to the Hub, in one commit; an artifact set to a store."""
    if "://" in repo:
        if licence or private or revision:
            raise typer.BadParameter("--licence, --private and --revision are for the Hub")
        _copy(str(folder), repo)
        return
    from structkd.pipeline.hub.push import push as push_folder

    print(push_folder(folder, repo, licence=licence, private=private, revision=revision))


def pull(
    repo: Repo,
    folder: Annotated[Path, typer.Argument(help="Where to put it; must not exist yet.")],
    revision: Revision = None,
) -> None:
    """Pull an exported student or an artifact set from the Hub or a store, and check every file's digest."""
    if "://" in repo:
        if revision:
            raise typer.BadParameter("--revision is for the Hub")
        _copy(repo, str(folder))
        return
    from structkd.pipeline.hub.pull import pull as pull_folder

    print(f"{folder}: whole, from commit {pull_folder(repo, folder, revision=revision)}")


def _copy(source: str, target: str) -> None:
    """Copy an artifact set; on a terminal, show a progress bar of bytes."""
    from structkd.artifacts.copying import copy_set
    from structkd.artifacts.manifest import Manifest
    from structkd.artifacts.stores.places import parse_place
    from structkd.pipeline.execution.progress import byte_bar

    here, there = parse_place(source), parse_place(target)
    shards, console = Manifest.read(here).shards, make_console()
    with byte_bar(console, here.name, sum(shard.bytes for shard in shards)) as advance:
        for number, shard in enumerate(copy_set(here, there), 1):
            advance(shard.bytes, f"{number} of {len(shards)} shards")
    console.print(f"{there}: whole", soft_wrap=True)
