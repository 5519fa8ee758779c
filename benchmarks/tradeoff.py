"""A picture of score against size and speed: which model to take for which budget.

    python -m benchmarks.tradeoff results/tradeoff.toml results/tradeoff.svg

The file names models by the row of a grid's table, whose scores are read from the grid's rows, and says what
`benchmarks.runtime` has measured of their exports. A model of another library brings its scores. A second picture, with
`-dark` in its name, is for dark pages.
"""

from pathlib import Path
from statistics import fmean
from typing import Annotated

import typer
from pydantic import Field

from structkd.corpora.settings import Settings
from structkd.ground.files import atomic_path
from structkd.pipeline.experiment.grid import load_grid
from structkd.pipeline.experiment.parsing import parse, read_toml
from structkd.pipeline.report.page.charts import Line, Lines, Point
from structkd.pipeline.report.page.plots import svg
from structkd.pipeline.results.findings import grid_findings


class Row(Settings):
    """A row of a grid's table."""

    grid: str
    table: str
    label: str


class Model(Settings):
    """A model, and its scores or where they are."""

    name: str
    scores: Row | tuple[float, ...] = Field(description="test score of each seed in percent, a mean over languages")
    megabytes: float = Field(gt=0, description="size of its export")
    words: float = Field(gt=0, description="raw words tagged in a second of one processor")


class Tradeoff(Settings):
    """The models of a task."""

    task: str
    title: str
    models: tuple[Model, ...] = Field(min_length=1)


def scores(task: str, found: Row | tuple[float, ...]) -> tuple[float, ...]:
    """Return a model's test score of each seed, in percent, a mean over languages."""
    if not isinstance(found, Row):
        return found
    (table,) = (one for one in grid_findings(load_grid(found.grid)) if one.name == found.table)
    (row,) = (one.entries[found.label] for one in table.tasks if one.name == task)
    return tuple(fmean(one["score"] for one in languages) for languages in row["test"])


def chart(tradeoff: Tradeoff) -> Lines:
    """Return the models by size and score; the legend has their speed."""
    lines = tuple(
        Line(f"{one.name}: {one.words:,.0f} words/s", (Point(one.megabytes, scores(tradeoff.task, one.scores)),))
        for one in tradeoff.models
    )
    return Lines(
        "Score against size and speed",
        "MB on disk",
        f"strict span F1, {tradeoff.title}",
        lines,
        log_x=True,
    )


def main(
    models: Annotated[Path, typer.Argument(help="A file of models.")],
    picture: Annotated[Path, typer.Argument(help="The picture, an SVG.")],
) -> None:
    """Draw the picture, narrow enough for phones, in light colours and in dark ones."""
    drawn = chart(parse(Tradeoff, read_toml(models), str(models)))
    for scheme, path in (("light", picture), ("dark", picture.with_stem(f"{picture.stem}-dark"))):
        with atomic_path(path) as temporary:
            temporary.write_text(svg(drawn, narrow=True, schemes=scheme), "utf-8")


if __name__ == "__main__":
    typer.run(main)
