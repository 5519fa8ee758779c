"""The command line of the small distribution: tag text, and serve taggers."""

import json
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from math import inf, nan
from pathlib import Path
from typing import TextIO

from . import __version__
from .folder import load
from .lines import arriving
from .records import record
from .serving import DEFAULTS, Limits, serve
from .serving.names import named_folders
from .splitting import split, split_blanks
from .tagging import Wanted
from .terminal import printable

_LIMITS = {
    "--max-body": ("body_bytes", "bytes of a request"),
    "--max-characters": ("text_characters", "characters of a text"),
    "--max-texts": ("texts", "texts of a request"),
    "--max-queue": ("queue", "requests that wait"),
    "--max-connections": ("connections", "open connections"),
    "--max-wait": ("wait_seconds", "seconds until an answer"),
    "--grace": ("grace_seconds", "seconds to finish what has begun when stopped"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. Errors that say what to do are shown without a traceback, defects with a traceback."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except BrokenPipeError:  # nobody reads any more, as after `| head`; the interpreter flushes again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except (ValueError, RuntimeError, OSError, ImportError) as error:
        if type(error) in (ValueError, RuntimeError, ModuleNotFoundError):
            raise
        sys.exit(printable(f"structkd-runtime: {error}"))


def _parser() -> ArgumentParser:
    parser = ArgumentParser("structkd-runtime", description="Tag text with exported taggers.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_tag(commands.add_parser("tag", help="label text; print a JSON record for each line at once"))
    _add_serve(commands.add_parser("serve", help="answer requests over HTTP; a page at / tries it"))
    return parser


def _add_tag(parser: ArgumentParser) -> None:
    parser.set_defaults(run=_tag)
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="an exported tagger")
    add("file", type=Path, nargs="?", metavar="FILE", help="text, one sentence per line; default: standard input")
    add("--tokenised", action="store_true", help="words are separated by spaces or tabs already; do not split")
    add(
        "--threshold",
        type=_number(float, 0, 1),
        default=0.0,
        metavar="P",
        help="leave out entities that are less probable",
    )
    add("--k", type=_number(int, 1), default=0, help="add the K best labelings")
    add("--marginals", action="store_true", help="add the probability of each label at each word")
    add(
        "--max-characters",
        type=_number(int, 1),
        default=100_000,
        metavar="N",
        help="longest line; a longer one is an error",
    )


def _add_serve(parser: ArgumentParser) -> None:
    parser.set_defaults(run=_serve)
    add = parser.add_argument
    add("taggers", nargs="+", metavar="[NAME=]FOLDER", help="exported taggers; the first answers if none is named")
    add("--host", default="127.0.0.1", help="the address to listen at; 0.0.0.0 for all of this machine")
    add("--port", type=_number(int, 0, 65535), default=8000, help="0 for a free one")
    for option, (field, meaning) in _LIMITS.items():
        default = getattr(DEFAULTS, field)
        kind = _number(type(default), 1)
        add(option, dest=field, type=kind, default=default, metavar="N", help=f"{meaning}; default: {default}")


def _number(kind: Callable[[str], float], least: float, most: float = inf) -> Callable[[str], float]:
    """Return a reader of numbers for argparse."""

    def read(text: str) -> float:
        try:
            found = kind(text)
        except ValueError:
            found = nan
        if not least <= found <= most:
            raise ArgumentTypeError(f"found {text!r}, expected a number from {least} to {most}")
        return found

    return read


def _tag(options: Namespace) -> None:
    """Print a record for each line of text, as the lines arrive."""
    tagger = load(options.folder)
    wanted = Wanted(options.threshold, options.k, options.marginals)
    words_of = split_blanks if options.tokenised else split
    if options.file and not options.file.exists():
        raise FileNotFoundError(f"{options.file}: no such file")
    with options.file.open("rb") if options.file else nullcontext(sys.stdin.buffer) as stream:
        name = str(options.file or "standard input")
        for lines in arriving(stream, name, lambda line: (line, words_of(line)), options.max_characters):
            texts, words = zip(*lines, strict=True)
            found = tagger.tag_words(texts, words, wanted)
            _write("\n".join(json.dumps(record(one), ensure_ascii=False) for one in found), sys.stdout)


def _serve(options: Namespace) -> None:
    """Serve until a signal says to stop."""
    limits = Limits(**{field: getattr(options, field) for field, _ in _LIMITS.values()})
    models = {name: load(folder) for name, folder in named_folders(options.taggers).items()}
    serve(models, host=options.host, port=options.port, limits=limits, tell=lambda line: _write(line, sys.stderr))


def _write(text: str, file: TextIO) -> None:
    """Print at once, whatever the locale; a terminal gets no control characters."""
    file.buffer.write(f"{printable(text) if file.isatty() else text}\n".encode())
    file.flush()
