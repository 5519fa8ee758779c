"""`structkd init`: an experiment file for one's own corpora."""

from pathlib import Path
from typing import Annotated

import typer

from structkd.pipeline.commands.console import make_console, write
from structkd.pipeline.experiment.places import EXPERIMENTS


def init(
    files: Annotated[
        list[Path], typer.Argument(help="Corpora, or folders of them: train, dev and test of each language.")
    ],
    name: Annotated[str, typer.Option(help="Name of the experiment.")] = "mine",
) -> None:
    """Look at your corpora and write an experiment file for them.

    Languages and splits come from the files' names, formats from their contents: columns, CoNLL-U, Parquet, JSON lines.
    """
    from structkd.ground.files import atomic_path
    from structkd.pipeline.drafting.draft import draft
    from structkd.pipeline.experiment.experiment import load_experiment
    from structkd.pipeline.experiment.parsing import ExperimentError

    path = EXPERIMENTS / f"{name}.toml"
    if path.exists():
        raise ExperimentError(f"{path}: is there already; give --name another name, or move the file away")
    text = draft(files)
    with atomic_path(path) as temporary:
        temporary.write_text(text, "utf-8")
    load_experiment(name)
    console = make_console()
    write(text)
    console.print(f"{path}: written. Next: structkd check {name}", soft_wrap=True)
