"""`structkd tag`: label raw text."""

import json
import re
import sys
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from structkd.pipeline.commands.options import TaggerFolder

if TYPE_CHECKING:
    from structkd.tagger.prediction import Prediction


def tag(
    tagger: TaggerFolder,
    file: Annotated[
        Path | None,
        typer.Argument(help="Text, a sentence a line.", show_default="standard input", exists=True, dir_okay=False),
    ] = None,
    tokenised: Annotated[bool, typer.Option(help="Words are separated by blanks already; split nothing.")] = False,
    probabilities: Annotated[bool, typer.Option(help="Add each label's true marginal probability.")] = False,
    output: Annotated[Literal["columns", "json"], typer.Option(help="A word a line, or JSON lines.")] = "columns",
) -> None:
    """Label raw text."""
    from structkd.corpora.lines import stream_lines
    from structkd.tagger.checkpoint import load_tagger
    from structkd.tagger.devices import found_device
    from structkd.tagger.prediction import predict

    model, split = load_tagger(tagger).to(found_device()), str.split if tokenised else split_words
    with file.open("rb") if file else nullcontext(sys.stdin.buffer) as stream:
        lines = stream_lines(stream, str(file or "standard input"))
        sentences = (words for line in lines if (words := split(line)))
        while chunk := list(islice(sentences, 1000)):
            for words, prediction in zip(chunk, predict(model, chunk), strict=True):
                print(_format(words, prediction, probabilities, output))


def split_words(line: str) -> list[str]:
    """Words, with the hyphens, apostrophes and points inside them, and each other sign by itself."""
    return re.findall(r"\w+(?:[-'’.,]\w+)*|[^\w\s]", line)


def _format(words: list[str], prediction: "Prediction", probabilities: bool, output: str) -> str:
    if output == "json":
        fields = {"tokens": words, "labels": prediction.labels}
        return json.dumps(
            fields | ({"probabilities": prediction.probabilities} if probabilities else {}), ensure_ascii=False
        )
    rows = zip(words, prediction.labels, prediction.probabilities, strict=True)
    return "".join(f"{w}\t{label}\t{p:.4f}\n" if probabilities else f"{w}\t{label}\n" for w, label, p in rows)
