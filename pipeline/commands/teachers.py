"""`structkd teachers`: stage one."""

from itertools import chain
from typing import Annotated

import typer

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
    runs_place,
)
from structkd.pipeline.execution.engines import EngineKind, choose_engine
from structkd.pipeline.execution.progress import choose_display
from structkd.pipeline.execution.redo import discard
from structkd.pipeline.execution.stages import run_teachers
from structkd.pipeline.execution.tracking import tracked
from structkd.pipeline.experiment.changes import load_changed
from structkd.pipeline.experiment.namesakes import remember
from structkd.pipeline.plan.pieces import RUNS, make_plan, only
from structkd.pipeline.results.provenance import provenance_note

Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="LANGUAGE", help="Make this language's pieces alone; may be repeated."),
]


def teachers(
    experiment: ExperimentName = "demo",
    languages: Only = None,
    workers: Workers = None,
    kind: EngineOption = EngineKind.PROCESSES,
    address: Address = None,
    runs: Runs = str(RUNS),
    changes: Changes = None,
    redo: Redo = False,
    track: Track = None,
    dry_run: DryRun = False,
) -> None:
    """Run stage one: train the teachers and write their answers to Parquet shards."""
    console, plan = make_console(), make_plan(load_changed(experiment, changes), runs_place(runs))
    print_namesakes(console, experiment, plan)
    if languages:
        plan = only(plan, languages)
    if dry_run:
        from structkd.pipeline.report.pieces import pieces_table

        print_table(console, pieces_table(plan, students=False))
        return
    display = tracked(choose_display(console), track, [plan])
    if redo:
        discard(plan, students=False)
    if not run_teachers([plan], choose_engine(workers, kind, address), display):
        console.print(f"Stage one is done already: {len(plan.teachers)} teachers and their artifact sets.")
    remember(experiment, plan.folder)
    for folder in chain.from_iterable(teacher.sets for teacher in plan.teachers):
        console.print(f"  {folder}")
    if note := provenance_note(plan):
        console.print(note, style="yellow", soft_wrap=True)
