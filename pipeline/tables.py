"""Result rows, and the table of an experiment: scores by system and language, and the share of the gap closed."""

import json
from pathlib import Path
from typing import Any

import polars as pl
from rich.table import Table

from pipeline.plan import RESULT, Plan

TEACHERS, BASELINE = "teachers", "baseline"


class ResultError(ValueError):
    """Results that cannot be shown; the message names the file or says what to run."""


def result_rows(plan: Plan) -> pl.DataFrame:
    """One row for each finished teacher of a whole corpus and student, language and split, in the order of the plan.

    Columns: system, seed, language, split, score (percent), seconds, updates, parameters, folder.
    """
    pieces = [teacher.folder for teacher in plan.teachers if teacher.trained and not teacher.fold]
    pieces += [student.folder for student in plan.students if student.done]
    rows = [row for folder in pieces for row in _rows(folder)]
    if not rows:
        raise ResultError(f"{plan.folder}: nothing is finished; run `structkd distill {plan.experiment.name}`")
    return pl.DataFrame(rows)


def _rows(folder: Path) -> list[dict[str, Any]]:
    path = folder / RESULT
    try:
        found = json.loads(path.read_text("utf-8"))
        shared = {key: found[key] for key in ("system", "seed", "seconds", "updates", "parameters")}
        return [
            shared | {"language": language, "split": split, "score": score, "folder": str(folder)}
            for split in ("dev", "test")
            for language, score in found[split].items()
        ]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError) as error:
        raise ResultError(f"{path}: damaged ({error}); delete the folder and run the experiment again") from error


def score_table(rows: pl.DataFrame, languages: tuple[str, ...], split: str = "test") -> pl.DataFrame:
    """Systems by languages: means over seeds, `mean` over languages, and `gap_closed`.

    With several seeds also `sd`, the standard deviation of `mean` over them, and `seeds`, their number. `gap_closed`
    is (system - baseline) / (teachers - baseline) in percent, null where teachers are not better.
    """
    chosen = rows.filter(pl.col("split") == split)
    means = chosen.group_by("system", "seed", maintain_order=True).agg(mean=pl.col("score").mean())
    spread = means.group_by("system", maintain_order=True).agg(
        pl.col("mean").mean(), sd=pl.col("mean").std(), seeds=pl.len()
    )
    by_language = chosen.pivot(on="language", index="system", values="score", aggregate_function="mean")
    table = by_language.select("system", *(name for name in languages if name in by_language.columns))
    table = table.join(spread, on="system", maintain_order="left")
    table = table.with_columns(gap_closed=_gap_closed(table))
    return table.drop("sd", "seeds") if table["seeds"].max() == 1 else table


def _gap_closed(table: pl.DataFrame) -> pl.Series:
    by_system = dict(zip(table["system"], table["mean"], strict=True))
    top, base = by_system.get(TEACHERS), by_system.get(BASELINE)
    if top is None or base is None or top <= base:
        return pl.Series("gap_closed", [None] * len(table), dtype=pl.Float64)
    shares = [
        None if name in (TEACHERS, BASELINE) else 100 * (score - base) / (top - base)
        for name, score in by_system.items()
    ]
    return pl.Series("gap_closed", shares, dtype=pl.Float64)


def as_cells(table: pl.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Headings and texts of a score table, for a terminal, Markdown or LaTeX."""
    names = {"gap_closed": "gap closed"}
    heads = [names.get(name, name) for name in table.columns]
    return heads, [[_cell(name, row[name]) for name in table.columns] for row in table.to_dicts()]


def _cell(column: str, value: Any) -> str:
    if value is None:
        return "-"
    if column == "gap_closed":
        return f"{round(value)}%"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def as_table(heads: list[str], rows: list[list[str]], *, left: int = 1, title: str | None = None) -> Table:
    """A table for a terminal; the first `left` columns are text, the others numbers."""
    table = Table(title=title, title_justify="left")
    for place, head in enumerate(heads):
        table.add_column(head, justify="left" if place < left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def as_markdown(heads: list[str], rows: list[list[str]], *, left: int = 1) -> str:
    """A Markdown table; see `as_table`."""
    rule = ["---" if place < left else "---:" for place in range(len(heads))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows))
