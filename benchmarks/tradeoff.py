"""A picture of score against size and speed: which model to take for which budget.

    python -m benchmarks.tradeoff results/tradeoff.toml results/tradeoff.png

The file names models by the row of a grid's table, whose scores are read from the grid's rows, and says what
`benchmarks.runtime` has measured of their exports.
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
from structkd.pipeline.report.page.plots import png
from structkd.pipeline.results.findings import grid_findings


class Model(Settings):
    """A model, and where its scores are."""

    name: str
    grid: str
    table: str
    label: str
    megabytes: float = Field(gt=0, description="size of its export")
    words: float = Field(gt=0, description="raw words tagged in a second of one processor")


class Tradeoff(Settings):
    """The models of a task."""

    task: str
    title: str
    models: tuple[Model, ...] = Field(min_length=1)


def scores(task: str, model: Model) -> tuple[float, ...]:
    """Return a model's test score of each seed, in percent, a mean over languages."""
    (table,) = (one for one in grid_findings(load_grid(model.grid)) if one.name == model.table)
    (found,) = (one for one in table.tasks if one.name == task)
    return tuple(fmean(one["score"] for one in row) for row in found.entries[model.label]["test"])


def chart(tradeoff: Tradeoff) -> Lines:
    """Return the models by size and score; the legend has their speed."""
    lines = tuple(
        Line(
            f"{model.name}\n{model.words:,.0f} words a second",
            (Point(model.megabytes, scores(tradeoff.task, model)),),
        )
        for model in tradeoff.models
    )
    return Lines(
        "Score against size and speed",
        "MB of the exported folder",
        f"strict span F1, {tradeoff.title}",
        lines,
        log_x=True,
    )


def main(
    models: Annotated[Path, typer.Argument(help="A file of models.")],
    picture: Annotated[Path, typer.Argument(help="The picture, a PNG.")],
) -> None:
    """Draw the picture."""
    with atomic_path(picture) as temporary:
        png(chart(parse(Tradeoff, read_toml(models), str(models))), temporary)


if __name__ == "__main__":
    typer.run(main)
