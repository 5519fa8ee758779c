"""`structkd report`: show results."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from structkd.artifacts.stores.places import Place
from structkd.corpora.sentences import CorpusError
from structkd.ground.files import atomic_path
from structkd.pipeline.commands.console import make_console, print_table, write
from structkd.pipeline.commands.options import Changes, Runs, runs_place
from structkd.pipeline.execution.sharing import fetch_finished
from structkd.pipeline.experiment.changes import load_changed
from structkd.pipeline.experiment.grid import load_grid
from structkd.pipeline.experiment.parsing import ExperimentError
from structkd.pipeline.experiment.places import is_grid
from structkd.pipeline.plan.pieces import RUNS, Plan, StudentPlan, make_plan
from structkd.tagger.description import CheckpointError
from structkd.tagger.encoders.pretrained import EncoderError
from structkd.teachers.sources.config import SourceError

if TYPE_CHECKING:
    from structkd.pipeline.report.page.sentences import SentenceCard
    from structkd.pipeline.results.findings import TableFindings

Name = Annotated[
    str, typer.Argument(help="An experiment (experiments/NAME.toml) or a grid (experiments/grids/NAME.toml).")
]
Split = Annotated[
    Literal["dev", "test", "zero_shot"] | None,
    typer.Option(help="Scores that the tables show.", show_default="test, or what a grid's table says"),
]
Format = Annotated[
    Literal["html", "png", "table", "md", "latex"],
    typer.Option(help="An HTML page; a picture of the first table's gap; or tables for a terminal, Markdown, LaTeX."),
]
Output = Annotated[Path | None, typer.Option(help="File of the page or picture.", show_default="runs/NAME/report.*")]
Sentences = Annotated[
    int, typer.Option(min=0, help="Number of held-out sentences per language and task in the page's browser.")
]


def report(
    name: Name = "demo",
    split: Split = None,
    format: Format = "html",  # noqa: A002
    output: Output = None,
    sentences: Sentences = 25,
    runs: Runs = str(RUNS),
    changes: Changes = None,
    unseen: Annotated[
        bool,
        typer.Option("--unseen", help="Leave out test sentences that stand in train or text."),
    ] = False,
) -> None:
    """Show the results of an experiment or a grid: one self-contained HTML page, or its tables."""
    if output and format not in ("html", "png"):
        raise typer.BadParameter(f"--output is for html and png; {format} is printed, send it to a file")
    place = runs_place(runs)
    here = place if isinstance(place, Path) else RUNS
    title, tables = _found(name, split, changes or (), place)
    if unseen:
        from structkd.pipeline.results.unseen import without_seen

        tables = tuple(map(without_seen, tables))
    found = [cells for table in tables for task in table.tasks for cells in task.entries.values() if len(cells)]
    if not found:
        others = f"; {here / Path(name).stem} contains pieces of other settings: give the same --set as they had"
        there = not is_grid(name) and any((here / Path(name).stem).glob("students/*"))
        raise ExperimentError(
            f"{name}: nothing is finished; run `structkd {_command(name)} {name}`{others if there else ''}"
        )
    if split and not any(cells[split].list.len().sum() for cells in found):
        raise ExperimentError(f"{name}: nothing is scored on {split}, which it has no corpora for; leave --split out")
    path = output or here / Path(name).stem / f"report.{format}"
    if format == "html":
        from structkd.pipeline.report.build import make_page
        from structkd.pipeline.report.page.render import render

        page = make_page(f"structkd: {Path(name).stem}", title, tables, list(_cards(tables[0], sentences, place)))
        _write(path, lambda temporary: temporary.write_text(render(page), "utf-8"))
    elif format == "png":
        from structkd.pipeline.report.build import gap_chart
        from structkd.pipeline.report.page.plots import png

        _write(path, lambda temporary: png(gap_chart(tables[0]), temporary))
    else:
        _print(tables, format)


def _write(path: Path, write: Callable[[Path], object]) -> None:
    with atomic_path(path) as temporary:
        write(temporary)
    make_console().print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", soft_wrap=True)


def _found(
    name: str, split: str | None, changes: Sequence[str], runs: Place
) -> "tuple[str, tuple[TableFindings, ...]]":
    from structkd.pipeline.results.calibrations import plan_calibrations
    from structkd.pipeline.results.findings import grid_findings, plan_findings
    from structkd.pipeline.results.provenance import provenance_note

    if is_grid(name):
        if changes:
            raise ExperimentError(f"{name}: a grid; --set is for experiments")
        grid = load_grid(name)
        return grid.title, grid_findings(grid, split)
    plan = make_plan(load_changed(name, changes), runs)
    fetch_finished([plan])
    if note := provenance_note(plan):
        make_console(stderr=True).print(note, style="yellow", soft_wrap=True)
    return plan.experiment.title, (plan_findings(plan, split or "test", plan_calibrations(plan)),)


def _command(name: str) -> str:
    return "reproduce" if is_grid(name) else "distill"


def _cards(table: "TableFindings", sentences: int, runs: Place) -> "Iterator[SentenceCard]":
    """Yield each task's held-out sentences, with the labels of the first seed's students."""
    if not sentences:
        return
    from structkd.pipeline.report.cards import sentence_cards

    for task in table.tasks:
        try:
            plans = {label: make_plan(experiment, runs) for label, experiment in task.experiments.items()}
        except (CorpusError, EncoderError, SourceError, CheckpointError) as error:
            make_console(stderr=True).print(f"{task.name}: no sentences to browse: {error}", style="yellow")
            continue
        found = {label: _first(plan, label) for label, plan in plans.items()}
        students = {label: student.folder for label, student in found.items() if student}
        yield from sentence_cards(next(iter(plans.values())), students, sentences=sentences)


def _first(plan: Plan, label: str) -> StudentPlan | None:
    """Return a label's first finished student: of the system of that name, or of the only one."""
    systems = plan.experiment.student.systems
    mine = [student for student in plan.students if student.system == label or len(systems) == 1]
    return next((student for student in mine if student.done), None)


def _print(tables: "tuple[TableFindings, ...]", format: str) -> None:  # noqa: A002
    from structkd.pipeline.report.formats import as_latex, as_markdown, latex_text
    from structkd.pipeline.report.tables import text_tables
    from structkd.pipeline.report.types import type_tables
    from structkd.pipeline.results.comparisons import NOTE

    console = make_console()
    by_type = [type_tables(task, f"{task.name}: ") for task in tables[0].tasks if tables[0].split == "test"]
    for view in chain(text_tables(tables), *by_type):
        if format == "table":
            print_table(console, view)
        elif format == "md":
            texts = (view.title, as_markdown(view.heads, view.rows, left=view.left), view.note)
            write("\n\n".join(filter(None, texts)) + "\n")
        else:
            texts = (latex_text(view.title), as_latex(view.heads, view.rows, left=view.left), latex_text(view.note))
            write("\n\n".join(filter(None, texts)) + "\n")
    if format == "table":
        console.print(NOTE, soft_wrap=True)
    else:
        write(NOTE if format == "md" else latex_text(NOTE))
