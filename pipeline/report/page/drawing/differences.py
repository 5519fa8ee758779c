"""Differences of systems from the baseline, by language."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from structkd.pipeline.report.page.charts import Difference, Differences
from structkd.pipeline.report.page.drawing.style import (
    BAND,
    INK,
    MUTED,
    PAPER,
    Frame,
    Look,
    add_legend,
    bare,
    legend_height,
)

SHARE = 0.76
"""The share of a language's row that its dots take."""


def draw_differences(chart: Differences, looks: Mapping[str, Look], frame: Frame) -> Figure:
    """Draw the mean first, then the languages; the systems' dots are below each other in the order of the legend."""
    names = ("mean", *chart.languages)
    height = (
        len(names) * max(0.3, 0.105 * len(chart.systems))
        + 1
        + legend_height([one.name for one in chart.systems], frame)
    )
    figure = Figure(figsize=(frame.width, height), layout="constrained")
    axes = figure.subplots()
    for place in range(0, len(names), 2):
        axes.axhspan(place - 0.5, place + 0.5, color=BAND, linewidth=0, zorder=0)
    drawn = []
    for place, system in enumerate(chart.systems):
        offset = SHARE * ((place + 0.5) / len(chart.systems) - 0.5)
        drawn.append(_system(axes, system, looks[system.name], offset))
    axes.axvline(0, color=MUTED, linewidth=0.9)
    axes.set_yticks(range(len(names)), names, color=INK)
    axes.get_yticklabels()[0].set_fontweight("bold")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(chart.axis)
    axes.grid(axis="x")
    bare(axes, "left")
    add_legend(figure, drawn, frame)
    return figure


def _system(axes: Axes, system: Difference, look: Look, offset: float) -> Line2D:
    found = [(place + offset, one) for place, one in enumerate((system.mean, *system.values)) if one]
    for place, one in found:
        if one.interval:
            axes.plot(one.interval, (place, place), color=look.colour, linewidth=1.3, solid_capstyle="butt")
    (drawn,) = axes.plot(
        [one.value for _, one in found],
        [place for place, _ in found],
        look.marker,
        label=system.name,
        color=look.colour,
        markersize=5.5,
        markeredgecolor=PAPER,
        markeredgewidth=0.6,
    )
    return drawn
