"""The table of scores by system and language: means and spread over seeds, and the share of the gap closed.

It is made from rows with one score each: system, seed, language, split, score (percent). The systems `teachers` and
`baseline` are the ends of the gap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

import polars as pl

from structkd.pipeline.experiment.grid import BASELINE, TEACHERS

Texts = tuple[list[str], list[list[str]]]
"""Headings, and the cells below them line by line."""


@dataclass(frozen=True)
class SystemScores:
    """A line of the table. Scores are in percent."""

    system: str
    by_language: Mapping[str, float]
    """Means over seeds, for languages with a score."""
    mean: float | None
    """Mean over the table's languages; None if a seed lacks a language, since it would not be comparable."""
    sd: float | None
    """Standard deviation of the mean over seeds; None for one seed."""
    seeds: int
    gap_closed: float | None
    """(system - baseline) / (teachers - baseline) in percent; None if teachers are not better."""


@dataclass(frozen=True)
class ScoreTable:
    """Systems by languages."""

    languages: tuple[str, ...]
    systems: Mapping[str, SystemScores]
    """The systems by name, in the order of the rows."""

    @property
    def seeds(self) -> int:
        """The largest number of seeds of a system."""
        return max((line.seeds for line in self.systems.values()), default=0)


def score_table(
    rows: pl.DataFrame, languages: Sequence[str], split: str = "test", systems: Sequence[str] | None = None
) -> ScoreTable:
    """Return the table of some systems, in order; default: all with a score. Any string can be a language."""
    chosen = rows.filter(pl.col("split") == split, pl.col("language").is_in(languages))
    if systems is None:
        systems = chosen["system"].unique(maintain_order=True).to_list()
    lines = [_line(name, chosen.filter(system=name), len(languages)) for name in systems]
    means = {line.system: line.mean for line in lines}
    return ScoreTable(tuple(languages), {line.system: _with_share(line, means) for line in lines})


def gap_closed(score: float | None, baseline: float | None, teachers: float | None) -> float | None:
    """Return the share, in percent, of the gap between baseline and teachers; None if there is no gap."""
    if score is None or baseline is None or teachers is None or teachers <= baseline:
        return None
    return 100 * (score - baseline) / (teachers - baseline)


def as_texts(
    table: ScoreTable, marks: Mapping[str, str] | None = None, intervals: Mapping[str, str] | None = None
) -> Texts:
    """Return a score table's texts; each system's `marks` follow its mean, and `intervals` its gap closed."""
    spread = table.seeds != 1
    heads = ["system", *table.languages, "mean", *(("sd", "seeds") if spread else ()), "gap closed"]
    rows = []
    for name, line in table.systems.items():
        cells = [name, *(score_text(line.by_language.get(language)) for language in table.languages)]
        cells.append(score_text(line.mean) + (marks or {}).get(name, ""))
        cells += [score_text(line.sd), str(line.seeds or "-")] if spread else []
        rows.append([*cells, share_text(line.gap_closed) + (intervals or {}).get(name, "")])
    return heads, rows


def score_text(score: float | None) -> str:
    """Return a score in percent as text, `-` for none."""
    return "-" if score is None else f"{score:.2f}"


def share_text(share: float | None) -> str:
    """Return a share of the gap in percent as text, `-` for none."""
    return "-" if share is None else f"{round(share)}%"


def seed_means(chosen: pl.DataFrame) -> pl.DataFrame:
    """Return the `mean` over languages of each system and seed, and `languages`, their number."""
    grouped = chosen.group_by("system", "seed", maintain_order=True)
    return grouped.agg(pl.col("score").mean().alias("mean"), pl.col("language").n_unique().alias("languages"))


def _line(system: str, chosen: pl.DataFrame, languages: int) -> SystemScores:
    """Return a system's line, without its share of the gap."""
    by_language = chosen.group_by("language", maintain_order=True).agg(pl.col("score").mean())
    found = seed_means(chosen)
    means = found["mean"].to_list() if (found["languages"] == languages).all() else []
    return SystemScores(
        system,
        dict(by_language.iter_rows()),
        mean=fmean(means) if means else None,
        sd=stdev(means) if len(means) > 1 else None,
        seeds=found.height,
        gap_closed=None,
    )


def _with_share(line: SystemScores, means: Mapping[str, float | None]) -> SystemScores:
    """Add the share of the gap; its two ends have none."""
    if line.system in (BASELINE, TEACHERS):
        return line
    return replace(line, gap_closed=gap_closed(line.mean, means.get(BASELINE), means.get(TEACHERS)))
