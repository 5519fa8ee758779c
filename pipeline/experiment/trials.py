"""The trials of `[tune]`, as tables of a grid: what runs and keeps the cells of a grid does so for them."""

from collections.abc import Iterator
from functools import reduce
from typing import Any

from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.experiment.grid import BASELINE, Grid, Row, Table, entries, load_grid, nested
from structkd.pipeline.experiment.parsing import ExperimentError, Values, merged, parse, read_toml
from structkd.pipeline.experiment.places import EXPERIMENTS, find, is_grid
from structkd.pipeline.experiment.tune import GOLD, Tune
from structkd.student.config import SystemName

_DRAWS = 100  # of a trial, until one differs from those before it
_UNSCORED: Values = {"student": {"test": False}}


def load_trials(name: str) -> Grid:
    """Return a grid whose tables are the trials of an experiment, or those of a grid's tasks: one table a task.

    Its name, runs and teachers are those of the experiment or grid. No trial reads test.

    Raises:
        ExperimentError: no such file, no `[tune]`, too few different settings, or some that make no experiment.
    """
    grid = load_grid(name) if is_grid(name) else _grid_of(name)
    wanted = {task: merged(grid.defaults, values).get("tune") for task, values in grid.tasks.items()}
    if not any(wanted.values()):
        raise ExperimentError(
            f"{name}: found no table tune, which says what to try; add [tune] to an experiment, [defaults.tune] or "
            "[tasks.TASK.tune] to a grid"
        )
    tables = tuple(
        _table(grid, task, parse(Tune, values, f"{name}, tune")) for task, values in wanted.items() if values
    )
    return grid.model_copy(update={"tables": tables})


def settings_of(row: Row) -> dict[str, Any]:
    """Return the settings that a trial has drawn, by key."""
    return {key: value for key, value in _leaves(row.change) if key != "student.test"}


def _grid_of(name: str) -> Grid:
    """Return an experiment as a grid of one task, with the experiment's folder of runs."""
    experiment = load_experiment(name)
    values = {"name": experiment.name} | read_toml(find(name, EXPERIMENTS, "experiment"))
    row = Row(label=BASELINE, system=BASELINE)
    return Grid(
        name=experiment.name,
        title=experiment.title,
        seeds=experiment.student.seeds,
        tasks={experiment.name: values},
        tables=(Table(name="tune", title=experiment.title, rows=(row,)),),
    )


def _table(grid: Grid, task: str, tune: Tune) -> Table:
    rows = tuple(row for system in tune.systems for row in _rows(grid, task, tune, system))
    return _with_rows(task, tune, *rows)


def _with_rows(task: str, tune: Tune, *rows: Row) -> Table:
    title = f"Tuning, {tune.trials} trials a system: {task}"
    return Table(name=f"tune-{task}", title=title, tasks={task: {}}, seeds=(tune.seed,), rows=rows)


def _rows(grid: Grid, task: str, tune: Tune, system: SystemName) -> Iterator[Row]:
    """Yield a system's trials, all different for it."""
    known = set[str]()
    for drawn in [{}, *tune.draws(_DRAWS * tune.trials)]:
        mine = {key: value for key, value in drawn.items() if system != BASELINE or key.startswith(GOLD)}
        change = reduce(merged, (nested(key, value) for key, value in mine.items()), _UNSCORED)
        row = Row(label=f"{system}, trial {len(known) + 1}", system=system, change=change)
        (entry,) = entries(grid, _with_rows(task, tune, row))
        digest = entry.experiment.student_digest(system, tune.seed)
        if digest not in known:
            known.add(digest)
            yield row
        if len(known) == tune.trials:
            return
    raise ExperimentError(
        f"grid {grid.name}, task {task}: {tune.trials} trials, but only {len(known)} different settings for {system}; "
        "lower tune.trials, or give tune.over more values"
    )


def _leaves(values: Values, place: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{place}{key}.")
        else:
            yield f"{place}{key}", value
