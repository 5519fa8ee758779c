"""As many cells of a grid as fit into some seconds: `python -m benchmarks.gpu.cells GRID --seconds 400`.

What `structkd reproduce` does table by table, here in one queue: a student begins as soon as its teachers are done,
the first seed of all tasks before the second. Many processes share one GPU, since small models leave it idle. Rows are
kept as they come, by settings, so that `structkd reproduce` goes on with what is missing, here or elsewhere.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from structkd.ground.records import Log
from structkd.pipeline.execution.reproduce import PlannedEntry, keep_rows, planned_entries
from structkd.pipeline.experiment.grid import load_grid, rows_path
from structkd.pipeline.results.rows import read_rows

CONSOLE = Console(width=160)
KEEP_EVERY = 15.0  # seconds
Priority = tuple[int, ...]


@dataclass(order=True)
class Cell:
    """A teacher or a student that is not there; the least `priority` first, once the folders in `after` are done."""

    priority: Priority
    folder: Path
    run: Callable[[Log], None] = field(compare=False)
    after: frozenset[Path] = field(compare=False, default=frozenset())


def cells_of(planned: Sequence[PlannedEntry], known: set[str]) -> list[Cell]:
    """All that is missing for rows that are not `known`; seeds before tables before rows."""
    from structkd.pipeline.execution.learn import run_student
    from structkd.pipeline.execution.teach import run_teacher, task_labels

    found: dict[Path, Cell] = {}
    labels: dict[str, tuple[str, ...]] = {}
    for place, one in enumerate(planned):
        plan, task = one.plan, one.entry.task
        students = [student for student in plan.students if student.key not in known and not student.done]
        if plan.features and (students or one.teachers_key not in known):
            raise SystemExit(f"{plan.experiment.name}: has frozen encoders; make their features by structkd reproduce")
        if plan.experiment.teacher.answers != "monolingual":
            raise SystemExit(f"{plan.experiment.name}: teachers wait for one another; make them by structkd reproduce")
        first = min((student.seed for student in students), default=0)
        for teacher in plan.teachers if students or one.teachers_key not in known else ():
            if not teacher.done and teacher.folder not in found:
                if task not in labels:
                    labels[task] = task_labels(plan.experiment)
                run = partial(run_teacher, plan.experiment, teacher, labels[task])
                found[teacher.folder] = Cell((first, place, 0), teacher.folder, run)
        after = frozenset(teacher.folder for teacher in plan.teachers if not teacher.done)
        for student in students:
            run = partial(run_student, plan.experiment, student)
            found.setdefault(student.folder, Cell((student.seed, place, 1), student.folder, run, after))
    return list(found.values())


def finished_rows(planned: Sequence[PlannedEntry], path: Path) -> int:
    """Add the rows of all that is done and not kept yet; returns how many there are then."""
    keep_rows(planned, path, {digest: key for one in planned for digest, key in one.wanted()})
    return len(read_rows(path))


def run_cells(cells: Sequence[Cell], workers: int, seconds: float, keep: Callable[[], object]) -> None:
    """Run until all is done or time is up. A cell that fails is told of, and those after it are left out."""
    began = kept = time.monotonic()
    done: set[Path] = set()
    waiting = sorted(cells)
    running: dict[Future[None], tuple[Cell, float]] = {}
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _start)
    while (waiting or running) and time.monotonic() - began < seconds:
        for cell in [cell for cell in waiting if cell.after <= done][: workers - len(running)]:
            waiting.remove(cell)
            running[pool.submit(_work, cell)] = cell, time.monotonic()
        if not running:
            break
        finished, _ = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
        for future in finished:
            cell, since = running.pop(future)
            error = future.exception()
            if error is None:
                done.add(cell.folder)
            now, name = time.monotonic(), "/".join(cell.folder.parts[-3::2])
            CONSOLE.print(f"{now - began:6.1f} s, took {now - since:5.1f} s: {name} {error or ''}")
        if time.monotonic() - kept > KEEP_EVERY:
            keep()
            kept = time.monotonic()
    for process in multiprocessing.active_children() if running else []:
        process.kill()
    pool.shutdown(wait=not running, cancel_futures=True)
    keep()


def _start() -> None:
    import torch

    from structkd.tagger.devices import share_gpus

    torch.set_num_threads(1)
    share_gpus(0)


def _work(cell: Cell) -> None:
    cell.run(_silent)


def _silent(record: object) -> None:
    pass


def main(
    grid: Annotated[str, typer.Argument(help="A grid, as structkd reproduce takes it.")],
    seconds: Annotated[float, typer.Option(help="After which what is not finished is left.")] = 400.0,
    workers: Annotated[int, typer.Option(min=1, help="Processes side by side.")] = max(1, (os.cpu_count() or 2) - 2),
    table: Annotated[list[str] | None, typer.Option("--table", help="Only this table.", show_default="all")] = None,
) -> None:
    """Run cells, and keep their rows."""
    loaded = load_grid(grid)
    tables = [one for one in loaded.tables if not table or one.name in table]
    planned = [one for found in tables for one in planned_entries(loaded, found)]
    path = rows_path(loaded)
    cells = cells_of(planned, set(read_rows(path)["key"]))
    CONSOLE.print(f"{loaded.name}: {len(cells)} cells")
    run_cells(cells, workers, seconds, partial(finished_rows, planned, path))
    CONSOLE.print(f"{path}: {len(read_rows(path))} rows")
    os._exit(0)  # threads of a pool whose processes are gone would wait for them


if __name__ == "__main__":
    typer.run(main)
