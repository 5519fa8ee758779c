"""`structkd check`: read everything before anything is trained."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from structkd.pipeline.commands.console import make_console, print_namesakes, print_table
from structkd.pipeline.commands.options import Changes, ExperimentName, Workers
from structkd.pipeline.experiment.changes import load_changed
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.plan.pieces import Plan, make_plan

if TYPE_CHECKING:
    from structkd.corpora.sentences import Corpus, Split
    from structkd.pipeline.report.page.tables import TableView

    Languages = dict[str, dict[Split, Corpus]]


def check(
    experiment: ExperimentName = "demo",
    changes: Changes = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with code 1 if there is a warning.")] = False,
    measure: Annotated[bool, typer.Option(help="Train for a moment, to estimate time and disk space.")] = True,
    workers: Workers = None,
) -> None:
    """Read all corpora of an experiment, warn about what looks wrong, and estimate what there is to do."""
    from structkd.corpora.survey import warnings
    from structkd.pipeline.report.pieces import pieces_table

    console, loaded = make_console(), load_changed(experiment, changes)
    plan, warned = make_plan(loaded), False
    print_namesakes(console, experiment, plan)
    languages = _read(loaded)
    print_table(console, _sizes(languages))
    print_table(console, _unknown_words(loaded, languages))
    for warning in warnings(languages):
        console.print(f"warning: {warning}", style="yellow", soft_wrap=True)
        warned = True
    view = pieces_table(plan)
    console.print(f"{view.title}; `structkd distill {experiment} --dry-run` lists them", soft_wrap=True)
    if measure and any(row[2] != "finished" for row in view.rows):
        console.print(_estimate(plan, languages, workers), soft_wrap=True)
    if warned and strict:
        raise typer.Exit(1)


def _read(experiment: Experiment) -> "Languages":
    from structkd.pipeline.plan.corpora import Data

    data, found = Data(experiment), dict[str, "dict[Split, Corpus]"]()
    for language, split in data.corpora():
        if split != "zero_shot":
            found.setdefault(language, {})[split] = data.load(language, split)[0]
    return found


def _sizes(languages: "Languages") -> "TableView":
    from structkd.corpora.survey import size_of
    from structkd.pipeline.report.page.tables import TableView

    rows = []
    for corpora in languages.values():
        for size in map(size_of, corpora.values()):
            types = ", ".join(f"{kind} {count}" for kind, count in size.types.most_common(8))
            more = f", {len(size.types) - 8} more" if len(size.types) > 8 else ""
            counts = (f"{size.sentences:,}", f"{size.words:,}", str(size.longest))
            rows.append((size.language, size.split, types + more, *counts))
    heads = ("language", "split", "spans or tags", "sentences", "words", "longest")
    return TableView("Corpora", heads, rows, left=3)


def _unknown_words(experiment: Experiment, languages: "Languages") -> "TableView":
    from structkd.pipeline.report.page.tables import TableView
    from structkd.tagger.encoders.unknown import unknown_words

    taggers = [("student", experiment.student.tagger, list(languages.values()))]
    if not experiment.teacher.external:
        mine = experiment.teacher.tagger.in_language
        taggers = [(f"teacher {name}", mine(name), [corpora]) for name, corpora in languages.items()] + taggers
    rows = []
    for reader, tagger, corpora in taggers:
        train = Counter(word for one in corpora for sentence in one["train"] for word in sentence.tokens)
        dev = {word for one in corpora for sentence in one["dev"] for word in sentence.tokens}
        for encoder, unknown in unknown_words(tagger, train, dev):
            rows.append((reader, encoder, f"{unknown:,}", f"{len(dev):,}", f"{unknown / len(dev):.0%}"))
    return TableView("Distinct words of dev", ("tagger", "encoder", "unknown", "of", "share"), rows, left=2)


def _estimate(plan: Plan, languages: "Languages", workers: int | None) -> str:
    experiment = plan.experiment
    taggers = [experiment.student.tagger, experiment.teacher.tagger]
    if experiment.teacher.external or any(one.frozen for tagger in taggers for one in tagger.transformers):
        return "no estimate of time: teachers are trained elsewhere, or features of frozen encoders come first"
    from structkd.pipeline.execution.engines import default_workers
    from structkd.pipeline.execution.pace import estimate, measure
    from structkd.pipeline.report.page.numbers import size

    sentences = {(name, split): len(one) for name, corpora in languages.items() for split, one in corpora.items()}
    found = estimate(plan, measure(experiment), sentences)
    jobs = min(workers or default_workers(), max(1, len(plan.teachers)))
    return (
        f"to do: at most {_time(found.seconds / jobs)} with {jobs} workers (measured just now; trainings may stop "
        f"earlier), {size(found.bytes)} of artifact sets"
    )


def _time(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{max(1, minutes)} min"
