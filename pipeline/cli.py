"""The command line: `structkd`."""

import sys

import typer

from pipeline.commands import corpora, grid, look, report, run, use
from pipeline.console import make_console

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Distil many monolingual sequence labellers into one multilingual model, in two offline stages.",
)
app.add_typer(corpora.app, name="corpora")
for command in (
    run.teachers,
    run.distill,
    grid.reproduce,
    report.report,
    look.inspect,
    look.verify,
    use.evaluate,
    use.tag,
):
    app.command()(command)


def main() -> None:
    """Run the command line. Errors that say what to do are shown without a traceback, defects with theirs."""
    try:
        app()
    except (ValueError, RuntimeError, OSError) as error:
        if type(error) in (ValueError, RuntimeError):
            raise
        make_console(stderr=True).print(f"structkd: {error}", style="red", soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":  # for torchrun -m pipeline.cli
    main()
