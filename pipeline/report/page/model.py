"""The content of a page."""

from dataclasses import dataclass

from structkd.pipeline.report.page.charts import Chart
from structkd.pipeline.report.page.sentences import SentenceCard
from structkd.pipeline.report.page.tables import TableView


@dataclass(frozen=True)
class Section:
    """Tables and charts under one heading."""

    title: str
    note: str = ""
    tables: tuple[TableView, ...] = ()
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True)
class Page:
    """A report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    provenance: tuple[tuple[str, str], ...] = ()
    """Names and values, as `("code", "3f2a...")`."""
    systems: tuple[str, ...] = ()
    """Systems in the order of their colours, the same in all charts; other systems follow."""
    sentences: tuple[SentenceCard, ...] = ()
