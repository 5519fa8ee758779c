"""Findings as tables of text, the same for `distill`, `report` and the page."""

from collections.abc import Iterator, Sequence
from statistics import fmean

from structkd.pipeline.experiment.grid import BASELINE, TEACHERS
from structkd.pipeline.experiment.teacher import ANSWERS
from structkd.pipeline.report.page.tables import TableView
from structkd.pipeline.results.calibrations import TEXT_HEADS, TITLE, text_cells
from structkd.pipeline.results.comparisons import language_texts, task_texts
from structkd.pipeline.results.findings import TableFindings, TaskFindings
from structkd.pipeline.results.proof import proofs, warning
from structkd.pipeline.results.tables import Texts


def text_tables(tables: Sequence[TableFindings]) -> Iterator[TableView]:
    """Yield all tables: by task and by language, and about the sets of the first table's teachers."""
    for table in tables:
        if len(table.tasks) > 1:
            yield by_task(table.title, table)
        for task in table.tasks:
            yield by_language(f"{task.title}: {task.metric} on {table.split}", task, table.split)
    for task in tables[0].tasks:
        if view := proof_table(f"{task.name}: teachers, proved on dev", task):
            yield view
    for task in tables[0].tasks:
        teachers = task.entries.get(TEACHERS)
        rows = text_cells(teachers["calibration"][0]) if teachers is not None and len(teachers) else []
        if rows:
            yield TableView(f"{TITLE}: {task.name}", tuple(TEXT_HEADS), tuple(map(tuple, rows)), left=3)


def by_task(title: str, table: TableFindings, note: str = "") -> TableView:
    """Return systems by tasks."""
    return _view(title, task_texts({task.name: task.entries for task in table.tasks}, table.split), note)


def by_language(title: str, task: TaskFindings, split: str, note: str = "") -> TableView:
    """Return systems by languages."""
    return _view(title, language_texts(task.entries, split=split), note)


def proof_table(title: str, task: TaskFindings) -> TableView | None:
    """Return the dev scores of teachers and baseline by language; None if one of them has none."""
    found = proofs(task.entries)
    if not found:
        return None
    heads = (BASELINE, TEACHERS, "difference")
    cells = [(one.baseline, one.teacher, one.teacher - one.baseline) for one in found]
    means = tuple(map(fmean, zip(*cells, strict=True)))
    rows = [
        (head, *(f"{value:+.2f}" if head == heads[-1] else f"{value:.2f}" for value in column))
        for head, column in zip(heads, zip(*cells, means, strict=True), strict=True)
    ]
    answers = task.experiment.teacher.answers
    title += "" if answers == "monolingual" else f"; teachers: {ANSWERS[answers]}"
    return TableView(title, ("", *(one.language for one in found), "mean"), rows, note=warning(task.entries))


def _view(title: str, texts: Texts, note: str = "") -> TableView:
    heads, rows = texts
    return TableView(title, tuple(heads), tuple(map(tuple, rows)), note=note)
