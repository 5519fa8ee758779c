"""Running a grid, cell by cell: the cells without a row in its file."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from structkd.artifacts.stores.places import Place
from structkd.ground.records import Finished, Record
from structkd.pipeline.execution.engines import Engine
from structkd.pipeline.execution.schedule import Listen
from structkd.pipeline.execution.stages import Display, run_students, run_teachers
from structkd.pipeline.execution.trackers import Kind
from structkd.pipeline.execution.tracking import tracked
from structkd.pipeline.experiment.grid import Entry, Grid, Table, entries, rows_path
from structkd.pipeline.plan.pieces import RUNS, Plan, make_plan
from structkd.pipeline.results.calibrations import plan_calibrations
from structkd.pipeline.results.rows import add_rows, read_rows, student_row, teachers_key, teachers_row


@dataclass(frozen=True)
class PlannedEntry:
    """A row of a table for one task, with its plan."""

    entry: Entry
    plan: Plan

    @property
    def teachers_key(self) -> str:
        """The key of the row of its teachers."""
        return teachers_key(self.plan)

    @property
    def student_keys(self) -> tuple[str, ...]:
        """The keys of the rows of its students, seed by seed."""
        return tuple(student.key for student in self.plan.students)

    def wanted(self) -> Iterator[tuple[str, str]]:
        """The digest of settings and the key of each of its rows."""
        experiment = self.entry.experiment
        yield experiment.teachers_digest, self.teachers_key
        for student in self.plan.students:
            yield experiment.student_digest(student.system, student.seed), student.key


def planned_entries(grid: Grid, table: Table, runs: Place = RUNS) -> list[PlannedEntry]:
    """Return a table's entries with their plans. Raises CorpusError for a missing corpus file."""
    return [PlannedEntry(entry, make_plan(entry.experiment, runs)) for entry in entries(grid, table)]


def run_grid(
    grid: Grid,
    tables: Sequence[Table],
    engine: Engine,
    display: Display,
    track: Kind | None = None,
    runs: Place = RUNS,
) -> int:
    """Run missing cells, table after table; each cell's row is kept at once. Returns the number of new rows."""
    path, before = rows_path(grid), len(read_rows(rows_path(grid)))
    for table in tables:
        planned = planned_entries(grid, table, runs)
        wanted = {digest: key for one in planned for digest, key in one.wanted()}
        add_rows(path, [], wanted)  # rows that are there may be known by other settings
        waiting = _waiting(planned, set(read_rows(path)["key"]))
        if not waiting:
            continue
        plans = [one.plan for one in waiting]
        keeper = _Keeper(tracked(display, track, plans), waiting, path, wanted)
        run_teachers(plans, engine, keeper)
        keeper.keep()
        run_students(plans, engine, keeper)
        keeper.keep()
    return len(read_rows(path)) - before


def missing_entries(grid: Grid, tables: Sequence[Table], runs: Place = RUNS) -> list[tuple[Table, PlannedEntry]]:
    """Return the entries of tables that lack rows, with the missing students alone, and write nothing."""
    known, found = set(read_rows(rows_path(grid))["key"]), []
    for table in tables:
        found += [(table, one) for one in _waiting(planned_entries(grid, table, runs), known)]
    return found


def _waiting(planned: Sequence[PlannedEntry], known: set[str]) -> list[PlannedEntry]:
    """Return entries whose rows are not known, with the missing students alone; add their rows' keys to the known ones.

    A student that entries share belongs to the first.
    """
    found = []
    for one in planned:
        students = tuple(student for student in one.plan.students if student.key not in known)
        if students or one.teachers_key not in known:
            found.append(PlannedEntry(one.entry, replace(one.plan, students=students)))
        known |= {one.teachers_key, *one.student_keys}
    return found


def keep_rows(planned: Sequence[PlannedEntry], path: Path, wanted: Mapping[str, str]) -> None:
    """Add the finished rows of some entries that are not written yet; `wanted` as in `add_rows`."""
    known, new = set(read_rows(path)["key"]), {}
    for one in planned:
        plan, task = one.plan, one.entry.task
        if one.teachers_key not in known and all(teacher.done for teacher in plan.teachers):
            new[one.teachers_key] = teachers_row(plan, task, plan_calibrations(plan))
        done = (student for student in plan.students if student.done and student.key not in known)
        new |= {student.key: student_row(plan, task, student) for student in done}
    if new:
        add_rows(path, new.values(), wanted)


class _Keeper:
    """A display that writes the rows of finished jobs."""

    def __init__(
        self, display: Display, waiting: Sequence[PlannedEntry], path: Path, wanted: Mapping[str, str]
    ) -> None:
        self._display, self._waiting, self._path, self._wanted = display, waiting, path, wanted

    @contextmanager
    def watch(self, heading: str, titles: list[str]) -> Iterator[Listen]:
        """See `pipeline.execution.stages.Display`."""
        with self._display.watch(heading, titles) as listen:

            def kept(title: str, record: Record) -> None:
                listen(title, record)
                if isinstance(record, Finished):
                    self.keep()

            yield kept

    def keep(self) -> None:
        """Add the finished rows that are not written yet."""
        keep_rows(self._waiting, self._path, self._wanted)
