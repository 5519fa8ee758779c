"""Commands that look into artifact sets."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

Folder = Annotated[Path, typer.Argument(help="An artifact set: a folder with manifest.json in it.")]


def inspect(
    artifacts: Folder,
    sentence: Annotated[int | None, typer.Option(min=0, help="Show this row instead of the summary.")] = None,
    paths: Annotated[int, typer.Option(min=1, help="How many of its best paths to show.")] = 5,
) -> None:
    """Show an artifact set: its summary, or a sentence with the teacher's paths and posteriors."""
    from artifacts.inspection import sentence_view, summary
    from artifacts.reader import ArtifactSet
    from artifacts.schema import ArtifactError
    from pipeline.views import sentence_panel, summary_table

    found, console = ArtifactSet.open(artifacts), Console()
    if sentence is None:
        console.print(summary_table(found, summary(found)))
    elif sentence < found.rows:
        console.print(sentence_panel(sentence_view(found, sentence), paths))
    else:
        raise ArtifactError(f"{artifacts}: has rows 0 to {found.rows - 1}, not {sentence}; give --sentence one of them")


def verify(artifacts: Folder) -> None:
    """Check every shard of an artifact set against its manifest; exit code 1 if any is damaged."""
    from rich.progress import track

    from artifacts.manifest import Manifest
    from artifacts.verification import verify as verify_shards

    console, damaged = Console(), 0
    total = len(Manifest.read(artifacts).shards)
    for result in track(verify_shards(artifacts), "verifying", total=total, console=console, transient=True):
        damaged += result.error is not None
        if result.error:
            console.print(f"  {result.file}: {result.error}", style="red", highlight=False, soft_wrap=True)
    console.print(f"{artifacts}: {'damaged' if damaged else 'whole'}", highlight=False)
    if damaged:
        raise typer.Exit(1)
