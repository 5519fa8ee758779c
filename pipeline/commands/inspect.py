"""`structkd inspect`: look into artifact sets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from structkd.pipeline.commands.console import make_console, write
from structkd.pipeline.commands.frames import check_output, write_frame

if TYPE_CHECKING:
    import polars as pl

    from structkd.artifacts.reader import ArtifactSet

Folders = Annotated[
    list[str],
    typer.Argument(help="Artifact sets: folders that contain manifest.json, or s3://, gs://, az:// addresses."),
]
SENTENCE = typer.Option(min=0, help="Show this row instead of the summary.")


def inspect(
    artifacts: Folders,
    sentence: Annotated[int | None, SENTENCE] = None,
    paths: Annotated[int, typer.Option(min=1, help="Number of best paths to show.")] = 5,
    diff: Annotated[bool, typer.Option("--diff", help="Compare two sets.")] = False,
    worst: Annotated[
        int | None, typer.Option(min=1, help="Show the N sentences of which teachers are least sure.")
    ] = None,
    wrong: Annotated[int | None, typer.Option(min=1, help="Show N sentences: gold differs, teachers are sure.")] = None,
    disagree: Annotated[
        int | None, typer.Option(min=1, help="Show N sentences of two sets: both sure, not agreed.")
    ] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print DuckDB views in which labels have names.")] = False,
    output: Annotated[Path | None, typer.Option(help="Write the sentences to a .parquet or .csv file.")] = None,
) -> None:
    """Show artifact sets: a summary, a sentence with its paths and posteriors, or sentences to look at."""
    from structkd.artifacts.reader import ArtifactSet

    asked = {"--worst": worst, "--wrong": wrong, "--disagree": disagree}
    questions = [name for name, n in asked.items() if n]
    if sum((len(questions), diff, sql, sentence is not None)) > 1:
        raise typer.BadParameter("--sentence, --diff, --worst, --wrong, --disagree, --sql: give one of them")
    if output and not questions:
        raise typer.BadParameter("--output is for --worst, --wrong and --disagree")
    check_output(output)
    if (diff or disagree) and len(artifacts) != 2:
        raise typer.BadParameter(f"{'--diff' if diff else '--disagree'} takes two sets, found {len(artifacts)}")
    console, found = make_console(), [ArtifactSet.open(folder) for folder in artifacts]
    if diff:
        from structkd.artifacts.comparison import compare
        from structkd.pipeline.report.views import difference_view

        first, second = found
        console.print(difference_view(first, second, compare(first, second)))
        return
    if sql:
        from structkd.artifacts.questions import view_sql

        write("\n".join(map(view_sql, found)))
        return
    if questions:
        _answer(console, _asked(found, worst, wrong, disagree), output)
        return
    for one in found:
        _show(console, one, sentence, paths)


def _asked(found: "list[ArtifactSet]", worst: int | None, wrong: int | None, disagree: int | None) -> "pl.DataFrame":
    from structkd.artifacts import questions

    if disagree:
        return questions.disagreements(found[0], found[1], disagree)
    return questions.against_gold(found, wrong) if wrong else questions.least_sure(found, worst or 1)


def _answer(console: Console, frame: "pl.DataFrame", output: Path | None) -> None:
    from structkd.pipeline.report.views import sentences_table

    if output is None:
        console.print(sentences_table(frame) if len(frame) else "none")
        return
    write_frame(output, frame)
    console.print(f"{output}: {len(frame)} sentences", soft_wrap=True)


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
