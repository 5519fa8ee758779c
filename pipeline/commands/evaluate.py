"""`structkd evaluate`: score a tagger on a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from structkd.pipeline.commands.console import make_console, print_table, write
from structkd.pipeline.commands.labelled import (
    Comments,
    FileScheme,
    LabelColumn,
    LabelNames,
    MissingLabel,
    Reader,
    Repair,
    TokenColumn,
    read_for,
)
from structkd.pipeline.commands.options import AnyTaggerFolder, Changes

if TYPE_CHECKING:
    from rich.console import Console

    from structkd.pipeline.experiment.experiment import Experiment
    from structkd.runtime.spans import Scheme
    from structkd.runtime.tagging import TextTagger
    from structkd.tagger.evaluation import EvaluationSet
    from structkd.tagger.scoring import Labels


def evaluate(
    tagger: AnyTaggerFolder,
    file: Annotated[Path, typer.Argument(help="Labelled text to score the tagger on.", exists=True, dir_okay=False)],
    reader: Reader = "columns",
    scheme: FileScheme = "IOB2",
    token_column: TokenColumn = None,
    label_column: LabelColumn = None,
    repair: Repair = "none",
    comments: Comments = "auto",
    missing_label: MissingLabel = "_",
    label_names: LabelNames = None,
    against: Annotated[Path | None, typer.Option(help="Another tagger, to compare with by a paired bootstrap.")] = None,
    experiment: Annotated[
        str | None,
        typer.Option(help="Its training corpora tell which words and sentences of the file were seen in training."),
    ] = None,
    changes: Changes = None,
    output: Annotated[Path | None, typer.Option(help="Write all numbers to a JSON file.")] = None,
) -> None:
    """Score a tagger on a file: strict span F1, or accuracy for tags; by type, with errors and an interval."""
    from structkd.corpora.schemes import Metric
    from structkd.ground.files import write_json
    from structkd.pipeline.experiment.changes import load_if_named
    from structkd.pipeline.report.errors import as_json, error_line, error_tables
    from structkd.tagger.analysis import analyse
    from structkd.tagger.config import METRIC_NAMES
    from structkd.tagger.evaluation import EvaluationSet
    from structkd.tagger.opening import open_tagger

    trained_by = load_if_named(experiment, changes)
    model = open_tagger(tagger)
    corpus = read_for(
        model,
        file,
        reader=reader,
        scheme=scheme,
        token_column=token_column,
        label_column=label_column,
        repair=repair,
        comments=comments,
        missing_label=missing_label,
        label_names=label_names,
    )
    metric: Metric = "spans" if model.scorer.scheme else "accuracy"
    judge = EvaluationSet(corpus, metric, model.scorer.scheme)
    found = judge.labels(model)
    analysis = analyse(judge.gold, found, model.scorer.scheme)
    low, high = analysis.interval
    score = f"{METRIC_NAMES[metric]} {analysis.micro.f1:.2f} [{low:.2f}, {high:.2f}]"
    write(f"{file}: {len(corpus)} sentences, {corpus.tokens} words, {score}")
    console = make_console()
    for view in error_tables(analysis):
        print_table(console, view)
    write(error_line(analysis))
    numbers = as_json(analysis)
    if trained_by:
        numbers |= _known(judge, found, model.scorer.scheme, trained_by, console)
    if against:
        numbers["against"] = _compared(judge, found, open_tagger(against), against)
    if output:
        write_json(output, numbers)


def _known(
    judge: "EvaluationSet", found: "Labels", scheme: "Scheme | None", experiment: "Experiment", console: "Console"
) -> dict[str, Any]:
    """Print the scores by words' frequency in training, and without sentences that stand in train; return them."""
    from structkd.pipeline.plan.corpora import Data
    from structkd.pipeline.report.errors import frequency_table, scores_json
    from structkd.tagger.analysis import analyse
    from structkd.tagger.frequency import by_frequency, word_counts

    data = Data(experiment)
    train = [one.tokens for language in data.experiment.languages for one in data.load(language, "train")[0]]
    sentences, known = [sentence.tokens for sentence in judge.corpus], set(train)
    bands = by_frequency(sentences, judge.gold, found, scheme, word_counts(train))
    print_table(console, frequency_table(bands))
    unseen = [place for place, words in enumerate(sentences) if words not in known]
    rest = analyse([judge.gold[place] for place in unseen], [found[place] for place in unseen], scheme).micro
    left_out = len(sentences) - len(unseen)
    write(
        f"without {left_out} sentences that stand in train: {rest.f1:.2f}" if unseen else "all sentences stand in train"
    )
    return {"by_frequency": scores_json(bands), "sentences_in_train": left_out} | scores_json({"unseen": rest})


def _compared(judge: "EvaluationSet", found: "Labels", other: "TextTagger", folder: Path) -> dict[str, Any]:
    """Print the difference to another tagger on the same sentences; return it."""
    from dataclasses import asdict

    import polars as pl

    from structkd.pipeline.results.significance import resample
    from structkd.tagger.scoring import score_of

    outcomes = {"this": judge.outcomes_of(found), "other": judge.outcomes_of(judge.labels(other))}
    frames = {
        name: pl.DataFrame({"outcomes": [[{"language": "und"} | {k: list(v) for k, v in asdict(one).items()}]]})
        for name, one in outcomes.items()
    }
    compared = resample(frames).difference("this", "other")
    score, interval = score_of(outcomes["other"]), f"[{compared.low:+.2f}, {compared.high:+.2f}]"
    write(
        f"{folder}: {score:.2f}; difference {compared.difference:+.2f} {interval}, "
        f"p = {compared.p:.4f} (paired bootstrap over sentences)"
    )
    return {"tagger": str(folder), "score": score} | asdict(compared)
