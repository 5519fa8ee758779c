"""`structkd distill`: both stages, and the table of scores."""

import os
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from structkd.pipeline.commands.console import make_console, print_namesakes, print_table
from structkd.pipeline.commands.options import (
    Address,
    Changes,
    DryRun,
    EngineOption,
    ExperimentName,
    Redo,
    Runs,
    Track,
    Workers,
    runs_again,
    runs_place,
)
from structkd.pipeline.execution.engines import Engine, EngineKind, choose_engine
from structkd.pipeline.execution.progress import choose_display
from structkd.pipeline.execution.redo import discard
from structkd.pipeline.execution.stages import run_students, run_teachers
from structkd.pipeline.execution.trackers import Kind
from structkd.pipeline.execution.tracking import tracked
from structkd.pipeline.experiment.changes import load_changed
from structkd.pipeline.experiment.namesakes import remember
from structkd.pipeline.plan.pieces import RUNS, Plan, make_plan
from structkd.pipeline.results.provenance import provenance_note

if TYPE_CHECKING:
    from structkd.tagger.ranks import Ranks


def distill(
    experiment: ExperimentName = "demo",
    workers: Workers = None,
    kind: EngineOption = EngineKind.PROCESSES,
    address: Address = None,
    runs: Runs = str(RUNS),
    changes: Changes = None,
    redo: Redo = False,
    track: Track = None,
    dry_run: DryRun = False,
) -> None:
    """Run both stages: teachers, then one multilingual student for each system; print the table.

    Under torchrun, all processes train each student together; --workers then applies to all that comes before.
    """
    plan = make_plan(load_changed(experiment, changes), runs_place(runs))
    if os.environ.get("RANK", "0") == "0":  # torchrun's number of this process
        print_namesakes(make_console(), experiment, plan)
    if dry_run:
        from structkd.pipeline.report.pieces import pieces_table

        print_table(make_console(), pieces_table(plan))
        return
    engine = choose_engine(workers, kind, address)
    if "TORCHELASTIC_RUN_ID" in os.environ:
        _distill_by_ranks(plan, engine, redo=redo, track=track)
    else:
        _distill(plan, engine, redo=redo, track=track)
    if os.environ.get("RANK", "0") == "0":
        _finish(plan, experiment, changes or (), runs)


def _distill_by_ranks(plan: Plan, engine: Engine, *, redo: bool, track: Kind | None) -> None:
    from structkd.tagger.ranks import joined  # loads torch, which a finished experiment never needs

    with joined() as ranks:
        _distill(plan, engine, ranks, redo=redo, track=track)


def _distill(plan: Plan, engine: Engine, ranks: "Ranks | None" = None, *, redo: bool, track: Kind | None) -> None:
    first = ranks is None or ranks.first
    console = make_console(quiet=not first)
    display = tracked(choose_display(console), None if console.quiet else track, [plan])
    if redo and first:
        discard(plan, students=True)
    trained = run_teachers([plan], engine, display) if first else 0  # the other ranks wait
    trained += run_students([plan], engine, display, ranks)
    if not trained:
        pieces = f"{len(plan.teachers)} teachers and {len(plan.students)} students"
        console.print(f"Nothing to do: {pieces} of {plan.folder} are up to date.")
    if not console.quiet:
        _print_scores(plan, console)


def _finish(plan: Plan, experiment: str, changes: Sequence[str], runs: str) -> None:
    """Remember the file, and print the students and the next commands, with the same changes."""
    remember(experiment, plan.folder)
    named = shlex.join([experiment, *(part for change in changes for part in ("--set", change))])
    console = make_console()
    console.print("Students:")
    for student in plan.students:
        console.print(f"  {student.folder}", soft_wrap=True)
    sets = [folder for teacher in plan.teachers for folder in teacher.sets]
    console.print(
        f"Next: structkd report {named}{runs_again(runs)}\n"
        f"      structkd inspect {sets[0]}\n"
        f"      structkd tag {plan.students[-1].folder} TEXT",
        soft_wrap=True,
    )
    if note := provenance_note(plan):
        console.print(note, style="yellow", soft_wrap=True)


def _print_scores(plan: Plan, console: Console) -> None:
    from structkd.pipeline.report.tables import text_tables
    from structkd.pipeline.results.comparisons import NOTE
    from structkd.pipeline.results.findings import plan_findings

    for view in text_tables([plan_findings(plan)]):
        print_table(console, view)
    console.print(NOTE, soft_wrap=True)
