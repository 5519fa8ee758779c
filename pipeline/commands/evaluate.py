"""`structkd evaluate`: score a tagger on a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from structkd.pipeline.commands.console import make_console, write
from structkd.pipeline.commands.options import TaggerFolder

if TYPE_CHECKING:
    from structkd.corpora.sentences import Corpus

Reader = Annotated[Literal["columns", "conllu", "parquet", "jsonl"], typer.Option(help="The file's format.")]


def evaluate(
    tagger: TaggerFolder,
    file: Annotated[Path, typer.Argument(help="Labelled text to score the tagger on.", exists=True, dir_okay=False)],
    reader: Reader = "columns",
    scheme: Annotated[Literal["IOB1", "IOB2", "BIOES"], typer.Option(help="Scheme of the file's labels.")] = "IOB2",
    token_column: Annotated[
        str | None,
        typer.Option(
            help="Column of words: a number for columns (-1: the last), a name for parquet.", show_default="0, tokens"
        ),
    ] = None,
    label_column: Annotated[
        str | None,
        typer.Option(
            help="Column of labels: a number for columns, a name for the others.", show_default="the reader's"
        ),
    ] = None,
    repair: Annotated[
        Literal["none", "conlleval"],
        typer.Option(help="conlleval: read labels that are not valid in the scheme as that scorer does."),
    ] = "none",
    comments: Annotated[
        Literal["auto", "always", "never"],
        typer.Option(help="always: leave out lines of columns that begin with # and a blank."),
    ] = "auto",
    missing_label: Annotated[str, typer.Option(help="Label of words without the key of feats:KEY or misc:KEY.")] = "_",
    label_names: Annotated[
        str | None, typer.Option(help="For parquet: names of the labels 0, 1, ..., separated by commas.")
    ] = None,
) -> None:
    """Score a tagger on a file: strict span F1, or accuracy for tags."""
    from structkd.corpora.config import FileFormat
    from structkd.corpora.labelled import read_labelled
    from structkd.pipeline.experiment.parsing import parse
    from structkd.tagger.checkpoint import load_tagger
    from structkd.tagger.config import METRIC_NAMES
    from structkd.tagger.description import TaggerDescription, describe, scored
    from structkd.tagger.devices import found_device
    from structkd.tagger.evaluation import EvaluationSet

    known, labels = scored(tagger), describe(tagger, TaggerDescription).labels
    given: dict[str, Any] = {"reader": reader, "metric": known.metric, "scheme": scheme, "repair": repair}
    given |= {"comments": comments, "missing_label": missing_label}
    given |= {"token_column": _column(token_column), "label_column": _column(label_column)}
    given["label_names"] = label_names.split(",") if label_names else None
    source = parse(FileFormat, {key: value for key, value in given.items() if value is not None}, "evaluate")
    corpus = read_labelled(source, file, "und", "test", known.scheme)
    _warn(file, corpus, labels)
    score = EvaluationSet(corpus, known.metric, known.scheme).score(load_tagger(tagger).to(found_device()))
    write(f"{file}: {len(corpus)} sentences, {corpus.tokens} words, {METRIC_NAMES[known.metric]} {score:.2f}")


def _column(given: str | None) -> int | str | None:
    return int(given) if given and given.lstrip("-").isdecimal() else given


def _warn(file: Path, corpus: "Corpus", labels: tuple[str, ...]) -> None:
    """Report the changes by the reader, and warnings."""
    from structkd.corpora.suspicions import suspicions, unknown_types

    changes = str(corpus.changes) if corpus.changes else None
    for warning in filter(None, (changes, *suspicions(corpus), unknown_types(corpus, labels))):
        make_console(stderr=True).print(f"{file}: {warning}", style="yellow", soft_wrap=True)
