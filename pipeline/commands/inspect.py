"""`structkd inspect`: look into artifact sets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from structkd.pipeline.commands.console import make_console

if TYPE_CHECKING:
    from structkd.artifacts.reader import ArtifactSet

Folders = Annotated[list[Path], typer.Argument(help="Artifact sets: folders that contain manifest.json.")]
SENTENCE = typer.Option(min=0, help="Show this row instead of the summary.")


def inspect(
    artifacts: Folders,
    sentence: Annotated[int | None, SENTENCE] = None,
    paths: Annotated[int, typer.Option(min=1, help="Number of best paths to show.")] = 5,
    diff: Annotated[bool, typer.Option("--diff", help="Compare two sets.")] = False,
) -> None:
    """Show artifact sets: a summary, a sentence with its paths and posteriors, or a comparison of two sets."""
    from structkd.artifacts.reader import ArtifactSet

    if diff and (len(artifacts) != 2 or sentence is not None):
        raise typer.BadParameter(f"--diff takes two sets and no --sentence, found {len(artifacts)} sets")
    console, found = make_console(), [ArtifactSet.open(folder) for folder in artifacts]
    if diff:
        from structkd.artifacts.comparison import compare
        from structkd.pipeline.report.views import difference_view

        first, second = found
        console.print(difference_view(first, second, compare(first, second)))
        return
    for one in found:
        _show(console, one, sentence, paths)


def _show(console: Console, artifacts: "ArtifactSet", sentence: int | None, paths: int) -> None:
    from structkd.artifacts.inspection import sentence_view, summary
    from structkd.artifacts.schema import ArtifactError
    from structkd.pipeline.report.formats import as_table
    from structkd.pipeline.report.views import sentence_panel, summary_table
    from structkd.pipeline.results.calibrations import SET_HEADS, TITLE, set_cells

    if sentence is None:
        console.print(summary_table(artifacts, summary(artifacts)))
        if rows := set_cells(artifacts):
            console.print(as_table(SET_HEADS, rows, left=2, title=TITLE))
    elif sentence < artifacts.rows:
        console.print(sentence_panel(sentence_view(artifacts, sentence), paths))
    else:
        last = artifacts.rows - 1
        raise ArtifactError(f"{artifacts.folder}: has rows 0 to {last}, not {sentence}; give --sentence one of them")
