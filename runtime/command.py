"""The command line of the small distribution: tag text, and serve taggers."""

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from .lines import arriving
from .records import record
from .splitting import split, split_blanks
from .tagging import Wanted
from .terminal import printable


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
    except (ValueError, RuntimeError, OSError) as error:
        if type(error) in (ValueError, RuntimeError):
            raise
        sys.exit(printable(f"structkd-runtime: {error}"))


def _parser() -> ArgumentParser:
    parser = ArgumentParser("structkd-runtime", description="Tag text with exported students.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    tag = commands.add_parser("tag", help="label text; print a JSON record for each line at once")
    tag.set_defaults(run=_tag)
    tag.add_argument("folder", type=Path, help="an exported student")
    tag.add_argument("file", type=Path, nargs="?", help="text, one sentence per line (default: standard input)")
    tag.add_argument("--tokenised", action="store_true", help="words are separated by spaces or tabs; do not split")
    tag.add_argument("--threshold", type=_chance, default=0.0, metavar="P", help="leave out less probable entities")
    tag.add_argument("--kbest", type=_count, default=0, metavar="K", help="add the K best label sequences")
    tag.add_argument("--marginals", action="store_true", help="add the probability of each label at each word")
    tag.add_argument("--max-characters", type=_count, default=100_000, help="longest line; a longer one is an error")
    return parser


def _chance(text: str) -> float:
    if not 0 <= (found := float(text)) <= 1:
        raise ValueError(text)
    return found


def _count(text: str) -> int:
    if (found := int(text)) < 1:
        raise ValueError(text)
    return found


def _tag(options: Namespace) -> None:
    """Print a record for each line of text, as the lines arrive."""
    from .folder import load

    tagger = load(options.folder)
    wanted = Wanted(options.threshold, options.kbest, options.marginals)
    words_of = split_blanks if options.tokenised else split
    with options.file.open("rb") if options.file else nullcontext(sys.stdin.buffer) as stream:
        name = str(options.file or "standard input")
        for lines in arriving(stream, name, lambda line: (line, words_of(line)), options.max_characters):
            texts, words = zip(*lines, strict=True)
            found = tagger.tag_words(texts, words, wanted)
            _write("\n".join(json.dumps(record(one), ensure_ascii=False) for one in found))


def _write(text: str) -> None:
    """Print at once, whatever the locale; a terminal gets no control characters."""
    text = printable(text) if sys.stdout.isatty() else text
    sys.stdout.buffer.write(f"{text}\n".encode())
    sys.stdout.flush()
