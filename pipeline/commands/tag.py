"""`structkd tag`: label raw text."""

import json
import sys
from contextlib import nullcontext
from itertools import islice
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from structkd.pipeline.commands.console import write
from structkd.pipeline.commands.options import TaggerFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from structkd.runtime.splitting import Word
    from structkd.tagger.model import Tagger
    from structkd.tagger.prediction import Prediction

_TOGETHER = 1000  # lines that are labelled together, at most
_WINDOW = 500  # words of a line that are labelled as one sentence, at most: time and memory grow faster than length


def tag(
    tagger: TaggerFolder,
    file: Annotated[
        Path | None,
        typer.Argument(help="Text, one sentence per line.", show_default="standard input", exists=True, dir_okay=False),
    ] = None,
    tokenised: Annotated[
        bool, typer.Option(help="Words are already separated by spaces or tabs; do not split.")
    ] = False,
    probabilities: Annotated[bool, typer.Option(help="Add each label's true marginal probability.")] = False,
    output: Annotated[
        Literal["columns", "json"], typer.Option(help="One word per line, or JSON lines with the words' offsets.")
    ] = "columns",
    max_characters: Annotated[int, typer.Option(min=1, help="Longest line; a longer one is an error.")] = 100_000,
) -> None:
    """Label raw text; print a record for each line at once."""
    from structkd.corpora.lines import arriving
    from structkd.runtime.splitting import split, split_blanks
    from structkd.tagger.checkpoint import load_tagger
    from structkd.tagger.devices import found_device

    model, words_of = load_tagger(tagger).to(found_device()), split_blanks if tokenised else split
    with file.open("rb") if file else nullcontext(sys.stdin.buffer) as stream:
        for lines in arriving(stream, str(file or "standard input"), words_of, max_characters):
            for first in range(0, len(lines), _TOGETHER):
                write(_records(model, lines[first : first + _TOGETHER], probabilities, output))


def _records(model: "Tagger", lines: "Sequence[list[Word]]", probabilities: bool, output: str) -> str:
    """Return the records of lines, in order; those of blank lines have no words."""
    from structkd.tagger.prediction import predict

    pieces = [words[first : first + _WINDOW] for words in lines for first in range(0, len(words), _WINDOW)]
    predictions = iter(predict(model, [[word.text for word in words] for words in pieces]))
    return "\n".join(
        _format(words, list(islice(predictions, ceil(len(words) / _WINDOW))), probabilities, output) for words in lines
    )


def _format(words: "list[Word]", found: "list[Prediction]", probabilities: bool, output: str) -> str:
    """Return a line's record, from the labels of its windows."""
    labels = [label for piece in found for label in piece.labels]
    chances = [chance for piece in found for chance in piece.probabilities]
    if output == "json":
        fields: dict[str, Any] = {
            "tokens": [word.text for word in words],
            "offsets": [(word.start, word.end) for word in words],
            "labels": labels,
        }
        return json.dumps(fields | ({"probabilities": chances} if probabilities else {}), ensure_ascii=False)
    rows = zip(words, labels, chances, strict=True)
    return "".join(f"{w.text}\t{label}" + (f"\t{p:.4f}\n" if probabilities else "\n") for w, label, p in rows)
