"""`structkd distill`: both stages, and the table of scores."""

import os
from typing import TYPE_CHECKING

from rich.console import Console

from structkd.pipeline.commands.console import make_console, print_table
from structkd.pipeline.commands.options import ExperimentName, Redo, Workers
from structkd.pipeline.execution.engines import Engine, FirstAlone, Together, choose_engine
from structkd.pipeline.execution.progress import choose_display
from structkd.pipeline.execution.redo import discard
from structkd.pipeline.execution.stages import run_students, run_teachers
from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.plan.pieces import Plan, make_plan
from structkd.pipeline.results.provenance import provenance_note

if TYPE_CHECKING:
    from structkd.tagger.ranks import Ranks


def distill(experiment: ExperimentName = "demo", workers: Workers = None, redo: Redo = False) -> None:
    """Run both stages: teachers, then one multilingual student for each system; print the table.

    Under torchrun, all processes train each student together; --workers then applies to the teachers alone.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        engine = choose_engine(workers)
        _distill(experiment, engine, engine, redo=redo)
        return
    from structkd.tagger.ranks import joined  # loads torch, which a finished experiment never needs

    with joined() as ranks:
        _distill(experiment, FirstAlone(choose_engine(workers), ranks), Together(ranks), ranks, redo=redo)


def _distill(
    experiment: str, first: Engine, second: Engine, ranks: "Ranks | None" = None, *, redo: bool = False
) -> None:
    console, plan = make_console(quiet=ranks is not None and not ranks.first), make_plan(load_experiment(experiment))
    display = choose_display(console)
    if redo and (ranks is None or ranks.first):
        discard(plan, students=True)
    if redo and ranks is not None:
        ranks.wait()  # all see that nothing is there
    trained = run_teachers([plan], first, display) + run_students([plan], second, display, ranks)
    if not trained:
        pieces = f"{len(plan.teachers)} teachers and {len(plan.students)} students"
        console.print(f"Nothing to do: {pieces} of {plan.folder} are up to date.")
    if not console.quiet:
        _print_scores(plan, console)
    if note := provenance_note(plan):
        console.print(note, style="yellow", soft_wrap=True)


def _print_scores(plan: Plan, console: Console) -> None:
    from structkd.pipeline.report.tables import text_tables
    from structkd.pipeline.results.comparisons import NOTE
    from structkd.pipeline.results.findings import plan_findings

    for view in text_tables([plan_findings(plan)]):
        print_table(console, view)
    console.print(NOTE, soft_wrap=True)
