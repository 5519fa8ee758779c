"""Commands that run experiments and show their tables."""

import os
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipeline.console import make_console
from pipeline.engine import Engine, FirstAlone, Together, choose_engine
from pipeline.experiment import load_experiment
from pipeline.plan import Plan, make_plan
from pipeline.progress import choose_display
from pipeline.stages import run_students, run_teachers

if TYPE_CHECKING:
    from tagger.ranks import Ranks

Name = Annotated[str, typer.Argument(help="An experiment: experiments/NAME.toml, or a path that ends in .toml.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Jobs side by side, one thread each.", show_default="the GPUs, else the cores")
]


def teachers(experiment: Name = "demo", workers: Workers = None) -> None:
    """Stage one: train the teachers and write what they know to Parquet shards."""
    console, plan = make_console(), make_plan(load_experiment(experiment))
    if not run_teachers([plan], choose_engine(workers), choose_display(console)):
        console.print(f"Stage one is done already: {len(plan.teachers)} teachers and their artifact sets.")
    for folder in chain.from_iterable(teacher.sets for teacher in plan.teachers):
        console.print(f"  {folder}")


def distill(experiment: Name = "demo", workers: Workers = None) -> None:
    """Both stages: teachers, then one multilingual student for each system; prints the table.

    Under torchrun all its processes train each student together; --workers is then for the teachers alone.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        engine = choose_engine(workers)
        _distill(experiment, engine, engine)
        return
    from tagger.ranks import joined  # loads torch, which a finished experiment never needs

    with joined() as ranks:
        _distill(experiment, FirstAlone(choose_engine(workers), ranks), Together(ranks), ranks)


def _distill(experiment: str, first: Engine, second: Engine, ranks: "Ranks | None" = None) -> None:
    console, plan = make_console(quiet=ranks is not None and not ranks.first), make_plan(load_experiment(experiment))
    display = choose_display(console)
    trained = run_teachers([plan], first, display) + run_students([plan], second, display, ranks)
    if not trained:
        pieces = f"{len(plan.teachers)} teachers and {len(plan.students)} students"
        console.print(f"Nothing to do: {pieces} of {plan.folder} are up to date.")
    _print_table(plan, console, "test")


def _print_table(plan: Plan, console: Console, split: str) -> None:
    from pipeline.data import Data
    from pipeline.formats import as_table
    from pipeline.results import result_rows
    from pipeline.tables import as_texts, score_table

    experiment, metric = plan.experiment, Data(plan.experiment).metric
    texts = as_texts(score_table(result_rows(plan), experiment.languages, split))
    unit = "strict span F1" if metric == "spans" else "accuracy"
    console.print(f"{experiment.title}: {unit} on {split}", soft_wrap=True)
    console.print(as_table(*texts))
