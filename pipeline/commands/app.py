"""All commands under one name."""

from importlib.metadata import version
from typing import Annotated

import typer

from structkd.pipeline.commands import corpora
from structkd.pipeline.commands.audit import audit
from structkd.pipeline.commands.calibrate import calibrate
from structkd.pipeline.commands.check import check
from structkd.pipeline.commands.distill import distill
from structkd.pipeline.commands.evaluate import evaluate
from structkd.pipeline.commands.export import export
from structkd.pipeline.commands.hub import pull, push
from structkd.pipeline.commands.init import init
from structkd.pipeline.commands.inspect import inspect
from structkd.pipeline.commands.report import report
from structkd.pipeline.commands.reproduce import reproduce
from structkd.pipeline.commands.schema import schema
from structkd.pipeline.commands.serve import serve
from structkd.pipeline.commands.tag import tag
from structkd.pipeline.commands.teachers import teachers
from structkd.pipeline.commands.verify import verify

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"structkd {version('structkd')}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Distil many monolingual sequence labellers into one multilingual model, in two offline stages."""


app.add_typer(corpora.app, name="corpora")
for command in (
    init,
    check,
    teachers,
    distill,
    reproduce,
    report,
    inspect,
    audit,
    verify,
    evaluate,
    calibrate,
    tag,
    serve,
    export,
    schema,
    push,
    pull,
):
    app.command()(command)
