"""Panels of one kind in rows."""

from collections.abc import Sequence
from math import ceil

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from structkd.pipeline.report.page.drawing.style import INK, PAPER

BAR = 0.38
"""The height of a bar with its name above it, as a share of its row."""


def grid_size(count: int, most: int) -> tuple[int, int]:
    """Return rows and columns for this many panels, at least one of each; `most` is the largest number of columns."""
    columns = min(most, max(1, count))
    return max(1, ceil(count / columns)), columns


def panels(figure: Figure, count: int, most: int) -> list[Axes]:
    """Return axes with the same scales, at most `most` side by side; only the lowest in each column has numbers."""
    rows, columns = grid_size(count, most)
    found = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    for axes in found[count:]:
        axes.set_axis_off()
    for axes in found[max(0, count - columns) : count]:
        axes.tick_params(labelbottom=True)
    return found[:count]


def names_above(row: Sequence[Axes], names: Sequence[str]) -> None:
    """Write names above the bars at the places 0, 1, ... of panels in a row, in place of names at the left."""
    first = row[0]
    first.set_yticks([])
    first.set_ylim(len(names) - 0.5, -0.8)
    paper = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.6}  # no line goes through a name
    for place, name in enumerate(names):
        above = (0, place - BAR / 2 - 0.1)
        first.text(*above, name, transform=first.get_yaxis_transform(), color=INK, in_layout=False, bbox=paper)
    for bar in (bar for axes in row for bar in axes.patches):
        assert isinstance(bar, Rectangle)
        bar.set_y(bar.get_y() + (bar.get_height() - BAR) / 2)
        bar.set_height(BAR)
