"""Lines of several systems over updates or a setting."""

from collections.abc import Mapping
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from structkd.pipeline.report.page.charts import Line, Lines
from structkd.pipeline.report.page.drawing.style import PAPER, Frame, Look, add_legend, bare, legend_height

MARKED = 8
"""The approximate number of points with a marker on a line."""
NAMED_TICKS = 12
"""The largest number of measured places that a logarithmic axis names."""


def draw_lines(chart: Lines, looks: Mapping[str, Look], frame: Frame) -> Figure:
    """Draw means as lines in bands from the smallest to the largest value, with a legend."""
    height = (
        2.6 + legend_height([one.name for one in chart.lines], frame)
        if frame.narrow
        else max(3.2, 0.2 * len(chart.lines) + 0.8)
    )
    figure = Figure(figsize=(frame.width, height), layout="constrained")
    axes = figure.subplots()
    drawn = [_line(axes, line, looks[line.name], place) for place, line in enumerate(chart.lines)]
    axes.set_xlabel(chart.x_axis)
    axes.set_ylabel(chart.y_axis)
    axes.set_ylim(bottom=chart.y_from)
    axes.grid()
    bare(axes, "left")
    if chart.log_x:
        _logarithmic(axes, chart)
    add_legend(figure, drawn, frame)
    return figure


def _line(axes: Axes, line: Line, look: Look, place: int) -> Line2D:
    places = [point.x for point in line.points]
    if any(len(point.values) > 1 for point in line.points):
        low, high = ([reach(point.values) for point in line.points] for reach in (min, max))
        axes.fill_between(places, low, high, color=look.colour, alpha=0.13, linewidth=0)
    step = max(1, len(places) // MARKED)
    (drawn,) = axes.plot(
        places,
        [fmean(point.values) for point in line.points],
        label=line.name,
        color=look.colour,
        linestyle=look.dashes if len(places) > 1 else "none",
        linewidth=1.5,
        marker=look.marker,
        markersize=5,
        markeredgecolor=PAPER,
        markeredgewidth=0.6,
        markevery=(place % step, step),  # so that the lines' markers do not cover each other
    )
    return drawn


def _logarithmic(axes: Axes, chart: Lines) -> None:
    axes.set_xscale("log")
    places = sorted({point.x for line in chart.lines for point in line.points})
    if places and len(places) <= NAMED_TICKS:
        axes.set_xticks(places, [f"{place:g}" for place in places])
        axes.set_xticks([], minor=True)
