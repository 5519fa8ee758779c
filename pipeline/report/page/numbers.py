"""The numbers of a chart as a table, for readers who cannot see it or want exact values."""

from statistics import fmean

from structkd.pipeline.report.page.charts import Bars, Chart, Costs, Differences, Estimate, Lines, Reliability
from structkd.pipeline.report.page.tables import TableView

NOTHING = "-"


def numbers(chart: Chart) -> TableView:
    """Return all values of a chart."""
    match chart:
        case Bars():
            return _bars(chart)
        case Lines():
            return _lines(chart)
        case Differences():
            return _differences(chart)
        case Costs():
            return _costs(chart)
        case Reliability():
            return _reliability(chart)


def _bars(chart: Bars) -> TableView:
    rows = tuple(
        (bar.name, *map(_seeds, bar.values, bar.intervals or (None,) * len(chart.groups))) for bar in chart.bars
    )
    return TableView(chart.title, ("system", *chart.groups), rows, note=f"{chart.axis}: mean (seeds) [95% interval]")


def _lines(chart: Lines) -> TableView:
    rows = tuple(
        (
            line.name,
            f"{point.x:g}",
            f"{fmean(point.values):.2f}",
            f"{min(point.values):.2f}",
            f"{max(point.values):.2f}",
        )
        for line in chart.lines
        for point in line.points
    )
    return TableView(chart.title, ("system", chart.x_axis, chart.y_axis, "least", "greatest"), rows)


def _differences(chart: Differences) -> TableView:
    rows = tuple((one.name, *map(_estimate, one.values), _estimate(one.mean)) for one in chart.systems)
    return TableView(chart.title, ("system", *chart.languages, "mean"), rows, note=chart.axis)


def _costs(chart: Costs) -> TableView:
    rows = tuple((one.stage, duration(one.seconds), size(one.memory), size(one.disk)) for one in chart.stages)
    return TableView(chart.title, ("stage", "time", "peak memory", "on disk"), rows)


def _reliability(chart: Reliability) -> TableView:
    rows = tuple(
        (panel.name, curve.name, f"{one.confidence:.3f}", f"{one.accuracy:.3f}", str(one.words))
        for panel in chart.panels
        for curve in panel.curves
        for one in curve.bins
    )
    return TableView(chart.title, ("language", "text", "confidence", "accuracy", "words"), rows, left=2)


def _seeds(values: tuple[float, ...], interval: tuple[float, float] | None) -> str:
    if not values:
        return NOTHING
    each = f" ({', '.join(f'{value:z.1f}' for value in values)})" if len(values) > 1 else ""
    reach = f" [{interval[0]:z.1f}, {interval[1]:z.1f}]" if interval else ""
    return f"{fmean(values):z.1f}{each}{reach}"


def _estimate(estimate: Estimate | None) -> str:
    if estimate is None:
        return NOTHING
    interval = f" [{estimate.interval[0]:+.2f}, {estimate.interval[1]:+.2f}]" if estimate.interval else ""
    return f"{estimate.value:+.2f}{interval}"


def duration(seconds: float | None) -> str:
    """Return seconds in readable units, such as `3 min 20 s`."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.3g} s"
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def size(count: float | None) -> str:
    """Return bytes in decimal units, such as `1.25 GB`."""
    if count is None:
        return NOTHING
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if round(value) < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.3g} {unit}"
