"""Parts of a grid: some of its tables, tasks, systems and seeds."""

from collections.abc import Collection, Iterator

from structkd.pipeline.experiment.grid import Grid, Table
from structkd.pipeline.experiment.parsing import ExperimentError

Names = Collection[str] | None


def chosen_tables(
    grid: Grid, tables: Names = None, tasks: Names = None, systems: Names = None, seeds: Collection[int] | None = None
) -> list[Table]:
    """Return the grid's tables with the chosen tasks, rows and seeds alone; None chooses all.

    Raises:
        ExperimentError: a name or a seed that the grid does not have, or nothing left.
    """
    _check(grid, "table", tables, [table.name for table in grid.tables])
    _check(grid, "task", tasks, [*grid.tasks])
    _check(grid, "system", systems, sorted({row.system for table in grid.tables for row in table.rows}))
    _check(grid, "seed", seeds, sorted({seed for table in grid.tables for seed in table.seeds or grid.seeds}))
    wanted = [table for table in grid.tables if not tables or table.name in tables]
    if not (found := [part for table in wanted for part in _part(grid, table, tasks, systems, seeds)]):
        raise ExperimentError(f"grid {grid.name}: no table has a row of these tasks, systems and seeds together")
    return found


def _part(grid: Grid, table: Table, tasks: Names, systems: Names, seeds: Collection[int] | None) -> Iterator[Table]:
    changes = {task: {} for task in grid.tasks} if table.tasks is None else table.tasks
    part = {
        "tasks": {task: change for task, change in changes.items() if not tasks or task in tasks},
        "rows": tuple(row for row in table.rows if not systems or row.system in systems),
        "seeds": tuple(seed for seed in table.seeds or grid.seeds if not seeds or seed in seeds),
    }
    if all(part.values()):
        yield table.model_copy(update=part)


def _check(grid: Grid, kind: str, named: Collection[object] | None, known: Collection[object]) -> None:
    if unknown := [str(name) for name in named or () if name not in known]:
        have = ", ".join(map(str, known))
        raise ExperimentError(f"grid {grid.name} has no {kind} {', '.join(unknown)}; it has {have}")
