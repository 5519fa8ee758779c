"""Options of commands that read labelled files, and the reading."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from structkd.pipeline.commands.console import make_console

if TYPE_CHECKING:
    from structkd.corpora.sentences import Corpus
    from structkd.runtime.tagging import TextTagger

Reader = Annotated[Literal["columns", "conllu", "parquet", "jsonl"], typer.Option(help="The files' format.")]
FileScheme = Annotated[Literal["IOB1", "IOB2", "BIOES"], typer.Option(help="Scheme of the files' labels.")]
TokenColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of words: a number for columns (-1: the last), a name for parquet and jsonl.",
        show_default="0, tokens",
    ),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(help="Column of labels: a number for columns, a name for the others.", show_default="the reader's"),
]
Repair = Annotated[
    Literal["none", "conlleval"],
    typer.Option(help="conlleval: read labels that are not valid in the scheme as that scorer does."),
]
Comments = Annotated[
    Literal["auto", "always", "never"],
    typer.Option(help="always: leave out lines of columns that begin with # and a blank."),
]
MissingLabel = Annotated[str, typer.Option(help="Label of words without the key of feats:KEY or misc:KEY.")]
LabelNames = Annotated[
    str | None, typer.Option(help="For parquet and jsonl: names of the labels 0, 1, ..., separated by commas.")
]


def read_for(tagger: "TextTagger", file: Path, **options: Any) -> "Corpus":
    """Read a labelled file in the tagger's scheme; warn on standard error of what looks wrong.

    Args:
        options: the options above, by their names.

    Raises:
        CorpusError: the file cannot be read as the options say.
    """
    from structkd.corpora.config import FileFormat
    from structkd.corpora.labelled import read_labelled
    from structkd.corpora.suspicions import suspicions, unknown_types
    from structkd.pipeline.experiment.parsing import parse

    scheme = tagger.scorer.scheme
    given = options | {column: _column(options[column]) for column in ("token_column", "label_column")}
    given["label_names"] = given["label_names"].split(",") if given["label_names"] else None
    given["metric"] = "spans" if scheme else "accuracy"
    source = parse(FileFormat, {key: value for key, value in given.items() if value is not None}, "options")
    corpus = read_labelled(source, file, "und", "test", scheme)
    changes = str(corpus.changes) if corpus.changes else None
    for warning in filter(None, (changes, *suspicions(corpus), unknown_types(corpus, tagger.labels))):
        make_console(stderr=True).print(f"{file}: {warning}", style="yellow", soft_wrap=True)
    return corpus


def _column(given: str | None) -> int | str | None:
    return int(given) if given and given.lstrip("-").isdecimal() else given
