"""Arguments and options of several commands."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from structkd.artifacts.stores.opening import open_store
from structkd.artifacts.stores.places import Place, Url, parse_place
from structkd.pipeline.execution.engines import EngineKind
from structkd.pipeline.execution.trackers import Kind
from structkd.pipeline.plan.pieces import RUNS

ExperimentName = Annotated[
    str, typer.Argument(help="An experiment: experiments/NAME.toml, or a path that ends in .toml.")
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Jobs side by side, one thread each.", show_default="the GPUs, else the cores")
]
EngineOption = Annotated[
    EngineKind, typer.Option("--engine", help="Processes of this machine, or tasks of a Ray cluster.")
]
Address = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="The Ray cluster.", show_default="one that is started here")
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting in place of the file's; may be repeated."),
]
Runs = Annotated[
    str,
    typer.Option(
        metavar="PLACE",
        help="A folder for everything that is made; or s3://, gs:// or az:// and a path, for artifact sets and copies "
        "of features, trained teachers and students: then the rest is in runs.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="List the pieces, finished or not, and make nothing.")]
Redo = Annotated[bool, typer.Option("--redo", help="Remove finished pieces first, and make them again.")]
AnyTaggerFolder = Annotated[Path, typer.Argument(help="A tagger: the folder of a trained or an exported one.")]
Track = Annotated[
    Kind | None, typer.Option(help="Keep all scalars for TensorBoard or MLflow, in runs/NAME.", show_default="neither")
]
TaggerFolder = Annotated[Path, typer.Argument(help="A trained tagger: a folder that contains tagger.json.")]


def runs_place(text: str) -> Place:
    """Return the place that --runs names. Raises FileError if it is a store that does not answer."""
    place = parse_place(text)
    if isinstance(place, Url):
        open_store(place).sizes()  # before anything is made that it would not take
    return place


def runs_again(text: str) -> str:
    """Return --runs for a command that is printed; empty for the default."""
    return "" if text == str(RUNS) else f" --runs {shlex.quote(text)}"
