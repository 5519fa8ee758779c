"""The report of an experiment or a grid: its findings as a page's tables and charts."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from structkd.pipeline.experiment.grid import BASELINE, TEACHERS
from structkd.pipeline.report.page.charts import (
    Bar,
    Bars,
    Bin,
    Cost,
    Costs,
    Curve,
    Difference,
    Differences,
    Estimate,
    Line,
    Lines,
    Panel,
    Point,
    Reliability,
)
from structkd.pipeline.report.page.model import Page, Section
from structkd.pipeline.report.page.sentences import SentenceCard
from structkd.pipeline.report.page.tables import TableView
from structkd.pipeline.report.tables import by_language, by_task, proof_table
from structkd.pipeline.report.types import type_tables
from structkd.pipeline.results.calibrations import ENTROPY_HEADS, entropy_cells
from structkd.pipeline.results.comparisons import NOTE, Entries, score_rows
from structkd.pipeline.results.findings import TableFindings, TaskFindings
from structkd.pipeline.results.tables import score_table, seed_means

GAP_NOTE = (
    "Dots: seeds. Lines: 95% intervals over resampled test sentences and seeds, if teachers are better than the "
    "baseline in all."
)
ENTROPY_NOTE = "Nats a word, and shares of words: a student learns most from text of which teachers are not sure."
SPLITS = {"test": "test", "dev": "dev", "zero_shot": "languages never trained on"}


def make_page(
    title: str, subtitle: str, tables: Sequence[TableFindings], sentences: Sequence[SentenceCard] = ()
) -> Page:
    """Return a page with all tables; the first table's tasks are shown in detail."""
    main = tables[0]
    sections = [_section(table, NOTE if table is main else "") for table in tables if _has_students(table)]
    if len(main.tasks) > 1:
        sections += [_languages(task, main.split) for task in main.tasks]
    sections += [_types(main), _training(main), _costs(main), _calibration(main)]
    sections = [replace(one, title="Scores") if one.title == subtitle else one for one in sections]
    return Page(
        title,
        subtitle,
        tuple(section for section in sections if section.tables or section.charts),
        provenance=tuple(_provenance(tables)),
        systems=tuple(dict.fromkeys(label for table in tables for task in table.tasks for label in task.entries)),
        sentences=tuple(sentences),
    )


def _has_students(table: TableFindings) -> bool:
    """True if this table has results of its own: its baseline may come from another table."""
    labels = {label for task in table.tasks for label, cells in task.entries.items() if len(cells)}
    return bool(labels - {TEACHERS, BASELINE})


def _section(table: TableFindings, note: str) -> Section:
    """Return a table's section: means of tasks, or the languages if there is one task."""
    tasks, gaps = table.tasks, gap_chart(table)
    charts: list[Any] = [gaps] if any(values for bar in gaps.bars for values in bar.values) else []
    charts += [_sweep(table, task) for task in tasks if task.sweep]
    if len(tasks) == 1:
        languages = _languages(tasks[0], table.split, note)
        return replace(languages, title=table.title, note="", charts=(*charts, *languages.charts))
    metrics = ", ".join(f"{task.name} {task.metric}" for task in tasks)
    view = by_task(f"Means over languages, {SPLITS[table.split]}", table, note)
    return Section(table.title, f"Percent: {metrics}.", (view,), tuple(charts))


def gap_chart(table: TableFindings) -> Bars:
    """Return the share of the gap that each label closes, by task and seed, with its interval on test."""
    shares = [_seed_shares(task.entries, table.split) for task in table.tasks]
    labels = dict.fromkeys(label for found in shares for label in found)
    reach = [_intervals(task.entries, labels if table.split == "test" else ()) for task in table.tasks]
    bars = tuple(
        Bar(label, tuple(found.get(label, ()) for found in shares), tuple(found.get(label) for found in reach))
        for label in labels
    )
    names = tuple(task.name for task in table.tasks)
    note = GAP_NOTE if any(reach) else ""
    return Bars("Share of the gap closed", "percent of teachers - baseline", names, bars, note)


