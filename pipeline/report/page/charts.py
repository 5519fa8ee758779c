"""Charts as plain data. Each seed has its own value; drawings show mean and spread."""

from collections.abc import Sized
from dataclasses import dataclass

from structkd.pipeline.report.page.errors import PageError


@dataclass(frozen=True)
class Bar:
    """A system's bars."""

    name: str
    values: tuple[tuple[float, ...], ...]
    """One value per seed for each group; none if the system was not run."""
    intervals: tuple[tuple[float, float] | None, ...] = ()
    """The confidence interval of the mean for each group, None if it is not known; empty if no group has one."""


@dataclass(frozen=True)
class Bars:
    """A bar chart: a panel per group (such as a task), with a bar per system and a dot per seed."""

    title: str
    axis: str
    groups: tuple[str, ...]
    bars: tuple[Bar, ...]
    note: str = ""

    def __post_init__(self) -> None:
        for bar in self.bars:
            _same_length(self.title, bar.name, bar.values, self.groups, "groups")
            _same_length(self.title, bar.name, bar.intervals or self.groups, self.groups, "groups")


@dataclass(frozen=True)
class Point:
    """The values at one place of a line."""

    x: float
    values: tuple[float, ...]
    """One value per seed; at least one."""


@dataclass(frozen=True)
class Line:
    """A system's line."""

    name: str
    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        if not all(point.values for point in self.points):
            raise PageError(f"line {self.name!r}: a point without a value; leave the point out")


@dataclass(frozen=True)
class Lines:
    """Learning curves, or scores against a setting: lines of means in bands from the least to the greatest value."""

    title: str
    x_axis: str
    y_axis: str
    lines: tuple[Line, ...]
    log_x: bool = False
    y_from: float | None = None
    """The start of the vertical axis; None shows everything."""
    note: str = ""

    def __post_init__(self) -> None:
        places = [point.x for line in self.lines for point in line.points]
        if self.log_x and min(places, default=1.0) <= 0:
            raise PageError(
                f"chart {self.title!r}: {min(places)} on a logarithmic axis; leave it out or set log_x=False"
            )


@dataclass(frozen=True)
class Estimate:
    """A value and, if it is known, its confidence interval."""

    value: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Difference:
    """A system's difference from the baseline."""

    name: str
    values: tuple[Estimate | None, ...]
    """One value per language; None if it was not measured."""
    mean: Estimate | None


@dataclass(frozen=True)
class Differences:
    """A chart of differences: a row per language and for their mean, a dot per system; zero is the baseline."""

    title: str
    axis: str
    languages: tuple[str, ...]
    systems: tuple[Difference, ...]
    note: str = ""

    def __post_init__(self) -> None:
        for system in self.systems:
            _same_length(self.title, system.name, system.values, self.languages, "languages")


@dataclass(frozen=True)
class Cost:
    """The costs of a stage; None if not measured."""

    stage: str
    seconds: float | None
    memory: int | None
    """Peak memory in bytes."""
    disk: int | None
    """Bytes written."""


@dataclass(frozen=True)
class Costs:
    """A chart of costs: a row per stage, with bars for time, memory and bytes on disk."""

    title: str
    stages: tuple[Cost, ...]
    note: str = ""


@dataclass(frozen=True)
class Bin:
    """Words whose likeliest labels have about the same probability."""

    confidence: float
    """Mean probability of the likeliest label, from 0 to 1."""
    accuracy: float
    """Share of words whose likeliest label is gold."""
    words: int


@dataclass(frozen=True)
class Curve:
    """A teacher on one kind of text, such as the text that it was trained on."""

    name: str
    bins: tuple[Bin, ...]
    """The bins that have words."""

    @property
    def words(self) -> int:
        """The number of words in all bins."""
        return sum(one.words for one in self.bins)

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: mean over words of |accuracy - confidence| of their bin."""
        return sum(one.words * abs(one.accuracy - one.confidence) for one in self.bins) / max(1, self.words)


@dataclass(frozen=True)
class Panel:
    """A language's curves."""

    name: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class Reliability:
    """Reliability diagrams (Guo et al., ICML 2017): accuracy against confidence, a panel for each language."""

    title: str
    panels: tuple[Panel, ...]
    note: str = ""


Chart = Bars | Lines | Differences | Costs | Reliability


def system_names(chart: Chart) -> tuple[str, ...]:
    """Return the systems of a chart, in order: a system looks the same in all charts of a page."""
    match chart:
        case Bars():
            return tuple(bar.name for bar in chart.bars)
        case Lines():
            return tuple(line.name for line in chart.lines)
        case Differences():
            return tuple(system.name for system in chart.systems)
        case _:
            return ()


def _same_length(title: str, name: str, values: Sized, expected: Sized, what: str) -> None:
    if len(values) != len(expected):
        raise PageError(f"chart {title!r}, {name}: {len(values)} values for {len(expected)} {what}")
