"""`structkd verify`: check files against their digests."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from structkd.pipeline.commands.console import make_console

if TYPE_CHECKING:
    from structkd.artifacts.schema import ArtifactError
    from structkd.artifacts.stores.places import Place
    from structkd.artifacts.verification import ShardCheck


def verify(
    artifacts: Annotated[
        list[str],
        typer.Argument(help="Artifact sets, in folders or stores (s3://, gs://, az://), or files of features."),
    ],
) -> None:
    """Check every shard of artifact sets against the manifest; exit code 1 if any file is damaged."""
    from structkd.artifacts.schema import ArtifactError
    from structkd.artifacts.stores.places import parse_place
    from structkd.tagger.features import FeatureError, FeatureSet

    console, damaged = make_console(), 0
    for folder in map(parse_place, artifacts):
        file = folder if isinstance(folder, Path) else None
        if file and file.suffix == ".json" and file.with_suffix(".safetensors").is_file():
            continue  # which says what the features beside it cost
        errors: Sequence[ValueError] = ()
        try:
            if file and file.is_file():
                FeatureSet.open(file).verify()
            else:
                errors = _verify(console, folder)
        except (ArtifactError, FeatureError) as unreadable:  # the other sets are verified all the same
            errors = [unreadable]
        for error in errors:
            console.print(f"  {error}", style="red", soft_wrap=True)
        console.print(f"{folder}: {'damaged' if errors else 'whole'}", soft_wrap=True)
        damaged += bool(errors)
    if damaged:
        raise typer.Exit(1)


def _verify(console: Console, folder: "Place") -> "list[ArtifactError]":
    """Return the errors of a set's files; on a terminal, show a progress bar of bytes."""
    from structkd.artifacts.manifest import Manifest
    from structkd.artifacts.verification import verify as verify_shards
    from structkd.pipeline.execution.progress import byte_bar

    shards = Manifest.read(folder).shards
    checks: list[ShardCheck] = []
    with byte_bar(console, folder.name, sum(shard.bytes for shard in shards)) as advance:
        for check in verify_shards(folder):
            checks.append(check)
            advance(check.bytes, f"{len(checks)} of {len(shards)} shards")
    return [check.error for check in checks if check.error]
