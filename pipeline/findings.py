"""What tables and reports show of an experiment or a grid: the cells that are there, by table, task and label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.data import Data
from pipeline.experiment import Experiment
from pipeline.grid import Grid, Table
from pipeline.grid_tables import Entries
from pipeline.plan import Plan, StudentPlan
from pipeline.reproduce import PlannedEntry, planned_entries, rows_path
from pipeline.rows import SCHEMA, read_rows, student_row, teachers_row
from pipeline.tables import BASELINE, TEACHERS


@dataclass(frozen=True)
class TaskFindings:
    """A task's cells by label, the teachers' first; those of a sweep by label and value, too."""

    name: str
    title: str
    experiment: Experiment
    plan: Plan
    entries: Entries
    sweep: Mapping[str, Mapping[float, pl.DataFrame]]
    students: Mapping[str, Path]
    """By label, the folder of the first seed's student, where it is there."""

    @property
    def metric(self) -> str:
        """What scores are called."""
        return "strict span F1" if Data(self.experiment).metric == "spans" else "accuracy"


@dataclass(frozen=True)
class TableFindings:
    """A table's tasks. `split` is what it shows: test, zero_shot or dev."""

    name: str
    title: str
    split: str
    sweep_label: str | None
    tasks: tuple[TaskFindings, ...]


def grid_findings(grid: Grid, split: str | None = None) -> tuple[TableFindings, ...]:
    """What a grid's file of rows has. Raises RowError for a damaged one, CorpusError for a corpus that is missing."""
    rows = read_rows(rows_path(grid))
    return tuple(_table(table, planned_entries(grid, table), rows, split) for table in grid.tables)


def plan_findings(plan: Plan, split: str = "test") -> TableFindings:
    """What is finished of an experiment."""
    experiment = plan.experiment
    done = [student for student in plan.students if student.done]
    found = [student_row(plan, experiment.name, student) for student in done]
    if all(teacher.trained for teacher in plan.teachers):
        found.insert(0, teachers_row(plan, experiment.name))
    rows = pl.DataFrame(found, schema=SCHEMA)
    entries = Entries({name: rows.filter(system=name) for name in rows["system"].unique(maintain_order=True)})
    return TableFindings(
        experiment.name,
        experiment.title,
        split,
        None,
        (TaskFindings(experiment.name, experiment.title, experiment, plan, entries, {}, _first(done)),),
    )


def _table(table: Table, planned: Sequence[PlannedEntry], rows: pl.DataFrame, split: str | None) -> TableFindings:
    by_task: dict[str, list[PlannedEntry]] = {}
    for one in planned:
        by_task.setdefault(one.entry.task, []).append(one)
    sweep = table.sweep.label if table.sweep else None
    tasks = tuple(_task(name, table.title, found, rows, sweep) for name, found in by_task.items())
    return TableFindings(table.name, table.title, split or table.scores, sweep, tasks)


def _task(
    name: str, title: str, planned: Sequence[PlannedEntry], rows: pl.DataFrame, sweep: str | None
) -> TaskFindings:
    entries = Entries({TEACHERS: rows.filter(key=planned[0].teachers_key)})
    swept: dict[str, dict[float, pl.DataFrame]] = {}
    for one in planned:
        cells, entry = rows.filter(pl.col("key").is_in(one.student_keys)), one.entry
        if entry.value is None or entry.system == BASELINE:
            entries[entry.label] = cells
        else:
            entries[f"{entry.label}, {sweep} = {entry.value:g}"] = cells
        if entry.value is not None:
            swept.setdefault(entry.label, {})[entry.value] = cells
    students = {one.entry.label: folder for one in planned for folder in _first(one.plan.students).values()}
    return TaskFindings(
        name, f"{title}: {name}", planned[0].entry.experiment, planned[0].plan, entries, swept, students
    )


def _first(students: Sequence[StudentPlan]) -> dict[str, Path]:
    """The folder of each system's first finished student."""
    return {student.system: student.folder for student in reversed(students) if student.done}
