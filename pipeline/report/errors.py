"""A tagger's errors as tables, and as JSON."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from structkd.pipeline.report.page.tables import TableView
from structkd.tagger.analysis import Analysis, TypeScore

_CONFUSED = 10  # lines of a table for a terminal
_HEADS = ("precision", "recall", "F1", "right", "predicted", "gold")


def error_tables(analysis: Analysis) -> Iterator[TableView]:
    """Yield the scores by type, and what was taken for what most often."""
    rows = [(name, *_cells(score)) for name, score in analysis.types.items()]
    rows.append(("all (micro)", *_cells(analysis.micro)))
    rows.append(("mean (macro)", "", "", f"{analysis.macro_f1:.2f}", "", "", ""))
    yield TableView("By type", ("type", *_HEADS), rows)
    wrong = sorted(((count, *pair) for pair, count in analysis.confusion.items() if pair[0] != pair[1]), reverse=True)
    if wrong:
        shown = [(gold, found, str(count)) for count, gold, found in wrong[:_CONFUSED]]
        yield TableView("Most frequent confusions", ("gold", "found", "times"), shown, left=2)


def error_line(analysis: Analysis) -> str:
    """Return the number of each kind of error in words."""
    return ", ".join(f"{count} {kind}" for kind, count in analysis.errors.items())


def as_json(analysis: Analysis) -> dict[str, Any]:
    """Return everything as plain JSON."""
    return {
        "micro": _plain(analysis.micro) | {"f1_interval": list(analysis.interval)},
        "macro_f1": analysis.macro_f1,
        "word_accuracy": analysis.words,
        "types": {name: _plain(score) for name, score in analysis.types.items()},
        "errors": dict(analysis.errors),
        "confusion": [
            {"gold": gold, "found": found, "times": count} for (gold, found), count in analysis.confusion.items()
        ],
    }


def _plain(score: TypeScore) -> dict[str, float]:
    return asdict(score) | {"precision": score.precision, "recall": score.recall, "f1": score.f1}


def _cells(score: TypeScore) -> tuple[str, ...]:
    return (
        *(f"{value:.2f}" for value in (score.precision, score.recall, score.f1)),
        *(f"{value:,}" for value in (score.right, score.predicted, score.gold)),
    )
