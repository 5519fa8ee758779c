"""`structkd reproduce`: run a grid."""

from typing import Annotated

import typer

from structkd.pipeline.commands.console import make_console
from structkd.pipeline.commands.options import Address, EngineOption, Track, Workers
from structkd.pipeline.execution.engines import EngineKind, choose_engine
from structkd.pipeline.execution.progress import choose_display
from structkd.pipeline.execution.reproduce import run_grid
from structkd.pipeline.experiment.grid import load_grid, rows_path
from structkd.pipeline.experiment.parsing import ExperimentError

Name = Annotated[str, typer.Argument(help="A grid: experiments/grids/NAME.toml, or a path that ends in .toml.")]
Tables = Annotated[list[str] | None, typer.Option("--table", help="Only this table of the grid.", show_default="all")]


def reproduce(
    grid: Name = "capped",
    table: Tables = None,
    workers: Workers = None,
    kind: EngineOption = EngineKind.PROCESSES,
    address: Address = None,
    track: Track = None,
) -> None:
    """Run the cells of a grid (tasks, systems, seeds) that have no row in results/GRID.parquet yet."""
    console, loaded = make_console(), load_grid(grid)
    known = [one.name for one in loaded.tables]
    if unknown := sorted({*(table or known)} - {*known}):
        raise ExperimentError(f"grid {loaded.name} has no table {', '.join(unknown)}; it has {', '.join(known)}")
    chosen = [one for one in loaded.tables if one.name in (table or known)]
    added = run_grid(loaded, chosen, choose_engine(workers, kind, address), choose_display(console), track)
    path = rows_path(loaded)
    console.print(f"{path}: {added or 'no'} new rows; see `structkd report {grid}`", soft_wrap=True)
