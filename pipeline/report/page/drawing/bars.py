"""Bars of several systems, a panel for each group."""

from collections.abc import Mapping
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from structkd.pipeline.report.page.charts import Bars
from structkd.pipeline.report.page.drawing.panels import grid_size, names_above, panels
from structkd.pipeline.report.page.drawing.style import INK, MUTED, PAPER, Frame, Look, bare
from structkd.pipeline.report.page.numbers import NOTHING


def draw_bars(chart: Bars, looks: Mapping[str, Look], frame: Frame) -> Figure:
    """Draw panels side by side, with the systems' names at the left and their means as numbers at the right.

    In a narrow frame the panels are below each other, and the names above the bars.
    """
    most = 1 if frame.narrow else frame.columns
    rows, _ = grid_size(len(chart.groups), most)
    height = rows * ((0.36 if frame.narrow else 0.21) * len(chart.bars) + 0.45) + 0.25
    figure = Figure(figsize=(frame.width, height), layout="constrained")
    for group, axes in enumerate(panels(figure, len(chart.groups), most)):
        _panel(axes, chart, group, looks)
        if frame.narrow:
            names_above([axes], [bar.name for bar in chart.bars])
    figure.supxlabel(chart.axis, color=MUTED, fontsize=8.5)
    return figure


def _panel(axes: Axes, chart: Bars, group: int, looks: Mapping[str, Look]) -> None:
    places = range(len(chart.bars))
    for place, bar in zip(places, chart.bars, strict=True):
        values = bar.values[group]
        if values:
            axes.barh(place, fmean(values), height=0.66, color=looks[bar.name].colour)
        if bar.intervals and (interval := bar.intervals[group]):
            axes.plot(interval, (place, place), color=PAPER, linewidth=3, solid_capstyle="butt")
            axes.plot(interval, (place, place), "|-", color=INK, linewidth=1.1, markersize=5)
        if len(values) > 1:
            dots = [place] * len(values)
            axes.plot(values, dots, "o", markersize=3.4, color=INK, markeredgecolor=PAPER, markeredgewidth=0.7)
        text = str(round(fmean(values))) if values else NOTHING
        axes.text(1, place, text, transform=axes.get_yaxis_transform(), ha="right", va="center")
    axes.axvline(0, color=MUTED, linewidth=0.7)
    axes.set_title(chart.groups[group])
    axes.set_yticks(places, [bar.name for bar in chart.bars], color=INK)
    axes.set_ylim(len(chart.bars) - 0.4, -0.6)
    axes.set_xlim(*_limits(chart))
    axes.grid(axis="x")
    bare(axes, "left")


def _limits(chart: Bars) -> tuple[float, float]:
    """Return limits that contain all values, intervals and zero, with room at the right for the numbers."""
    found = [0.0, *(value for bar in chart.bars for values in bar.values for value in values)]
    found += [end for bar in chart.bars for interval in bar.intervals if interval for end in interval]
    low, high = min(found), max(found)
    room = (high - low) or 1
    return low - 0.04 * room, high + 0.32 * room
