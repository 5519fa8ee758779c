"""`structkd tag`: label text, and find entities in it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from structkd.pipeline.commands.console import make_console, write
from structkd.pipeline.commands.options import AnyTaggerFolder

if TYPE_CHECKING:
    from structkd.pipeline.tagging.destination import Destination
    from structkd.pipeline.tagging.inputs import Form
    from structkd.runtime.tagging import TextTagger

_FIELDS = {"jsonl": "text", "parquet": "text", "columns": "0"}


def tag(
    tagger: AnyTaggerFolder,
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="What to tag.", show_default="standard input", exists=True, dir_okay=False),
    ] = None,
    given: Annotated[
        Literal["text", "jsonl", "parquet", "columns"] | None,
        typer.Option(
            "--input",
            help="Text, a line each; JSON objects, a line each; Parquet; or columns, a word in each line.",
            show_default="by the file's name, else text",
        ),
    ] = None,
    field: Annotated[
        str | None,
        typer.Option(
            "--field",
            "--column",
            help="What has the text or the list of words: a field of JSON, a column of Parquet, or its number.",
            show_default="text; 0 for columns",
        ),
    ] = None,
    output: Annotated[
        Literal["columns", "entities", "json", "parquet", "html"] | None,
        typer.Option(
            help="A word in each line, an entity in each line, JSON lines, Parquet, or a page with highlights.",
            show_default="by the name of --to, else columns",
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(help="The file to write; whole or absent.", show_default="standard output", dir_okay=False),
    ] = None,
    under: Annotated[
        str | None, typer.Option(help="For json and parquet: the one field into which an answer is put.")
    ] = None,
    tokenised: Annotated[
        bool, typer.Option(help="Words are already separated by spaces or tabs; do not split.")
    ] = False,
    probabilities: Annotated[
        bool, typer.Option(help="For columns: add each label's marginal probability. Other outputs have it.")
    ] = False,
    k: Annotated[int, typer.Option(min=0, help="For json and parquet: add the K best labelings.")] = 0,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Leave out entities that are less probable. Not for columns.")
    ] = 0.0,
    max_characters: Annotated[int, typer.Option(min=1, help="Longest line or text; longer is an error.")] = 100_000,
) -> None:
    """Label text, and find entities in it; the answers are in the order of the inputs."""
    from structkd.pipeline.tagging.answers import answer_fields
    from structkd.pipeline.tagging.destination import Destination, kind_of, opened
    from structkd.pipeline.tagging.inputs import form_of
    from structkd.pipeline.tagging.items import Reading
    from structkd.pipeline.tagging.progress import word_bar
    from structkd.pipeline.tagging.run import tag_files
    from structkd.runtime.splitting import split, split_blanks
    from structkd.runtime.tagging import Wanted
    from structkd.tagger.opening import open_tagger

    files = files or []
    form = given or (form_of(files[0]) if files else "text")
    wanted, title = Wanted(threshold=threshold, k=k), ", ".join(path.name for path in files) or "Standard input"
    goal = Destination(output or (kind_of(to) if to else "columns"), to, wanted, under, probabilities, title)
    _check(form, files, field, goal)
    keeps = goal.kind == "json" or (goal.kind, form) == ("parquet", "parquet")
    reading = Reading(
        words_of=split_blanks if tokenised else split,
        longest=max_characters,
        field=field or _FIELDS.get(form, ""),
        added=answer_fields(wanted, under) if keeps else frozenset(),
        as_json=goal.kind == "json",
    )
    model = open_tagger(tagger)
    _check_spans(model, tagger, goal)
    console = make_console(stderr=True, quiet=to is None and sys.stdout.isatty())  # where answers appear, no bar does
    with opened(goal, model, write) as out, word_bar(console, sum(path.stat().st_size for path in files)) as tell:
        tag_files(model, files, form, reading, wanted, out, tell)


def _check(form: "Form", files: list[Path], field: str | None, goal: "Destination") -> None:
    """Refuse options that do not fit each other."""
    kind, wanted = goal.kind, goal.wanted
    if form == "parquet" and not files:
        raise typer.BadParameter("Parquet is read from a file; name it")
    if form == "text" and field is not None:
        raise typer.BadParameter("--field is for JSON lines, Parquet and columns; --input says which it is")
    if form == "columns" and not (field or "0").removeprefix("-").isdecimal():
        raise typer.BadParameter(f"found --field {field}, expected the number of a column, from 0 on")
    if kind not in ("json", "parquet") and (wanted.k or goal.under):
        raise typer.BadParameter(f"--k and --under are for --output json and parquet, found {kind}")
    if kind == "columns" and wanted.threshold:
        raise typer.BadParameter("--threshold is for outputs with entities; --output entities shows them")
    if kind in ("parquet", "html") and goal.to is None and sys.stdout.isatty():
        raise typer.BadParameter(f"{kind} is not for a terminal; send it to a file: --to FILE")


def _check_spans(model: "TextTagger", folder: Path, goal: "Destination") -> None:
    if model.scorer.scheme is None and (goal.kind in ("entities", "html") or goal.wanted.threshold):
        raise typer.BadParameter(f"{folder} labels words and finds no entities; use --output columns, json or parquet")
