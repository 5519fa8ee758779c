"""Bars of the time, memory and bytes of stages."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from structkd.pipeline.report.page.charts import Costs
from structkd.pipeline.report.page.drawing.panels import names_above
from structkd.pipeline.report.page.drawing.style import INK, SERIES, Frame, bare
from structkd.pipeline.report.page.numbers import duration, size


def draw_costs(chart: Costs, frame: Frame) -> Figure:
    """Draw three panels side by side; the bars have numbers at their ends, and names above them in a narrow frame."""
    height = 0.38 if frame.narrow else 0.24
    figure = Figure(figsize=(frame.width, height * len(chart.stages) + 0.45), layout="constrained")
    time, memory, disk = figure.subplots(1, 3, sharey=True)
    room = 2.6 if frame.narrow else 1.6
    _panel(time, "time", [one.seconds for one in chart.stages], duration, room)
    _panel(memory, "peak memory", [one.memory for one in chart.stages], size, room)
    _panel(disk, "on disk", [one.disk for one in chart.stages], size, room)
    names = [one.stage for one in chart.stages]
    time.set_yticks(range(len(names)), names, color=INK)
    time.set_ylim(len(names) - 0.4, -0.6)
    if frame.narrow:
        names_above((time, memory, disk), names)
    return figure


def _panel(
    axes: Axes, title: str, values: Sequence[float | None], written: Callable[[float | None], str], room: float
) -> None:
    """Draw bars; `room` is the width of the panel for a longest bar of 1."""
    lengths = [value or 0 for value in values]
    axes.barh(range(len(values)), lengths, height=0.62, color=SERIES[1])
    for place, value in enumerate(values):
        axes.annotate(written(value), (value or 0, place), (4, 0), textcoords="offset points", va="center")
    axes.set_xlim(0, room * (max(lengths, default=0) or 1))
    axes.set_xticks([])
    axes.set_title(title)
    bare(axes, "bottom")
