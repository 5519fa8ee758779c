"""Tables of a grid of experiments: by system and language, and by system and task, with spread and significance.

The *cells* of a grid are a row for each run: `seed`, `dev`, `test` and `zero_shot`, list[struct{language, score}] in
percent, and `outcomes` (see `pipeline.results.significance`). A table's *entries* map readable labels to the cells of
one task with all their seeds. The labels `teachers` and `baseline` are the ends of the gap.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

import polars as pl

from structkd.pipeline.experiment.grid import BASELINE, TEACHERS
from structkd.pipeline.results.result import ResultError
from structkd.pipeline.results.significance import Resampled, TooFewSentencesError, resample, seed_test
from structkd.pipeline.results.tables import (
    SystemScores,
    Texts,
    as_texts,
    score_table,
    score_text,
    seed_means,
    share_text,
)

SPLITS = ("dev", "test", "zero_shot")
LEVEL = 0.05
_ROWS = pl.Schema(
    {"system": pl.String, "seed": pl.Int64, "split": pl.String, "language": pl.String, "score": pl.Float64}
)

NOTE = (
    "±: standard deviation over seeds; (n): of n seeds, where others have more. Differs from baseline with p < 0.05: "
    "* by a paired bootstrap over test sentences, † by Welch's t-test over seeds (where both have two at least); not "
    "corrected for the number of comparisons. gap closed: (system - baseline) / (teachers - baseline), and [its 95% "
    "interval] over resampled test sentences and seeds, where teachers are better in all of them."
)


class Entries(dict[str, pl.DataFrame]):
    """The cells of a task by label."""

    @cached_property
    def resampled(self) -> Resampled | None:
        """Return the scores of all labels with cells on samples of sentences and seeds, drawn once for all tables.

        None if a language has too few sentences to draw from, or a cell none: then there are no intervals and no such
        marks.
        """
        there = {label: cells.sort("seed") for label, cells in self.items() if not cells.is_empty()}
        if any(cells["outcomes"].list.len().min() == 0 for cells in there.values()):
            return None
        try:
            return resample(there)
        except TooFewSentencesError:
            return None


def language_texts(entries: Entries, languages: Sequence[str] = (), split: str = "test") -> Texts:
    """Return headings and texts of one task's table of systems by languages (default: all, in order)."""
    rows = score_rows(entries)
    table = score_table(rows, languages or _languages(rows, split), split, systems=list(entries))
    shares = [name for name, line in table.systems.items() if line.gap_closed is not None]
    intervals = {name: _interval(entries, name) for name in shares} if split == "test" else {}
    return as_texts(table, marks(entries, split), intervals)


def task_texts(tasks: Mapping[str, Entries], split: str = "test") -> Texts:
    """Return headings and texts of the table of systems by tasks: means over languages, spread, marks and gap closed.

    `tasks` are the tasks' entries by heading. A task's gap is left out if no system has a share in it.
    """
    labels = list(dict.fromkeys(label for entries in tasks.values() for label in entries))
    heads, columns = ["system"], [labels]
    for task, entries in tasks.items():
        rows = score_rows(entries)
        table = score_table(rows, _languages(rows, split), split, systems=labels)
        signs, lines = marks(entries, split), table.systems.values()
        heads.append(task)
        columns.append([_spread_text(line, signs.get(line.system, ""), table.seeds) for line in lines])
        shares = [line.gap_closed for line in lines]
        if any(share is not None for share in shares):
            heads.append("gap closed")
            columns.append([share_text(share) for share in shares])
    return heads, [list(row) for row in zip(*columns, strict=True)]


def marks(entries: Entries, split: str = "test") -> dict[str, str]:
    """Return the marks `*` and `†` of each label whose cells differ from the baseline's, see `NOTE`.

    Dev and zero-shot scores have no `*`: their sentences are not counted.
    """
    labels = [label for label, cells in entries.items() if not cells.is_empty()]
    if BASELINE not in labels:
        return {}
    means = seed_means(score_rows(entries).filter(pl.col("split") == split))
    by_seed = {label: means.filter(pl.col("system") == label)["mean"].to_list() for label in labels}
    resampled = entries.resampled if split == "test" else None
    found = {}
    for label in [name for name in labels if name not in (TEACHERS, BASELINE)]:
        by_sentence = resampled.difference(label, BASELINE).p if resampled else None
        ps = {"*": by_sentence, "†": seed_test(by_seed[label], by_seed[BASELINE])}
        found[label] = "".join(mark for mark, p in ps.items() if p is not None and p < LEVEL)
    return found


def score_rows(entries: Entries) -> pl.DataFrame:
    """Return cells as rows with one score each; the entries' labels are the systems."""
    parts = [_rows_of(label, cells, split) for label, cells in entries.items() for split in SPLITS if split in cells]
    return pl.concat([pl.DataFrame(schema=_ROWS), *parts])


def _interval(entries: Entries, label: str) -> str:
    found = entries.resampled.gap(label, BASELINE, TEACHERS) if entries.resampled else None
    return f" [{found[0]:.0f}, {found[1]:.0f}]" if found else ""


def _rows_of(label: str, cells: pl.DataFrame, split: str) -> pl.DataFrame:
    if cells["seed"].is_duplicated().any():
        seeds = ", ".join(map(str, cells["seed"].sort()))
        raise ResultError(f"{label}: a table's entry needs one cell for each seed, found the seeds {seeds}")
    rows = cells.select("seed", split).explode(split).drop_nulls(split).unnest(split)
    return rows.with_columns(pl.lit(label).alias("system"), pl.lit(split).alias("split")).cast(_ROWS).select(*_ROWS)


def _languages(rows: pl.DataFrame, split: str) -> list[str]:
    return rows.filter(pl.col("split") == split)["language"].unique(maintain_order=True).to_list()


def _spread_text(line: SystemScores, marks: str, most: int) -> str:
    """Return a mean with its spread and marks, and its number of seeds if that is not `most`."""
    if line.mean is None:
        return score_text(None)
    spread = f" ± {line.sd:.2f}" if line.sd is not None else ""
    seeds = f" ({line.seeds})" if line.seeds < most and line.system != TEACHERS else ""
    return f"{score_text(line.mean)}{spread}{marks}{seeds}"
