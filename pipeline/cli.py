"""The command line: `structkd`. It imports little: workers import it too, and signals can arrive during imports."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from structkd.ground.interrupts import end_on_signals

FAREWELL = "structkd: stopped by {}"
GOES_ON = f"{FAREWELL}; what is finished is kept, and the same command goes on from there"
RUNS = ("teachers", "distill", "reproduce")  # the commands that do


def main() -> None:
    """Run the command line. Errors that say what to do are shown without a traceback, defects with a traceback."""
    farewell = GOES_ON if sys.argv[1:2] and sys.argv[1] in RUNS else FAREWELL
    end_on_signals(farewell if os.environ.get("RANK", "0") == "0" else "")  # of torchrun's processes, one says so
    from structkd.pipeline.commands.app import app

    try:
        with _closed_pipes_ignored():
            app()
    except (ValueError, RuntimeError, OSError) as error:
        if type(error) in (ValueError, RuntimeError):
            raise
        from structkd.pipeline.commands.console import make_console

        make_console(stderr=True).print(f"structkd: {error}", style="red", soft_wrap=True)
        sys.exit(1)


@contextmanager
def _closed_pipes_ignored() -> Iterator[None]:
    """End quietly if nobody reads standard output any more, as after `| head`; this includes buffered output."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the interpreter, which flushes again
        sys.exit(1)
