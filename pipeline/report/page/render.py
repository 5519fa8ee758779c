"""A page's data as HTML."""

from functools import partial
from importlib import resources
from typing import TYPE_CHECKING

from structkd.pipeline.report.page.charts import system_names
from structkd.pipeline.report.page.errors import extra
from structkd.pipeline.report.page.model import Page
from structkd.pipeline.report.page.numbers import numbers
from structkd.pipeline.report.page.plots import colour_rules, inline_svg
from structkd.pipeline.report.page.sentences import payload

if TYPE_CHECKING:
    from jinja2 import Environment

MARKS = "*†‡§"


def render(page: Page) -> str:
    """Return one self-contained HTML file: the same bytes for the same page.

    Raises PageError if jinja2 or matplotlib is not installed.
    """
    template = _environment().get_template("template.html")
    charts = [chart for section in page.sections for chart in section.charts]
    order = tuple(dict.fromkeys([*page.systems, *(name for chart in charts for name in system_names(chart))]))
    return template.render(
        page=page,
        draw=partial(inline_svg, systems=order),
        numbers=numbers,
        colour_rules=colour_rules(),
        languages=sorted({card.language for card in page.sentences}),
        systems=list(dict.fromkeys(system for card in page.sentences for system in card.predictions)),
        payload=payload(page.sentences),
    )


def marked(cell: str) -> tuple[str, str]:
    """Return a cell's text and the marks at its end, which extend beyond the column so that digits stay aligned."""
    text = cell.rstrip(MARKS)
    return text, cell[len(text) :]


def _environment() -> "Environment":
    with extra("jinja2"):
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    folder = resources.files("structkd.pipeline.report.page")
    environment = Environment(
        loader=FunctionLoader(lambda name: (folder / name).read_text("utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["marked"] = marked
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "allow_nan": False, "separators": (",", ":")}
    return environment
