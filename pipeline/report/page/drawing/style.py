"""The style of all drawings: colours for light and dark, markers, fonts and lines.

A drawing is made in light colours; `colour_rules` maps them to dark ones in CSS. The series' colours are the result of
a search for the largest smallest distance in OKLab under normal vision, protanopia, deuteranopia and tritanopia
(Machado et al., 2009), with a contrast of at least 3 to the paper. Markers and dashes distinguish the series without
colours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

PAPER, INK, MUTED, GRID, BAND = "#ffffff", "#1d2126", "#59626d", "#dde1e6", "#f4f6f8"
DARK = {
    PAPER: "#15181c",
    INK: "#e8eaed",
    MUTED: "#a6afb9",
    GRID: "#373e46",
    BAND: "#1c2025",
    # the series
    "#645f5a": "#f3ede7",
    "#425bd6": "#b4c6fb",
    "#ac4203": "#ecbeab",
    "#3da011": "#64b14d",
    "#540f48": "#b764a4",
    "#e1578f": "#e28eab",
    "#947cd3": "#b195fd",
    "#133c04": "#abfc93",
    "#2b408d": "#5e7ee6",
}
SERIES = tuple(DARK)[5:]
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
DASHES: tuple[Any, ...] = ("solid", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.5, 1.2, 1.5)))
SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar sign is one
    "font.family": "DejaVu Sans",  # comes with matplotlib, and is wider than what a browser takes in its place
    "font.size": 8.5,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
}


@dataclass(frozen=True)
class Frame:
    """The room that a drawing has."""

    width: float
    """Inches."""
    columns: int
    """The largest number of panels side by side."""
    narrow: bool
    """True if names and legends do not fit beside the data: they stand above or below it."""


WIDE, NARROW = Frame(7.2, 4, narrow=False), Frame(3.5, 2, narrow=True)
_SHORT = 18  # characters of names of which a narrow legend has two in a row


@dataclass(frozen=True)
class Look:
    """The colour, marker and dashes of a series."""

    colour: str
    marker: str
    dashes: Any


def looks(names: Iterable[str]) -> dict[str, Look]:
    """Return a look for each name, by its place; the first ninety differ."""
    unique = tuple(dict.fromkeys(names))
    return {
        name: Look(SERIES[place % len(SERIES)], MARKERS[place % len(MARKERS)], DASHES[place % len(DASHES)])
        for place, name in enumerate(unique)
    }


def colour_rules() -> str:
    """Return CSS that adapts a drawing's colours to the reader's scheme; without it the colours are light."""
    return "\n".join(
        f'[{what}="{light}"] {{ {what}: light-dark({light}, {dark}); }}'
        for light, dark in DARK.items()
        for what in ("fill", "stroke")
    )


def add_legend(figure: Figure, handles: Sequence[Line2D], frame: Frame) -> None:
    """Name the series: at the right, or below a narrow drawing."""
    if handles and frame.narrow:
        columns = _columns([str(one.get_label()) for one in handles])
        figure.legend(handles=handles, loc="outside lower left", ncols=columns, handlelength=3.2, columnspacing=1)
    elif handles:
        figure.legend(handles=handles, loc="outside right upper", handlelength=3.2)


def legend_height(names: Sequence[str], frame: Frame) -> float:
    """Return the inches that `add_legend` takes below the data."""
    return 0.19 * ceil(len(names) / _columns(names)) if names and frame.narrow else 0


def _columns(names: Sequence[str]) -> int:
    return 2 if max(map(len, names)) <= _SHORT else 1


def bare(axes: Axes, *sides: str) -> None:
    """Remove spines."""
    for side in sides:
        axes.spines[side].set_visible(False)
