"""`structkd evaluate`: score a tagger on a file."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from structkd.pipeline.commands.options import TaggerFolder


def evaluate(
    tagger: TaggerFolder,
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
    from structkd.corpora.config import FileFormat
    from structkd.corpora.labelled import read_labelled
    from structkd.pipeline.experiment.parsing import parse
    from structkd.tagger.checkpoint import load_tagger
    from structkd.tagger.config import METRIC_NAMES
    from structkd.tagger.description import TaggerDescription, describe
    from structkd.tagger.devices import found_device
    from structkd.tagger.evaluation import EvaluationSet

    about = describe(tagger, TaggerDescription).about
    settings = {"reader": reader, "metric": about["metric"], "scheme": scheme, "token_column": token_column}
    if label_column is not None:
        settings["label_column"] = int(label_column) if label_column.lstrip("-").isdecimal() else label_column
    source = parse(FileFormat, settings, "evaluate")
    corpus = read_labelled(source, file, "und", "test", about["scheme"])
    score = EvaluationSet(corpus, about["metric"], about["scheme"]).score(load_tagger(tagger).to(found_device()))
    print(f"{file}: {len(corpus)} sentences, {corpus.tokens} words, {METRIC_NAMES[about['metric']]} {score:.2f}")
