"""Commands that look into artifact sets."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipeline.console import make_console

if TYPE_CHECKING:
    from artifacts.reader import ArtifactSet
    from artifacts.schema import ArtifactError
    from artifacts.verification import ShardCheck

Folders = Annotated[list[Path], typer.Argument(help="Artifact sets: folders with manifest.json in them.")]
SENTENCE = typer.Option(min=0, help="Show this row instead of the summary.")


def inspect(
    artifacts: Folders,
    sentence: Annotated[int | None, SENTENCE] = None,
    paths: Annotated[int, typer.Option(min=1, help="How many of its best paths to show.")] = 5,
    diff: Annotated[bool, typer.Option("--diff", help="Show how two sets differ.")] = False,
) -> None:
    """Show artifact sets: a summary, a sentence with the teacher's paths and posteriors, or how two sets differ."""
    from artifacts.reader import ArtifactSet

    if diff and (len(artifacts) != 2 or sentence is not None):
        raise typer.BadParameter(f"--diff takes two sets and no --sentence, found {len(artifacts)} sets")
    console, found = make_console(), [ArtifactSet.open(folder) for folder in artifacts]
    if diff:
        from artifacts.comparison import compare
        from pipeline.views import difference_view

        first, second = found
        console.print(difference_view(first, second, compare(first, second)))
        return
    for one in found:
        _show(console, one, sentence, paths)


def _show(console: Console, artifacts: "ArtifactSet", sentence: int | None, paths: int) -> None:
    from artifacts.inspection import sentence_view, summary
    from artifacts.schema import ArtifactError
    from pipeline.calibrations import SET_HEADS, TITLE, set_cells
    from pipeline.formats import as_table
    from pipeline.views import sentence_panel, summary_table

    if sentence is None:
        console.print(summary_table(artifacts, summary(artifacts)))
        if rows := set_cells(artifacts):
            console.print(as_table(SET_HEADS, rows, left=2, title=TITLE))
    elif sentence < artifacts.rows:
        console.print(sentence_panel(sentence_view(artifacts, sentence), paths))
    else:
        last = artifacts.rows - 1
        raise ArtifactError(f"{artifacts.folder}: has rows 0 to {last}, not {sentence}; give --sentence one of them")


def verify(
    artifacts: Annotated[list[Path], typer.Argument(help="Artifact sets, or files of frozen encoders' features.")],
) -> None:
    """Check every shard of artifact sets against the manifest; exit code 1 if any file is damaged."""
    from artifacts.schema import ArtifactError
    from tagger.features import FeatureError, FeatureSet

    console, damaged = make_console(), 0
    for folder in artifacts:
        if folder.suffix == ".json" and folder.with_suffix(".safetensors").is_file():
            continue  # which says what the features beside it cost
        errors: Sequence[ValueError] = ()
        try:
            if folder.is_file():
                FeatureSet.open(folder).verify()
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


def _verify(console: Console, folder: Path) -> "list[ArtifactError]":
    """The errors of a set's files, found behind a progress bar of bytes where a terminal is there to show it."""
    from artifacts.manifest import Manifest
    from artifacts.verification import verify as verify_shards
    from pipeline.progress import byte_bar

    shards = Manifest.read(folder).shards
    checks: list[ShardCheck] = []
    with byte_bar(console, folder.name, sum(shard.bytes for shard in shards)) as advance:
        for check in verify_shards(folder):
            checks.append(check)
            advance(check.bytes, f"{len(checks)} of {len(shards)} shards")
    return [check.error for check in checks if check.error]
