"""Panels of one kind in rows."""

from math import ceil

from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLUMNS = 4


def grid_size(count: int) -> tuple[int, int]:
    """Return rows and columns for this many panels, at least one of each."""
    columns = min(COLUMNS, max(1, count))
    return max(1, ceil(count / columns)), columns


def panels(figure: Figure, count: int) -> list[Axes]:
    """Return axes with the same scales; only the lowest in each column has numbers."""
    rows, columns = grid_size(count)
    found = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    for axes in found[count:]:
        axes.set_axis_off()
    for axes in found[max(0, count - columns) : count]:
        axes.tick_params(labelbottom=True)
    return found[:count]
