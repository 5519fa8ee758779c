"""Grids: one TOML file with tasks, systems and seeds, and the tables of their results."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from structkd.corpora.settings import FileName, Seed, Settings, named_once
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.experiment.parsing import ExperimentError, Values, merged, parse, read_toml
from structkd.pipeline.experiment.places import GRIDS, find
from structkd.student.config import SystemName

RESULTS = Path("results")
TEACHERS, BASELINE = "teachers", "baseline"  # the systems that span the gap


class Row(Settings):
    """A line of a table: a system, and its changes to the task's experiment."""

    label: str
    system: SystemName
    change: Values = Field({}, description="changes to the task's experiment")


class Sweep(Settings):
    """A setting with several values; each value is a point of every row's curve."""

    label: str = Field(description="label of the axis")
    key: str = Field(description="the setting's key, with dots, such as student.distill.k")
    values: tuple[int | float, ...] = Field(min_length=1)


class Table(Settings):
    """A table: rows for some tasks."""

    name: str
    title: str
    tasks: dict[str, Values] | None = Field(
        None, description="names, or a table of changes to their experiments in all rows; None takes all"
    )
    seeds: tuple[Seed, ...] | None = Field(None, description="None takes the grid's")
    teachers_by_seed: bool = Field(
        False, description="students of a seed learn from teachers of that seed; false: all from the same teachers"
    )
    scores: Literal["test", "zero_shot"] = Field("test", description="the scores that the table shows")
    change: Values = Field({}, description="changes to the tasks' experiments in all rows")
    sweep: Sweep | None = None
    rows: tuple[Row, ...] = Field(min_length=1, description="a system's name alone is a row with that label")

    @field_validator("tasks", mode="before")
    @classmethod
    def _names_are_tasks(cls, tasks: Any) -> Any:
        return {task: {} for task in tasks} if isinstance(tasks, list) else tasks

    @field_validator("rows", mode="before")
    @classmethod
    def _names_are_rows(cls, rows: Any) -> Any:
        if not isinstance(rows, list):
            return rows
        return [{"label": row, "system": row} if isinstance(row, str) else row for row in rows]

    @field_validator("rows")
    @classmethod
    def _labels_tell_rows_apart(cls, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        named_once([row.label for row in rows])
        for row in rows:
            if row.label == TEACHERS or (row.label == BASELINE and row.system != BASELINE):
                raise PydanticCustomError(
                    "label",
                    "found label {label} for system {system}; the ends of the gap alone are called {ends}",
                    {"label": row.label, "system": row.system, "ends": f"{TEACHERS} and {BASELINE}"},
                )
        return rows


class Grid(Settings):
    """All tables of a file. Each task is an experiment: `defaults` and the task's own settings."""

    name: FileName
    title: str
    seeds: tuple[Seed, ...] = Field(min_length=1, description="seeds of the students")
    defaults: Values = Field({}, description="settings of every task")
    tasks: dict[FileName, Values] = Field(min_length=1)
    tables: tuple[Table, ...] = Field(min_length=1)

    @field_validator("tables")
    @classmethod
    def _names_tell_tables_apart(cls, tables: tuple[Table, ...]) -> tuple[Table, ...]:
        named_once([table.name for table in tables])
        return tables


def rows_path(grid: Grid) -> Path:
    """Return the file of a grid's rows."""
    return RESULTS / f"{grid.name}.parquet"


@dataclass(frozen=True)
class Entry:
    """A row of a table, for one task: one system and the seeds that share teachers. `value` is the sweep's, if any."""

    label: str
    task: str
    value: float | None
    experiment: Experiment

    @property
    def system(self) -> SystemName:
        """The only system of the experiment."""
        return self.experiment.student.systems[0]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of its students."""
        return self.experiment.student.seeds


def load_grid(name: str) -> Grid:
    """Read the file `name` if it ends in .toml, else `experiments/grids/<name>.toml` from here or from the package.

    Raises:
        ExperimentError: no such file, no TOML, unknown or missing keys, values out of range.
    """
    path = find(name, GRIDS, "grid")
    grid = parse(Grid, {"name": path.stem} | read_toml(path), str(path))
    for table in grid.tables:
        if unknown := sorted({*(table.tasks or ())} - grid.tasks.keys()):
            raise ExperimentError(
                f"{path}: table {table.name} has tasks {', '.join(unknown)}; the grid has {', '.join(grid.tasks)}"
            )
        made = list(entries(grid, table))  # whose experiments are checked by being made
        if table.sweep and not _have_one_gap(made):
            raise ExperimentError(
                f"{path}: table {table.name} sweeps {table.sweep.key}, on which its baseline or teachers depend; "
                "give each value a table of its own"
            )
    return grid


def entries(grid: Grid, table: Table) -> Iterator[Entry]:
    """Yield a table's entries, task by task, in the order of its rows and of its sweep.

    Raises:
        ExperimentError: settings that do not make an experiment.
    """
    tasks = {task: {} for task in grid.tasks} if table.tasks is None else table.tasks
    for task, differs in tasks.items():
        shared = (grid.defaults, grid.tasks[task], table.change, differs)
        for row in table.rows:
            for value in table.sweep.values if table.sweep else [None]:
                swept = nested(table.sweep.key, value) if table.sweep else {}
                for seeds in _seeds(grid, table):
                    values: Values = {"name": f"{grid.name}-{task}", "title": f"{grid.title}: {task}"}
                    for change in (*shared, row.change, swept, nested("student.systems", [row.system]), seeds):
                        values = merged(values, change)
                    place = f"grid {grid.name}, table {table.name}, task {task}, row {row.label}"
                    yield Entry(row.label, task, value, parse(Experiment, values, place))


def _seeds(grid: Grid, table: Table) -> list[Values]:
    """The seeds as changes to an experiment, one for the students that share teachers."""
    seeds = table.seeds or grid.seeds
    if not table.teachers_by_seed:
        return [nested("student.seeds", list(seeds))]
    return [{"student": {"seeds": [seed]}, "teacher": {"seed": seed}} for seed in seeds]


def _have_one_gap(made: Sequence[Entry]) -> bool:
    """True if no value of the sweep changes a task's teachers or its baselines."""
    teachers = {(entry.task, entry.seeds, entry.experiment.teachers_digest) for entry in made}
    gold = [entry for entry in made if entry.system == BASELINE]
    baselines = {(entry.task, entry.label, entry.experiment.student_digest(entry.system, 0)) for entry in gold}
    return len(teachers) == len({(entry.task, entry.seeds) for entry in made}) and len(baselines) == len(
        {(entry.task, entry.label) for entry in gold}
    )


def nested(key: str, value: Any) -> Values:
    """Return tables that contain one setting, whose key has dots."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)
