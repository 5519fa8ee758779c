"""`structkd calibrate`: fit the temperature of a tagger's probabilities."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from structkd.pipeline.commands.console import make_console, write
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

if TYPE_CHECKING:
    from structkd.corpora.sentences import Corpus, Sentence
    from structkd.tagger.reliability import Claims

_HEADS = ("probability", "before", "mean", "right", "after", "mean", "right")


def calibrate(
    tagger: TaggerFolder,
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Labelled text that the tagger was not trained on, such as dev.", exists=True, dir_okay=False
        ),
    ],
    reader: Reader = "columns",
    scheme: FileScheme = "IOB2",
    token_column: TokenColumn = None,
    label_column: LabelColumn = None,
    repair: Repair = "none",
    comments: Comments = "auto",
    missing_label: MissingLabel = "_",
    label_names: LabelNames = None,
) -> None:
    """Fit one temperature to a tagger's probabilities, and keep it with the tagger; its labels stay."""
    from structkd.tagger.calibration import write_temperature
    from structkd.tagger.temperature import FixedScorer, fit_temperature, held_out
    from structkd.tagger.texts import load_text_tagger

    model = load_text_tagger(tagger)
    kept = model.scorer.chain.temperature
    halves: tuple[list[Sentence], list[Sentence]] = ([], [])
    for file in files:
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
        sentences = _usable(file, corpus, model.labels)
        halves[0].extend(sentences[: len(sentences) // 2])
        halves[1].extend(sentences[len(sentences) // 2 :])
    every = [*halves[0], *halves[1]]
    scorer = FixedScorer(model.scorer, every).at(1.0)
    units = "spans" if scorer.scheme else "words"
    before, after = held_out(scorer, halves)
    _print(units, before, after)
    if before.right.all():
        write(f"{tagger}: all {len(before)} {units} are right: nothing to fit, the temperature stays {kept:.3f}")
        return
    temperature = fit_temperature(scorer, every)
    write_temperature(tagger, temperature, {"files": [file.name for file in files], "sentences": len(every)})
    write(f"{tagger}: temperature {temperature:.3f}, fitted on {len(every)} sentences")


def _usable(file: Path, corpus: "Corpus", labels: tuple[str, ...]) -> "list[Sentence]":
    """Return the sentences whose labels the tagger knows, as it cuts them."""
    from structkd.tagger.temperature import windows

    found = [one for one in corpus if one.labels and set(one.labels) <= set(labels)]
    if left_out := len(corpus) - len(found):
        text = f"{file}: {left_out} sentences left out: without labels, or with one that the tagger does not know"
        make_console(stderr=True).print(text, style="yellow", soft_wrap=True)
    return windows(found)


def _print(units: str, before: "Claims", after: "Claims") -> None:
    """Print how reliable probabilities are on text that the temperature was not fitted on."""
    from structkd.pipeline.report.formats import as_table

    console = make_console()
    console.print(f"{len(before)} {units}; each half of the files at the temperature of the other", soft_wrap=True)
    bins = zip(before.bins, after.bins, strict=True)
    rows = [(_bounds(place), *_cells(one), *_cells(other)) for place, (one, other) in enumerate(bins)]
    console.print(as_table(_HEADS, rows))
    errors = f"{before.calibration_error:.2%} before, {after.calibration_error:.2%} after"
    write(f"expected calibration error {errors}; log loss {before.log_loss:.4f} before, {after.log_loss:.4f} after")


def _bounds(place: int) -> str:
    return f"{place / 10:.1f}-{(place + 1) / 10:.1f}"


def _cells(found: "Claims") -> tuple[str, str, str]:
    """Return the number of claims, their mean probability, and the share that is right."""
    if not len(found):
        return "0", "-", "-"
    return str(len(found)), f"{found.chances.mean():.1%}", f"{found.right.mean():.1%}"
