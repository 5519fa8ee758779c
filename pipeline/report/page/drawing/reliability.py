"""Reliability diagrams, a panel for each language."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from structkd.pipeline.report.page.charts import Curve, Panel, Reliability
from structkd.pipeline.report.page.drawing.panels import grid_size, panels
from structkd.pipeline.report.page.drawing.style import INK, MUTED, PAPER, Frame, Look, bare, looks

LARGEST = 120
"""Area of a dot with all words, in square points."""
SMALLEST = 9


def draw_reliability(chart: Reliability, frame: Frame) -> Figure:
    """Draw accuracy against confidence: on the diagonal they are equal. Larger dots have more words."""
    rows, columns = grid_size(len(chart.panels), frame.columns)
    height = rows * (frame.width / max(columns, frame.columns - 1) + 0.3) + 0.5
    figure = Figure(figsize=(frame.width, height), layout="constrained")
    curves = looks(curve.name for panel in chart.panels for curve in panel.curves)
    for axes, panel in zip(panels(figure, len(chart.panels), frame.columns), chart.panels, strict=True):
        _panel(axes, panel, curves)
    figure.supxlabel("confidence", color=MUTED, fontsize=8.5)
    figure.supylabel("accuracy", color=MUTED, fontsize=8.5)
    handles = [_handle(name, look) for name, look in curves.items()]
    if handles:
        figure.legend(handles=handles, loc="outside upper left", ncols=2 if frame.narrow else len(handles))
    return figure


def _panel(axes: Axes, panel: Panel, curves: Mapping[str, Look]) -> None:
    axes.axline((0, 0), slope=1, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
    for curve in panel.curves:
        _curve(axes, curve, curves[curve.name])
    axes.set_title(panel.name)
    axes.set_xlabel("\n".join(_error(curve) for curve in panel.curves), color=INK, fontsize=7.5, loc="left")
    axes.set_xlim(0, 1.03)
    axes.set_ylim(0, 1.03)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.grid()
    bare(axes, "left", "bottom")


def _error(curve: Curve) -> str:
    return f"ECE {100 * curve.calibration_error:.1f}%, {curve.name}"


def _curve(axes: Axes, curve: Curve, look: Look) -> None:
    places, heights = [one.confidence for one in curve.bins], [one.accuracy for one in curve.bins]
    areas = [max(SMALLEST, LARGEST * one.words / max(1, curve.words)) for one in curve.bins]
    axes.plot(places, heights, color=look.colour, linestyle=look.dashes, linewidth=1.2)
    axes.scatter(
        places,
        heights,
        areas,
        look.colour,
        marker=look.marker,
        edgecolors=PAPER,
        linewidths=0.6,
        zorder=3,
        clip_on=False,
    )


def _handle(name: str, look: Look) -> Line2D:
    return Line2D([], [], label=name, color=look.colour, linestyle=look.dashes, marker=look.marker)
