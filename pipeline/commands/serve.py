"""`structkd serve`: answer requests over HTTP."""

import sys
from typing import Annotated

import typer

from structkd.pipeline.commands.console import write
from structkd.runtime import serving
from structkd.runtime.serving import DEFAULTS, Limits
from structkd.runtime.serving.names import named_folders
from structkd.tagger.opening import open_tagger


def serve(
    taggers: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]FOLDER...",
            help="Trained or exported taggers. A request names one of them; the first is the default. "
            "Without NAME, the folder's name is taken.",
            show_default=False,
        ),
    ],
    host: Annotated[str, typer.Option(help="The address to listen at; 0.0.0.0 for all of this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for a free one.")] = 8000,
    max_body: Annotated[int, typer.Option(min=1, help="Bytes of a request.")] = DEFAULTS.body_bytes,
    max_characters: Annotated[int, typer.Option(min=1, help="Characters of a text.")] = DEFAULTS.text_characters,
    max_texts: Annotated[int, typer.Option(min=1, help="Texts of a request.")] = DEFAULTS.texts,
    max_queue: Annotated[int, typer.Option(min=1, help="Requests that wait.")] = DEFAULTS.queue,
    max_connections: Annotated[int, typer.Option(min=1, help="Open connections.")] = DEFAULTS.connections,
    max_wait: Annotated[float, typer.Option(min=0.01, help="Seconds until an answer.")] = DEFAULTS.wait_seconds,
    grace: Annotated[
        int, typer.Option(min=1, help="Seconds to finish what has begun when stopped.")
    ] = DEFAULTS.grace_seconds,
) -> None:
    """Tag texts over HTTP; a page at / tries it. SIGTERM and Ctrl-C finish what has begun, with exit code 0."""
    limits = Limits(
        body_bytes=max_body,
        text_characters=max_characters,
        texts=max_texts,
        queue=max_queue,
        connections=max_connections,
        wait_seconds=max_wait,
        grace_seconds=grace,
    )
    models = {name: open_tagger(folder) for name, folder in named_folders(taggers).items()}
    serving.serve(models, host=host, port=port, limits=limits, tell=lambda line: write(line, sys.stderr))
