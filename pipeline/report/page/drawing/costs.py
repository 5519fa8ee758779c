"""Bars of the time, memory and bytes of stages."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from structkd.pipeline.report.page.charts import Costs
from structkd.pipeline.report.page.drawing.style import INK, SERIES, WIDTH, bare
from structkd.pipeline.report.page.numbers import duration, size


def draw_costs(chart: Costs) -> Figure:
    """Draw three panels side by side; the bars have numbers at their ends."""
    figure = Figure(figsize=(WIDTH, 0.24 * len(chart.stages) + 0.45), layout="constrained")
    time, memory, disk = figure.subplots(1, 3, sharey=True)
    _panel(time, "time", [one.seconds for one in chart.stages], duration)
    _panel(memory, "peak memory", [one.memory for one in chart.stages], size)
    _panel(disk, "on disk", [one.disk for one in chart.stages], size)
    time.set_yticks(range(len(chart.stages)), [one.stage for one in chart.stages], color=INK)
    time.set_ylim(len(chart.stages) - 0.4, -0.6)
    return figure


def _panel(axes: Axes, title: str, values: Sequence[float | None], written: Callable[[float | None], str]) -> None:
    lengths = [value or 0 for value in values]
    axes.barh(range(len(values)), lengths, height=0.62, color=SERIES[1])
    for place, value in enumerate(values):
        axes.annotate(written(value), (value or 0, place), (4, 0), textcoords="offset points", va="center")
    axes.set_xlim(0, 1.6 * (max(lengths, default=0) or 1))
    axes.set_xticks([])
    axes.set_title(title)
    bare(axes, "bottom")
