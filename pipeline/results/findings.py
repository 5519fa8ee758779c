"""The findings that tables and reports show: the finished cells of an experiment or grid, by table, task and label."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.experiment.grid import BASELINE, TEACHERS, Entry, Grid, Table, entries, rows_path
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.pieces import Plan
from structkd.pipeline.results.comparisons import Entries
from structkd.pipeline.results.rows import SCHEMA, Row, read_rows, student_row, teachers_row
from structkd.tagger.config import METRIC_NAMES


@dataclass(frozen=True)
class TaskFindings:
    """A task's cells by label, the teachers first; cells of a sweep also by value."""

    name: str
    title: str
    experiments: Mapping[str, Experiment]
    """The experiments by label."""
    entries: Entries
    sweep: Mapping[str, Mapping[float, pl.DataFrame]]

    @property
    def experiment(self) -> Experiment:
        """The first label's experiment, for the settings that a task's experiments share."""
        return next(iter(self.experiments.values()))

    @property
    def metric(self) -> str:
        """The name of the scores."""
        return METRIC_NAMES[Data(self.experiment).metric]


@dataclass(frozen=True)
class TableFindings:
    """A table's tasks. `split` is the split of its scores: test, zero_shot or dev."""

    name: str
    title: str
    split: str
    sweep_label: str | None
    tasks: tuple[TaskFindings, ...]


def grid_findings(grid: Grid, split: str | None = None) -> tuple[TableFindings, ...]:
    """Return the findings in a grid's file of rows, found by settings: neither corpora nor encoders are needed.

    Tasks and tables without a row are left out.

    Raises:
        RowError: a damaged file.
    """
    rows = read_rows(rows_path(grid)).explode("settings_digests")
    tables = (_table(table, list(entries(grid, table)), rows, split or table.scores) for table in grid.tables)
    return tuple(table for table in tables if table.tasks)


def plan_findings(plan: Plan, split: str = "test", calibration: Sequence[Row] = ()) -> TableFindings:
    """Return the findings in the finished pieces of an experiment.

    `calibration` is that of its teachers, see `plan_calibrations`; without it the sets are not read.

    Raises:
        ResultError: a damaged result.
    """
    experiment = plan.experiment
    found = [student_row(plan, experiment.name, student) for student in plan.students if student.done]
    if all(teacher.local for teacher in plan.teachers):
        found.insert(0, teachers_row(plan, experiment.name, calibration))
    rows = pl.DataFrame(found, schema=SCHEMA)
    systems = rows["system"].unique(maintain_order=True)
    cells = Entries({name: rows.filter(system=name) for name in systems})
    experiments: dict[str, Experiment] = dict.fromkeys(experiment.student.systems, experiment)
    task = TaskFindings(experiment.name, experiment.title, experiments, cells, {})
    return TableFindings(experiment.name, experiment.title, split, None, (task,))


def _table(table: Table, found: Sequence[Entry], rows: pl.DataFrame, split: str) -> TableFindings:
    by_task: dict[str, list[Entry]] = {}
    for entry in found:
        by_task.setdefault(entry.task, []).append(entry)
    sweep = table.sweep.label if table.sweep else None
    tasks = (_task(name, table.title, mine, rows, sweep) for name, mine in by_task.items())
    begun = tuple(task for task in tasks if any(map(len, task.entries.values())))
    return TableFindings(table.name, table.title, split, sweep, begun)


def _task(name: str, title: str, found: Sequence[Entry], rows: pl.DataFrame, sweep: str | None) -> TaskFindings:
    def cells(digests: Iterable[str]) -> pl.DataFrame:
        return rows.filter(pl.col("settings_digests").is_in(list(digests)))

    by_row: dict[tuple[str, float | None], list[Entry]] = {}
    for entry in found:
        by_row.setdefault((entry.label, entry.value), []).append(entry)
    shown = Entries({TEACHERS: cells({entry.experiment.teachers_digest for entry in next(iter(by_row.values()))})})
    swept: dict[str, dict[float, pl.DataFrame]] = {}
    for (label, value), mine in by_row.items():
        digests = (one.experiment.student_digest(one.system, seed) for one in mine for seed in one.seeds)
        alone = value is None or mine[0].system == BASELINE
        shown[label if alone else f"{label}, {sweep} = {value:g}"] = here = cells(digests)
        if value is not None:
            swept.setdefault(label, {})[value] = here
    return TaskFindings(name, f"{title}: {name}", {entry.label: entry.experiment for entry in found}, shown, swept)
