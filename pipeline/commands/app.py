"""All commands under one name. A command is imported when it is called, so that each starts as fast as it can."""

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS = {
    "init": "Look at your corpora and write an experiment file for them.",
    "check": "Read all corpora of an experiment, warn about what looks wrong, and estimate what there is to do.",
    "teachers": "Run stage one: train the teachers and write their answers to Parquet shards.",
    "distill": "Run both stages: teachers, then one multilingual student for each system; print the table.",
    "reproduce": "Run the cells of a grid (tasks, systems, seeds) that have no row in results/GRID.parquet yet.",
    "tune": "Try settings of students on dev, as often for each system; print the trials and the best settings.",
    "report": "Show the results of an experiment or a grid: one self-contained HTML page, or its tables.",
    "inspect": "Show artifact sets: a summary, a sentence with its paths and posteriors, or sentences to look at.",
    "audit": "List likely label errors of the training corpora, by teachers that have not seen the sentences.",
    "verify": "Check every shard of artifact sets against the manifest; exit code 1 if any file is damaged.",
    "evaluate": "Score a tagger on a file: strict span F1, or accuracy for tags; by type, with errors and an interval.",
    "calibrate": "Fit one temperature to a tagger's probabilities, and keep it with the tagger; its labels stay.",
    "tag": "Label text, and find entities in it; the answers are in the order of the inputs.",
    "serve": "Tag texts over HTTP; a page at / tries it. SIGTERM and Ctrl-C finish what has begun, with exit code 0.",
    "export": "Export a tagger: a folder with all that its use needs, and a model card.",
    "push": "Push an exported student or an artifact set to the Hub, in one commit; an artifact set to a store.",
    "pull": "Pull an exported student or an artifact set from the Hub or a store, and check every file's digest.",
    "vectors": "Make static word vectors from a pretrained encoder and the words of an experiment's training text.",
    "schema": "Print the JSON Schema of experiment files or grids: names, types, defaults and meanings of settings.",
    "corpora": "List, check and fetch corpora.",
}
"""Each command's help, as its own function says it."""
_MODULES = {"push": "hub", "pull": "hub"}


class Commands(TyperGroup):
    """A group of the commands that imports the one that is called; the list of all imports none."""

    _listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands, in order."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by its name; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name]) if self._listing else load(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the list of all commands."""
        self._listing = True
        super().format_help(ctx, formatter)


def load(name: str) -> Any:
    """Import a command."""
    module = import_module(f"structkd.pipeline.commands.{_MODULES.get(name, name)}")
    if name == "corpora":
        return typer.main.get_command(module.app)
    alone = typer.Typer(add_completion=False)
    alone.command(name)(getattr(module, name))
    return typer.main.get_command(alone)


app = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"structkd {version('structkd')}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Distil many monolingual sequence labellers into one multilingual model, in two offline stages."""
