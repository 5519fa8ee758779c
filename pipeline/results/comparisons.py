"""Tables of a grid of experiments: by system and language, and by system and task, with spread and significance.

The *cells* of a grid are a row for each run: `seed`, `dev`, `test` and `zero_shot`, list[struct{language, score}] in
percent, and `outcomes` (see `pipeline.results.significance`). A table's *entries* are a mapping from labels, as they
are to be read, to the cells of one task with all their seeds. The labels `teachers` and `baseline` span the gap.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import polars as pl

from structkd.pipeline.experiment.grid import BASELINE, TEACHERS
from structkd.pipeline.results.scores import ResultError
from structkd.pipeline.results.significance import Resampled, resample, seed_test
from structkd.pipeline.results.tables import Texts, as_text, as_texts, score_table, seed_means

SPLITS = ("dev", "test", "zero_shot")
LEVEL = 0.05
_ROWS = pl.Schema(
    {"system": pl.String, "seed": pl.Int64, "split": pl.String, "language": pl.String, "score": pl.Float64}
)

NOTE = (
    "±: standard deviation over seeds; (n): of n seeds, where others have more. Differs from baseline with p < 0.05: "
    "* by a paired bootstrap over test sentences, † by Welch's t-test over seeds (where both have two at least); not "
    "corrected for the number of comparisons. gap closed: (system - baseline) / (teachers - baseline), and [its 95% "
    "interval] over resampled test sentences, where teachers are better in all of them."
)


class Entries(dict[str, pl.DataFrame]):
    """The cells of a task by their labels."""

    @cached_property
    def resampled(self) -> Resampled:
        """The scores of all that have cells on samples of the test sentences, drawn once for all tables."""
        return resample({label: cells for label, cells in self.items() if not cells.is_empty()})


def language_texts(entries: Entries, languages: Sequence[str] = (), split: str = "test") -> Texts:
    """Headings and texts of one task's table of systems by languages (default: all, as they come)."""
    rows = score_rows(entries)
    languages = languages or _languages(rows, split)
    table = pl.DataFrame(
        {"system": list(entries)}, {"system": pl.String}
    ).join(  # a line for those that have no scores, too
        score_table(rows, languages, split), on="system", how="left", maintain_order="left"
    )
    intervals = {row["system"]: _interval(entries, row["system"]) for row in table.drop_nulls("gap_closed").to_dicts()}
    shown = intervals if split == "test" else {}
    return as_texts(table, {"mean": marks(entries, split), "gap_closed": shown})


def task_texts(tasks: Mapping[str, Entries], split: str = "test") -> Texts:
    """Headings and texts of the table of systems by tasks: means over languages, spread, marks and gap closed.

    `tasks` are the tasks' entries by heading. A task's gap is left out where nobody has a share in it.
    """
    labels = list(dict.fromkeys(label for entries in tasks.values() for label in entries))
    heads, columns = ["system"], [labels]
    for task, entries in tasks.items():
        rows = score_rows(entries)
        found = {row["system"]: row for row in score_table(rows, _languages(rows, split), split).to_dicts()}
        signs = marks(entries, split)
        most = max((row.get("seeds", 1) for row in found.values()), default=1)
        heads.append(task)
        columns.append([_spread_text(found.get(label), signs.get(label, ""), most) for label in labels])
        shares = [found.get(label, {}).get("gap_closed") for label in labels]
        if any(share is not None for share in shares):
            heads.append("gap closed")
            columns.append([as_text("gap_closed", share) for share in shares])
    return heads, [list(row) for row in zip(*columns, strict=True)]


def marks(entries: Entries, split: str = "test") -> dict[str, str]:
    """For each label `*` and `†` where its cells differ from the baseline's, as `NOTE` has it.

    There is no `*` beside dev and zero-shot scores: their sentences are not counted.
    """
    labels = [label for label, cells in entries.items() if not cells.is_empty()]
    if BASELINE not in labels:
        return {}
    means = seed_means(score_rows(entries).filter(pl.col("split") == split))
    by_seed = {label: means.filter(pl.col("system") == label)["mean"].to_list() for label in labels}
    found = {}
    for label in [name for name in labels if name not in (TEACHERS, BASELINE)]:
        by_sentence = entries.resampled.difference(label, BASELINE).p if split == "test" else None
        ps = {"*": by_sentence, "†": seed_test(by_seed[label], by_seed[BASELINE])}
        found[label] = "".join(mark for mark, p in ps.items() if p is not None and p < LEVEL)
    return found


def score_rows(entries: Entries) -> pl.DataFrame:
    """Cells as rows: a score each, with the entries' labels as systems."""
    parts = [_rows_of(label, cells, split) for label, cells in entries.items() for split in SPLITS if split in cells]
    return pl.concat([pl.DataFrame(schema=_ROWS), *parts])


def _interval(entries: Entries, label: str) -> str:
    found = entries.resampled.gap(label, BASELINE, TEACHERS)
    return f" [{found[0]:.0f}, {found[1]:.0f}]" if found else ""


def _rows_of(label: str, cells: pl.DataFrame, split: str) -> pl.DataFrame:
    if cells["seed"].is_duplicated().any():
        seeds = ", ".join(map(str, cells["seed"].sort()))
        raise ResultError(f"{label}: a table's entry needs one cell for each seed, found the seeds {seeds}")
    rows = cells.select("seed", split).explode(split).drop_nulls(split).unnest(split)
    return rows.with_columns(pl.lit(label).alias("system"), pl.lit(split).alias("split")).cast(_ROWS).select(*_ROWS)


def _languages(rows: pl.DataFrame, split: str) -> list[str]:
    return rows.filter(pl.col("split") == split)["language"].unique(maintain_order=True).to_list()


def _spread_text(row: Mapping[str, Any] | None, marks: str, most: int) -> str:
    """A mean with its spread and marks, and its number of seeds where that is not `most`."""
    if row is None or row["mean"] is None:
        return "-"
    sd, seeds = row.get("sd"), row.get("seeds", 1)
    spread = f" ± {sd:.2f}" if sd is not None else ""
    return f"{row['mean']:.2f}{spread}{marks}" + (f" ({seeds})" if seeds < most and row["system"] != TEACHERS else "")
