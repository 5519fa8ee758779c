"""The table of scores by system and language: means and spread over seeds, and the share of the gap closed.

Its rows have a score each: system, seed, language, split, score (percent). The systems `teachers` and `baseline` are
the ends of the gap.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from structkd.pipeline.experiment.grid import BASELINE, TEACHERS

_HEADS = {"gap_closed": "gap closed"}

Texts = tuple[list[str], list[list[str]]]


def score_table(rows: pl.DataFrame, languages: Sequence[str], split: str = "test") -> pl.DataFrame:
    """Systems by languages: means over seeds, `mean` over languages, and `gap_closed`.

    With several seeds also `sd`, the standard deviation of `mean` over them, and `seeds`, their number. `mean` is null
    where a seed has no score in one of the languages: it would not be a mean of the same. `gap_closed` is (system -
    baseline) / (teachers - baseline) in percent, null where teachers are not better.
    """
    chosen = rows.filter(pl.col("split") == split, pl.col("language").is_in(languages))
    by_language = chosen.pivot(on="language", index="system", values="score", aggregate_function="mean")
    missing = [pl.lit(None, pl.Float64).alias(name) for name in languages if name not in by_language.columns]
    table = by_language.with_columns(missing).select("system", *languages)
    table = table.join(_spread(chosen, len(languages)), on="system", maintain_order="left")
    table = table.with_columns(gap_closed=_gaps_closed(dict(table.select("system", "mean").iter_rows())))
    return table.drop("sd", "seeds") if table["seeds"].max() == 1 else table


def gap_closed(score: float | None, baseline: float | None, teachers: float | None) -> float | None:
    """The share, in percent, of the gap between baseline and teachers; None where there is none to close."""
    if score is None or baseline is None or teachers is None or teachers <= baseline:
        return None
    return 100 * (score - baseline) / (teachers - baseline)


def as_texts(table: pl.DataFrame, behind: Mapping[str, Mapping[str, str]] | None = None) -> Texts:
    """Headings and texts of a score table; `behind`, by column and system, stands behind the values."""
    heads = [_HEADS.get(name, name) for name in table.columns]
    added = {name: (behind or {}).get(name, {}) for name in table.columns}
    return heads, [
        [as_text(name, value) + added[name].get(row["system"], "") for name, value in row.items()]
        for row in table.to_dicts()
    ]


def as_text(column: str, value: Any) -> str:
    """A value of a score table's column, `-` for none."""
    if value is None:
        return "-"
    if column == "gap_closed":
        return f"{round(value)}%"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def seed_means(chosen: pl.DataFrame) -> pl.DataFrame:
    """`mean` over languages of each system and seed, and `languages`, their number."""
    grouped = chosen.group_by("system", "seed", maintain_order=True)
    return grouped.agg(pl.col("score").mean().alias("mean"), pl.col("language").n_unique().alias("languages"))


def _spread(chosen: pl.DataFrame, languages: int) -> pl.DataFrame:
    """`mean` and `sd` over seeds of the systems' means over all `languages`, and `seeds`, their number."""
    whole = pl.when((pl.col("languages") == languages).all())
    grouped = seed_means(chosen).group_by("system", maintain_order=True)
    return grouped.agg(
        whole.then(pl.col("mean").mean()).alias("mean"),
        whole.then(pl.col("mean").std()).alias("sd"),
        pl.len().alias("seeds"),
    )


def _gaps_closed(means: Mapping[str, float | None]) -> pl.Series:
    """Of each system, in order; neither end of the gap has a share in it."""
    ends = means.get(BASELINE), means.get(TEACHERS)
    shares = [None if name in (BASELINE, TEACHERS) else gap_closed(mean, *ends) for name, mean in means.items()]
    return pl.Series("gap_closed", shares, dtype=pl.Float64)
