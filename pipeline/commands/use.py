"""Commands that use a trained tagger."""

import json
import re
import sys
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from tagger.prediction import Prediction

Folder = Annotated[Path, typer.Argument(help="A trained tagger: a folder with tagger.json in it.")]


def evaluate(
    tagger: Folder,
    file: Annotated[Path, typer.Argument(help="Labelled text to score the tagger on.", exists=True, dir_okay=False)],
    reader: Annotated[Literal["columns", "conllu", "parquet"], typer.Option(help="The file's format.")] = "columns",
    scheme: Annotated[Literal["IOB1", "IOB2", "BIOES"], typer.Option(help="Of the file's labels.")] = "IOB2",
    token_column: Annotated[int, typer.Option(help="Of words, for columns; -1 is the last.")] = 0,
    label_column: Annotated[
        str | None,
        typer.Option(help="Of labels: a number for columns, a name for the others.", show_default="the reader's"),
    ] = None,
) -> None:
    """Score a tagger on a file: strict span F1, or accuracy for tags."""
    from corpora.config import FileFormat
    from corpora.labelled import read_labelled
    from pipeline.parsing import parse
    from tagger.checkpoint import load_tagger
    from tagger.description import TaggerDescription, describe
    from tagger.devices import found_device
    from tagger.evaluation import EvaluationSet

    about = describe(tagger, TaggerDescription).about
    settings = {"reader": reader, "metric": about["metric"], "scheme": scheme, "token_column": token_column}
    if label_column is not None:
        settings["label_column"] = int(label_column) if label_column.lstrip("-").isdecimal() else label_column
    source = parse(FileFormat, settings, "evaluate")
    corpus = read_labelled(source, file, "und", "test", about["scheme"])
    score = EvaluationSet(corpus, about["metric"], about["scheme"]).score(load_tagger(tagger).to(found_device()))
    name = "strict span F1" if about["metric"] == "spans" else "accuracy"
    print(f"{file}: {len(corpus)} sentences, {corpus.tokens} words, {name} {score:.2f}")


def tag(
    tagger: Folder,
    file: Annotated[
        Path | None,
        typer.Argument(help="Text, a sentence a line.", show_default="standard input", exists=True, dir_okay=False),
    ] = None,
    tokenised: Annotated[bool, typer.Option(help="Words are separated by blanks already; split nothing.")] = False,
    probabilities: Annotated[bool, typer.Option(help="Add each label's true marginal probability.")] = False,
    output: Annotated[Literal["columns", "json"], typer.Option(help="A word a line, or JSON lines.")] = "columns",
) -> None:
    """Label raw text."""
    from corpora.lines import stream_lines
    from tagger.checkpoint import load_tagger
    from tagger.devices import found_device
    from tagger.prediction import predict

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
