"""`structkd evaluate`: score a tagger on a file."""

from pathlib import Path
from typing import Annotated

import typer

from structkd.pipeline.commands.console import write
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
from structkd.pipeline.commands.options import TaggerFolder


def evaluate(
    tagger: TaggerFolder,
    file: Annotated[Path, typer.Argument(help="Labelled text to score the tagger on.", exists=True, dir_okay=False)],
    reader: Reader = "columns",
    scheme: FileScheme = "IOB2",
    token_column: TokenColumn = None,
    label_column: LabelColumn = None,
    repair: Repair = "none",
    comments: Comments = "auto",
    missing_label: MissingLabel = "_",
    label_names: LabelNames = None,
) -> None:
    """Score a tagger on a file: strict span F1, or accuracy for tags."""
    from structkd.corpora.schemes import Metric
    from structkd.tagger.config import METRIC_NAMES
    from structkd.tagger.evaluation import EvaluationSet
    from structkd.tagger.opening import open_tagger

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
    score = EvaluationSet(corpus, metric, model.scorer.scheme).score_texts(model)
    write(f"{file}: {len(corpus)} sentences, {corpus.tokens} words, {METRIC_NAMES[metric]} {score:.2f}")
