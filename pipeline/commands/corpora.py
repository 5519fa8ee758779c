"""Commands about corpora: list, status, fetch, export."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from structkd.corpora import catalog
from structkd.corpora.sentences import CorpusError
from structkd.pipeline.commands.console import make_console, write
from structkd.pipeline.commands.options import Changes
from structkd.pipeline.experiment.changes import load_changed
from structkd.pipeline.plan.corpora import Data

app = typer.Typer(no_args_is_help=True, help="List, check and fetch corpora.")
Root = Annotated[Path | None, typer.Option(help="Folder of the corpora.", show_default=f"${catalog.ROOT_VARIABLE}")]


@app.command("list")
def list_corpora() -> None:
    """List the corpora of the catalog."""
    table = Table("name", "task", "languages", "licence", "structkd fetches it")
    for name, entry in catalog.CATALOG.items():
        languages = ", ".join(entry.languages)
        table.add_row(name, entry.task or "-", languages, entry.licence, "yes" if entry.fetchable else "no")
    make_console().print(table)


@app.command()
def status(name: Annotated[str, typer.Argument(help="A corpus of the catalog.")], root: Root = None) -> None:
    """Check that a corpus's files are there and intact; exit code 1 if any differs."""
    console, entry = make_console(), catalog.entry(name)
    console.print(f"{name}: {entry.origin}\nlicence: {entry.licence}\n{entry.defects}")
    files = catalog.status(name, _root(root))
    for file in files:
        console.print(f"  {file.language} {file.split}: {file.state}  {file.path}", soft_wrap=True)
    if any(file.state == "differs" for file in files):
        raise typer.Exit(1)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A corpus of the catalog.")],
    language: Annotated[list[str] | None, typer.Option(help="Only this language; may be repeated.")] = None,
    root: Root = None,
    base_url: Annotated[str | None, typer.Option(help="A mirror of the release's server.")] = None,
) -> None:
    """Download, verify and convert a corpus that may be downloaded freely."""
    from structkd.corpora.fetch import fetch as fetch_corpus

    console = make_console()
    fetch_corpus(
        name,
        _root(root),
        languages=language,
        base_url=base_url,
        progress=lambda path: console.print(f"  {path}", soft_wrap=True),
    )


@app.command()
def export(
    experiment: Annotated[str, typer.Argument(help="An experiment: experiments/NAME.toml, or a path ending in .toml.")],
    language: Annotated[str, typer.Argument(help="One of its languages.")],
    split: Annotated[str, typer.Argument(help="train, dev, test or unlabelled.")],
    changes: Changes = None,
) -> None:
    """Print a corpus of an experiment as JSON lines, for teachers that write their predictions to a file."""
    loaded = load_changed(experiment, changes)
    data = Data(loaded)
    known = {name: data.splits(name) for name in loaded.languages}
    if split not in known.get(language, ()):
        listed = "; ".join(f"{name}: {', '.join(splits)}" for name, splits in known.items())
        raise CorpusError(f"{loaded.name} has no {language} {split}; it has {listed}")
    corpus, _ = data.load(language, split)
    if corpus.changes:
        make_console(stderr=True).print(f"{language} {split}: {corpus.changes}", soft_wrap=True)
    for sentence in corpus:
        labels = {} if sentence.labels is None else {"gold": sentence.labels}
        write(json.dumps({"tokens": sentence.tokens} | labels, ensure_ascii=False))


def _root(given: Path | None) -> Path:
    found = given or catalog.corpora_root()
    if found is None:
        raise CorpusError(f"no folder of corpora: set ${catalog.ROOT_VARIABLE}, or give --root")
    return found
