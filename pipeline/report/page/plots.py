"""Charts as pictures: for a page, or alone as SVG and PNG."""

import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from structkd.ground.files import digest_json
from structkd.pipeline.report.page import svg as vector
from structkd.pipeline.report.page.charts import Bars, Chart, Costs, Differences, Lines, Reliability, system_names
from structkd.pipeline.report.page.errors import extra

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}


def svg(chart: Chart, systems: Sequence[str] = (), *, narrow: bool = False, schemes: str = "light dark") -> str:
    """Return a chart as an SVG file: text as text, always the same bytes.

    `systems` come first in the order of colours, so a system looks the same in charts with fewer systems. A narrow one
    fits a phone. `schemes` are the colours that it has: the reader's choice of light and dark, or one of them.
    Raises PageError if matplotlib is not installed.
    """
    return vector.standalone(_svg(chart, systems, narrow=narrow), label(chart), colour_rules(), schemes)


def inline_svg(chart: Chart, systems: Sequence[str] = (), *, narrow: bool = False) -> str:
    """Return a chart as `svg` does, for a page that contains the `colour_rules`; a narrow one fits a phone."""
    return vector.inline(_svg(chart, systems, narrow=narrow), label(chart))


def png(chart: Chart, path: Path, systems: Sequence[str] = (), *, dots_per_inch: int = 200) -> None:
    """Write a chart as a picture in light colours. See `svg`."""
    with _settings(chart):
        _draw(chart, systems, narrow=False).savefig(path, format="png", dpi=dots_per_inch, metadata={"Software": None})


def colour_rules() -> str:
    """Return CSS that adapts drawings to the reader's scheme. Raises PageError if matplotlib is not installed."""
    with extra("matplotlib"):
        from structkd.pipeline.report.page.drawing import style
    return style.colour_rules()


def label(chart: Chart) -> str:
    """Return the text alternative of a chart."""
    return f"{chart.title} (chart)"


def _svg(chart: Chart, systems: Sequence[str], *, narrow: bool) -> str:
    text = StringIO()
    with _settings(chart, narrow=narrow), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # the reader's fonts count, not ours
        _draw(chart, systems, narrow=narrow).savefig(text, format="svg", metadata=NO_METADATA)
    return text.getvalue()


def _settings(chart: Chart, *, narrow: bool = False) -> AbstractContextManager[None]:
    with extra("matplotlib"):
        import matplotlib as mpl
    from structkd.pipeline.report.page.drawing.style import PAPER, SETTINGS

    # ids depend on the salt: the same in every run, and others in each chart of a page
    salt = digest_json([repr(chart), narrow])
    context: AbstractContextManager[None] = mpl.rc_context(
        SETTINGS | {"svg.hashsalt": salt, "figure.facecolor": PAPER, "savefig.facecolor": PAPER}
    )
    return context


def _draw(chart: Chart, systems: Sequence[str], *, narrow: bool) -> "Figure":
    from structkd.pipeline.report.page.drawing.bars import draw_bars
    from structkd.pipeline.report.page.drawing.costs import draw_costs
    from structkd.pipeline.report.page.drawing.differences import draw_differences
    from structkd.pipeline.report.page.drawing.lines import draw_lines
    from structkd.pipeline.report.page.drawing.reliability import draw_reliability
    from structkd.pipeline.report.page.drawing.style import NARROW, WIDE, looks

    frame = NARROW if narrow else WIDE
    known = looks((*systems, *system_names(chart)))
    match chart:
        case Bars():
            return draw_bars(chart, known, frame)
        case Lines():
            return draw_lines(chart, known, frame)
        case Differences():
            return draw_differences(chart, known, frame)
        case Costs():
            return draw_costs(chart, frame)
        case Reliability():
            return draw_reliability(chart, frame)
