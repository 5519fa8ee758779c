"""`structkd reproduce`: run a grid."""

from typing import Annotated

import typer

from structkd.pipeline.commands.console import make_console, print_table
from structkd.pipeline.commands.options import (
    Address,
    DryRun,
    EngineOption,
    Runs,
    Track,
    Workers,
    runs_again,
    runs_place,
)
from structkd.pipeline.execution.engines import EngineKind, choose_engine
from structkd.pipeline.execution.progress import choose_display
from structkd.pipeline.execution.reproduce import PlannedEntry, missing_entries, run_grid
from structkd.pipeline.experiment.grid import Table, load_grid, rows_path
from structkd.pipeline.experiment.selection import chosen_tables
from structkd.pipeline.plan.pieces import RUNS
from structkd.pipeline.plan.stored import is_kept
from structkd.pipeline.report.page.tables import TableView

Name = Annotated[str, typer.Argument(help="A grid: experiments/grids/NAME.toml, or a path that ends in .toml.")]
Tables = Annotated[list[str] | None, typer.Option("--table", help="Only this table of the grid.", show_default="all")]
Tasks = Annotated[list[str] | None, typer.Option("--task", help="Only this task.", show_default="all")]
Systems = Annotated[list[str] | None, typer.Option("--system", help="Only this system.", show_default="all")]
Seeds = Annotated[list[int] | None, typer.Option("--seed", help="Only students of this seed.", show_default="all")]


def reproduce(
    grid: Name = "capped",
    table: Tables = None,
    task: Tasks = None,
    system: Systems = None,
    seed: Seeds = None,
    dry_run: DryRun = False,
    workers: Workers = None,
    kind: EngineOption = EngineKind.PROCESSES,
    address: Address = None,
    runs: Runs = str(RUNS),
    track: Track = None,
) -> None:
    """Run the cells of a grid (tasks, systems, seeds) that have no row in results/GRID.parquet yet."""
    console, loaded, place = make_console(), load_grid(grid), runs_place(runs)
    chosen = chosen_tables(loaded, table, task, system, seed)
    if dry_run:
        print_table(console, _missing(loaded.name, missing_entries(loaded, chosen, place)))
        return
    added = run_grid(loaded, chosen, choose_engine(workers, kind, address), choose_display(console), track, place)
    told = f"{rows_path(loaded)}: {added or 'no'} new rows; see `structkd report {grid}{runs_again(runs)}`"
    console.print(told, soft_wrap=True)


def _missing(grid: str, entries: list[tuple[Table, PlannedEntry]]) -> TableView:
    """Return a table of the cells without a row."""
    rows = []
    for table, one in entries:
        seeds, teachers = [student.seed for student in one.plan.students], one.plan.teachers
        trained = f"{sum(map(is_kept, teachers))} of {len(teachers)}"
        rows.append((table.name, one.entry.task, one.entry.label, " ".join(map(str, seeds)) or "-", trained))
    students = sum(len(one.plan.students) for _, one in entries)
    title = f"{grid}: {students} students have no row" if rows else f"{grid}: every cell has its row"
    return TableView(title, ("table", "task", "row", "seeds", "teachers trained"), rows, left=5)
