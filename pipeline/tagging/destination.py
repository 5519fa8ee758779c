"""Where the answers of `structkd tag` go, and in which form."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from structkd.ground.files import atomic_path
from structkd.pipeline.tagging.outputs import Columns, Emit, Entities, JsonLines, Output
from structkd.runtime.tagging import TextTagger, Wanted

Kind = Literal["columns", "entities", "json", "parquet", "html"]
_KINDS: dict[str, Kind] = {".jsonl": "json", ".ndjson": "json", ".json": "json", ".parquet": "parquet", ".html": "html"}


@dataclass(frozen=True)
class Destination:
    """A form of answers, and the file to write them to; None for standard output."""

    kind: Kind
    to: Path | None
    wanted: Wanted
    under: str | None = None
    probabilities: bool = False
    title: str = ""


def kind_of(path: Path) -> Kind:
    """Return the form of answers in a file by the end of its name."""
    return _KINDS.get(path.suffix.lower(), "columns")


@contextmanager
def opened(goal: Destination, tagger: TextTagger, write: Emit) -> Iterator[Output]:
    """Yield an output. A file is whole when the block ends, or absent if it fails.

    Args:
        write: writes a text and a line end to standard output.
    """
    if goal.kind == "parquet":
        from structkd.pipeline.tagging.parquet import ParquetOutput

        with _sink(goal.to) as sink:
            yield ParquetOutput(sink, goal.wanted, goal.under)
        return
    with _emitting(goal.to, write) as emit:
        yield _lines(goal, tagger, emit)


@contextmanager
def _sink(to: Path | None) -> Iterator[IO[bytes]]:
    if to is None:
        yield sys.stdout.buffer
        return
    with atomic_path(to) as temporary, temporary.open("wb") as file:
        yield file


@contextmanager
def _emitting(to: Path | None, write: Emit) -> Iterator[Emit]:
    if to is None:
        yield write
        return
    with atomic_path(to) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        yield lambda text: print(text, file=file)


def _lines(goal: Destination, tagger: TextTagger, emit: Emit) -> Output:
    match goal.kind:
        case "entities":
            return Entities(emit)
        case "json":
            return JsonLines(emit, goal.wanted, goal.under)
        case "html":
            from structkd.pipeline.tagging.page import Page

            types = dict.fromkeys(label.partition("-")[2] for label in tagger.labels if label != "O")
            return Page(emit, list(types), goal.title)
        case _:
            return Columns(emit, probabilities=goal.probabilities)
