"""All commands under one name."""

import typer

from structkd.pipeline.commands import corpora
from structkd.pipeline.commands.distill import distill
from structkd.pipeline.commands.evaluate import evaluate
from structkd.pipeline.commands.inspect import inspect
from structkd.pipeline.commands.report import report
from structkd.pipeline.commands.reproduce import reproduce
from structkd.pipeline.commands.tag import tag
from structkd.pipeline.commands.teachers import teachers
from structkd.pipeline.commands.verify import verify

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Distil many monolingual sequence labellers into one multilingual model, in two offline stages.",
)
app.add_typer(corpora.app, name="corpora")
for command in (
    teachers,
    distill,
    reproduce,
    report,
    inspect,
    verify,
    evaluate,
    tag,
):
    app.command()(command)
