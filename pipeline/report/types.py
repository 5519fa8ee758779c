"""Scores by type and errors on test, of teachers, baseline and the student that is best on dev."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from structkd.pipeline.experiment.grid import BASELINE, TEACHERS
from structkd.pipeline.report.page.tables import TableView
from structkd.pipeline.results.comparisons import score_rows
from structkd.pipeline.results.findings import TaskFindings
from structkd.pipeline.results.tables import score_table
from structkd.tagger.analysis import KINDS, TypeScore, macro_f1, micro

MOST = 20
"""Of the types and of the confusions: the most frequent ones are shown."""


@dataclass(frozen=True)
class _Counts:
    """A system's counts, summed over languages and seeds."""

    seeds: int
    types: Mapping[str, TypeScore]
    errors: Mapping[str, int]
    confusion: Mapping[tuple[str, str], int]

    def mean(self, count: int) -> str:
        """Return a count as the mean over seeds."""
        return f"{count / self.seeds:,.0f}"


def type_tables(task: TaskFindings, prefix: str = "") -> Iterator[TableView]:
    """Yield scores by type, errors by kind, and what was taken for what; nothing if rows of earlier versions lack it.

    Args:
        prefix: the beginning of the titles.
    """
    found = {label: counts for label in _shown(task) if (counts := _counts(task.entries[label]))}
    if not found:
        return
    yield _by_type(found, prefix)
    yield _errors(found, prefix)
    confusions = _confusions(found, prefix)
    if confusions.rows:
        yield confusions


def _shown(task: TaskFindings) -> list[str]:
    labels = [label for label, cells in task.entries.items() if len(cells)]
    lines = score_table(score_rows(task.entries), task.experiment.languages, "dev", labels).systems
    students = {label: lines[label].mean or 0.0 for label in labels if label not in (TEACHERS, BASELINE)}
    best = [max(students, key=students.__getitem__)] if students else []
    return [label for label in (TEACHERS, BASELINE) if label in labels] + best


def _counts(cells: pl.DataFrame) -> _Counts | None:
    known = cells.filter(pl.col("types").is_not_null()) if "types" in cells else cells.clear()
    if known.is_empty():
        return None
    types = _summed(known, "types", ["type"], ["right", "predicted", "gold"])
    errors = _summed(known, "errors", ["kind"], ["times"])
    confusion = _summed(known, "confusion", ["gold", "found"], ["times"])
    return _Counts(
        known.height,
        {name: TypeScore(*counts) for name, *counts in types.iter_rows()},
        dict(errors.iter_rows()),
        {(gold, found): times for gold, found, times in confusion.iter_rows()},
    )


def _summed(cells: pl.DataFrame, column: str, keys: list[str], values: list[str]) -> pl.DataFrame:
    rows = cells.select(column).explode(column).drop_nulls().unnest(column)
    return rows.group_by(keys, maintain_order=True).agg(pl.col(values).cast(pl.Int64).sum())


def _by_type(found: Mapping[str, _Counts], prefix: str) -> TableView:
    gold: dict[str, int] = {}
    for counts in found.values():
        gold |= {name: max(score.gold, gold.get(name, 0)) for name, score in counts.types.items()}
    names = sorted(gold, key=lambda name: (-gold[name], name))
    shown = [(name, {label: one.types.get(name, TypeScore(0, 0, 0)) for label, one in found.items()}) for name in names]
    shown = [*shown[:MOST], ("all (micro)", {label: micro(one.types) for label, one in found.items()})]
    rows = [(name, label, *_cells(score, found[label])) for name, line in shown for label, score in line.items()]
    rows += [("mean (macro)", label, f"{macro_f1(one.types):.2f}", "", "", "") for label, one in found.items()]
    more = f" The {MOST} most frequent of {len(names)} types." if len(names) > MOST else ""
    note = f"All languages and seeds together; the student is the best one on dev.{more}"
    return TableView(f"{prefix}By type", ("type", "system", "F1", "precision", "recall", "gold"), rows, 2, note)


def _cells(score: TypeScore, counts: _Counts) -> tuple[str, ...]:
    percents = (score.f1, score.precision, score.recall)
    return (*(f"{value:.2f}" for value in percents), counts.mean(score.gold))


def _errors(found: Mapping[str, _Counts], prefix: str) -> TableView:
    kinds = [kind for kind in KINDS if any(counts.errors.get(kind) for counts in found.values())]
    rows = [(label, *(one.mean(one.errors.get(kind, 0)) for kind in kinds)) for label, one in found.items()]
    note = "Found with another type, with other borders, or with both; missed; invented. Means over seeds."
    return TableView(f"{prefix}Errors by kind", ("system", *kinds), rows, note=note)


def _confusions(found: Mapping[str, _Counts], prefix: str) -> TableView:
    times: dict[tuple[str, str], float] = {}
    for counts in found.values():
        for pair, count in counts.confusion.items():
            times[pair] = times.get(pair, 0) + count / counts.seeds
    wrong = sorted((pair for pair in times if pair[0] != pair[1]), key=lambda pair: (-times[pair], pair))[:MOST]
    rows = [(*pair, *(one.mean(one.confusion.get(pair, 0)) for one in found.values())) for pair in wrong]
    return TableView(f"{prefix}Most frequent confusions", ("gold", "found", *found), rows, left=2)
