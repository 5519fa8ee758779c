"""`structkd tune`: try settings of students on dev."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from structkd.pipeline.commands.console import make_console, print_table, write
from structkd.pipeline.commands.options import Track, Workers
from structkd.pipeline.drafting.draft import as_toml
from structkd.pipeline.execution.engines import choose_engine
from structkd.pipeline.execution.progress import choose_display
from structkd.pipeline.execution.reproduce import run_grid
from structkd.pipeline.experiment.grid import Grid, Row, Table, rows_path
from structkd.pipeline.experiment.places import is_grid
from structkd.pipeline.experiment.trials import load_trials, settings_of

if TYPE_CHECKING:
    from structkd.pipeline.report.page.tables import TableView

Name = Annotated[
    str, typer.Argument(help="An experiment or a grid that has a table `tune`; or a path that ends in .toml.")
]
Scores = dict[str, float]
"""Dev scores by trial."""


def tune(name: Name, workers: Workers = None, track: Track = None) -> None:
    """Try settings of students on dev, as often for each system; print the trials and the best settings."""
    grid = load_trials(name)
    added = run_grid(grid, grid.tables, choose_engine(workers), choose_display(make_console()), track)
    found = _scores(grid)
    for table in grid.tables:
        print_table(make_console(), _view(table, found[table.name]))
        for line in (_as_table if is_grid(name) else _as_options)(table, found[table.name]):
            write(line)
    make_console().print(f"{rows_path(grid)}: {added or 'no'} new rows", soft_wrap=True)


def _scores(grid: Grid) -> dict[str, Scores]:
    from structkd.pipeline.results.comparisons import score_rows
    from structkd.pipeline.results.findings import grid_findings
    from structkd.pipeline.results.tables import score_table

    found = dict[str, Scores]()
    for table in grid_findings(grid, "dev"):
        (task,) = table.tasks
        lines = score_table(score_rows(task.entries), task.experiment.languages, "dev").systems.values()
        found[table.name] = {line.system: line.mean for line in lines if line.mean is not None}
    return found


def _view(table: Table, scores: Scores) -> "TableView":
    """Return the trials, system by system, the best first."""
    from structkd.pipeline.report.page.tables import TableView

    keys = list(dict.fromkeys(key for row in table.rows for key in settings_of(row)))
    rows = [
        (row.label, *(as_toml(drawn[key]) if key in drawn else "-" for key in keys), f"{scores[row.label]:.2f}")
        for rows in _by_system(table, scores).values()
        for row in rows
        for drawn in [settings_of(row)]
    ]
    heads = ("trial", *(key.removeprefix("student.") for key in keys), "dev")
    return TableView(table.title, heads, rows, note="-: as in the file")


def _by_system(table: Table, scores: Scores) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in sorted(table.rows, key=lambda row: -scores[row.label]):
        found.setdefault(row.system, []).append(row)
    return dict(sorted(found.items()))


def _as_table(table: Table, scores: Scores) -> Iterator[str]:
    """Yield a table for the grid's file, with each system's best settings."""
    (task,) = table.tasks or {}
    yield f'[[tables]]\nname = "tuned-{task}"\ntitle = "Tuned on dev"\ntasks = [{as_toml(task)}]\nrows = ['
    for system, rows in _by_system(table, scores).items():
        change = {"change": settings_of(rows[0])} if settings_of(rows[0]) else {}
        yield f"    {as_toml({'label': system, 'system': system} | change)},"
    yield "]"


def _as_options(table: Table, scores: Scores) -> Iterator[str]:
    """Yield each system's best settings as options of `structkd distill`."""
    for system, rows in _by_system(table, scores).items():
        options = [f"--set '{key}={as_toml(value)}'" for key, value in settings_of(rows[0]).items()]
        yield f"{system}: {' '.join(options) or 'as in the file'}"