def _intervals(entries: Entries, labels: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Return the interval of each label's share of the gap; none if teachers may be no better than the baseline."""
    found = entries.resampled
    if found is None or not {TEACHERS, BASELINE} <= set(found.samples):
        return {}
    known = {label: found.gap(label, BASELINE, TEACHERS) for label in labels if label in found.samples}
    return {label: interval for label, interval in known.items() if interval}


def _seed_shares(entries: Entries, split: str) -> dict[str, tuple[float, ...]]:
    means = seed_means(score_rows(entries).filter(pl.col("split") == split))
    scores = {label: means.filter(system=label)["mean"].to_list() for label in entries}
    top, base = scores.get(TEACHERS), scores.get(BASELINE)
    if not top or not base:
        return {}
    low = sum(base) / len(base)
    gap = sum(top) / len(top) - low
    others = {label: found for label, found in scores.items() if label not in (TEACHERS, BASELINE)}
    return {label: tuple(100 * (score - low) / gap for score in found) for label, found in others.items() if gap > 0}


def _sweep(table: TableFindings, task: TaskFindings) -> Lines:
    lines = []
    for label, cells in task.sweep.items():
        means = {value: _means(found, table.split) for value, found in cells.items()}
        lines.append(Line(label, tuple(Point(value, scores) for value, scores in means.items() if scores)))
    assert table.sweep_label is not None
    values = [value for cells in task.sweep.values() for value in cells]
    return Lines(
        f"{task.name}: score against {table.sweep_label}",
        table.sweep_label,
        task.metric,
        tuple(lines),
        log_x=min(values) > 0 and max(values) >= 8 * min(values),
    )


def _means(cells: pl.DataFrame, split: str) -> tuple[float, ...]:
    """Return the mean over languages of each seed."""
    return tuple(seed_means(score_rows(Entries({"": cells})).filter(pl.col("split") == split))["mean"].to_list())


def _languages(task: TaskFindings, split: str, note: str = "") -> Section:
    view = by_language(f"{task.metric} by language, {SPLITS[split]}, percent", task, split, note)
    charts = (_differences(task),) if len(task.entries.get(BASELINE, ())) and split == "test" else ()
    proof = proof_table("Teachers, proved on dev", task)
    return Section(f"{task.name}, by language", task.experiment.title, (view, *([proof] if proof else [])), charts)


def _differences(task: TaskFindings) -> Differences:
    """Return each system minus the baseline; the mean over languages with its bootstrap interval."""
    rows = score_rows(task.entries)
    lines = score_table(rows, task.experiment.languages).systems
    base, resampled, systems = lines[BASELINE], task.entries.resampled, []
    for label, line in lines.items():
        if label == BASELINE:
            continue
        pairs = [(line.by_language.get(name), base.by_language.get(name)) for name in task.experiment.languages]
        found = resampled.difference(label, BASELINE) if resampled else None
        mean = Estimate(found.difference, (found.low, found.high)) if found else _difference(line.mean, base.mean)
        systems.append(Difference(label, tuple(_difference(*pair) for pair in pairs), mean))
    return Differences(
        "Difference to the baseline",
        "percent points",
        task.experiment.languages,
        tuple(systems),
        "Means over seeds; interval: 95%, paired bootstrap over test sentences.",
    )


def _difference(score: float | None, baseline: float | None) -> Estimate | None:
    return None if score is None or baseline is None else Estimate(score - baseline)


def _types(table: TableFindings) -> Section:
    """Return scores by type; those on other splits than test are not counted."""
    tasks = table.tasks if table.split == "test" else ()
    views = [view for task in tasks for view in type_tables(task, f"{task.name}: " if len(tasks) > 1 else "")]
    return Section("By type", "", tuple(views))


def _training(table: TableFindings) -> Section:
    charts = tuple(
        Lines(f"{task.name}: dev score while training", "updates", task.metric, lines)
        for task in table.tasks
        if (lines := tuple(_curves(task.entries)))
    )
    return Section("Learning curves", "Mean over seeds and the range between the least and the greatest.", (), charts)


def _curves(entries: Entries) -> Iterator[Line]:
    for label, cells in entries.items():
        points = cells.select("curve").explode("curve").drop_nulls().unnest("curve") if len(cells) else cells
        if len(points):
            by_update = points.group_by("update").agg(pl.col("dev")).sort("update")
            yield Line(label, tuple(Point(update, tuple(scores)) for update, scores in by_update.iter_rows()))


def _costs(table: TableFindings) -> Section:
    note = "Means over seeds; teachers: all of a task together. Seconds are of one thread, beside whatever else ran."
    charts = tuple(Costs(task.name, tuple(_stages(task.entries))) for task in table.tasks)
    return Section("What it costs", note, (), charts)


def _stages(entries: Entries) -> Iterator[Cost]:
    for label, cells in entries.items():
        if not len(cells):
            continue
        memory, disk = cells["peak_memory"].mean(), cells["bytes"].mean()
        sizes = [None if size is None else int(size) for size in (memory, disk)]  # type: ignore[arg-type]
        if label == TEACHERS:
            row = cells.row(0, named=True)
            yield Cost("features", row["feature_seconds"], None, None)
            yield Cost("teachers: training", row["seconds"], sizes[0], None)
            yield Cost("teachers: annotation", row["annotation_seconds"], None, sizes[1])
        else:
            yield Cost(label, float(cells["seconds"].mean()), *sizes)  # type: ignore[arg-type]


def _calibration(table: TableFindings) -> Section:
    charts, views = [], []
    for task in table.tasks:
        cells = task.entries.get(TEACHERS, pl.DataFrame())
        if len(cells):
            panels: dict[str, list[Curve]] = {}
            for part in cells["calibration"][0]:
                if part["right"] is not None:
                    panels.setdefault(part["language"], []).append(_reliability(part))
            charts.append(Reliability(task.name, tuple(Panel(name, tuple(found)) for name, found in panels.items())))
            if rows := entropy_cells(cells["calibration"][0]):
                views.append(TableView(f"{task.name}: entropy of the posteriors", ENTROPY_HEADS, rows, 3, ENTROPY_NOTE))
    note = "Labelled words in bins by the probability of their likeliest label; seen: the teacher was trained on them."
    return Section("Teachers' calibration", note, tuple(views), tuple(charts))


def _reliability(part: Mapping[str, Any]) -> Curve:
    kind, seen = (part["text"], part["seen"]) if part["text"] == "train" else ("held out", part["seen"])
    name = kind if seen is None or seen == (kind == "train") else f"{kind}, {'seen' if seen else 'unseen'}"
    bins = zip(part["confidence"], part["right"], part["words"], strict=True)
    return Curve(name, tuple(Bin(sure / words, right / words, int(words)) for sure, right, words in bins if words))


def _provenance(tables: Sequence[TableFindings]) -> Iterator[tuple[str, str]]:
    cells = [found for table in tables for task in table.tasks for found in task.entries.values() if len(found)]
    if not cells:
        return
    rows = pl.concat(cells).unique("key", maintain_order=True)
    versions = [json.loads(text) for text in rows["versions"].unique(maintain_order=True)]
    for name in versions[0]:
        yield name, ", ".join(sorted({str(found[name]) for found in versions}))
    digests = [json.loads(text) for text in rows.filter(pl.col("system") != TEACHERS)["digests"]]
    codes = sorted({found["code"][:12] for found in digests})
    yield "code of students", ", ".join(codes)
    yield "devices", ", ".join(sorted(set(rows["device"].drop_nulls())))
    yield "rows", str(len(rows))
