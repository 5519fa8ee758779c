"""Significance of differences between systems: over test sentences, and over seeds.

The two tests answer different questions: `Resampled.difference` keeps the trained models and varies the sentences;
`seed_test` keeps the sentences and varies the seeds. Neither corrects for the number of comparisons. The interval of
the gap closed, `Resampled.gap`, varies both.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_BATCH = 1 << 21  # sentence places drawn at a time: 16 MB, and a few times that for what is counted of them
_INTERVAL = (2.5, 97.5)
_TIE = 1e-9  # percent points: differences that rounding alone makes


class PairingError(ValueError):
    """Cells that cannot be compared; the message names the language, what was found and what was expected."""


class TooFewSentencesError(PairingError):
    """A language with fewer than two test sentences, so there is nothing to draw from."""


@dataclass(frozen=True)
class Comparison:
    """A difference of two systems' scores in percent points, its 95% interval, and the p-value of no difference."""

    difference: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class _Counts:
    """A language's spans or words by run and sentence, [R, S]: right ones, and the sum of predicted and gold ones."""

    right: Floats
    total: Floats

    def scores(self, multiplicities: Floats) -> Floats:
        """Return F1 in percent, [N, R], of samples given by the number of each sentence, [N, S]."""
        right, total = multiplicities @ self.right.T, multiplicities @ self.total.T
        return 200 * right / np.maximum(1, total)


@dataclass(frozen=True)
class Resampled:
    """Task scores of some systems, in percent: observed, and on N samples of the test sentences, the same for all.

    A task score is the mean over seeds of the mean over languages of F1 from summed counts (of words: accuracy).
    """

    observed: Mapping[str, float]
    samples: Mapping[str, Floats]
    """Of the sentences alone."""
    with_seeds: Mapping[str, Floats]
    """Of the sentences, and of each system's seeds."""

    def difference(self, system: str, baseline: str) -> Comparison:
        """Compare two systems.

        The interval is the percentile interval. The p-value is the share of resamples whose difference is at least as
        far from the observed difference as the latter is from zero: Berg-Kirkpatrick, Burkett and Klein (EMNLP 2012),
        two-sided. The observed sample counts as a resample, so p is never 0.
        """
        observed = self.observed[system] - self.observed[baseline]
        found = self.samples[system] - self.samples[baseline]
        far = int((np.abs(found - observed) >= abs(observed) - _TIE).sum())
        low, high = np.percentile(found, _INTERVAL)
        return Comparison(observed, float(low), float(high), (far + 1) / (len(found) + 1))

    def gap(self, system: str, baseline: str, teachers: str) -> tuple[float, float] | None:
        """Return the 95% interval of the share, in percent, of the gap between baseline and teachers that a system
        closes, over sentences and seeds.

        None if the teachers are not better in every resample, because then there may be no gap.
        """
        base = self.with_seeds[baseline]
        gap = self.with_seeds[teachers] - base
        if gap.min() <= 0:
            return None
        low, high = np.percentile(100 * (self.with_seeds[system] - base) / gap, _INTERVAL)
        return float(low), float(high)


def resample(systems: Mapping[str, pl.DataFrame], *, resamples: int = 2000, seed: int = 0) -> Resampled:
    """Score systems on samples of the test sentences, and of the seeds.

    A sample draws as many sentences as a language has, with replacement, for all systems and their seeds at once. It
    draws as many seeds as a system has, too: the same places for all systems with as many, since students and teachers
    of one seed may belong together. Two or three seeds are few to draw from, so intervals are rather too narrow.

    Args:
        systems: one row per system and seed, in the order of seeds, with `outcomes`, list[struct{language, right,
        predicted, gold}]; these list the numbers of right, predicted and gold spans (or words) by sentence.
        resamples: number of samples.
        seed: seed of the draws; the result is a function of it and the counts.

    Raises:
        PairingError: the rows are about different sentences.
        TooFewSentencesError: a language has fewer than two sentences.
    """
    counts = _counts(pl.concat([cells.select("outcomes") for cells in systems.values()]))
    sentences = [one.right.shape[1] for one in counts]
    heights = [cells.height for cells in systems.values()]
    seeds = sorted({height for height in heights if height > 1})
    ends = np.cumsum(heights)[:-1]

    def statistic(*places: Integers, axis: int) -> Floats:
        """The score of each system, by sentences and then by sentences and seeds, on each sample: [2 * G, N]."""
        times = [_multiplicities(one) for one in places]
        of_seeds = dict(zip(seeds, times[len(counts) :], strict=True))
        by_run = np.mean([one.scores(drawn) for one, drawn in zip(counts, times, strict=False)], axis=0)
        parts = np.split(by_run, ends, axis=1)
        with_seeds = [(part * of_seeds.get(part.shape[1], 1)).mean(axis=1) for part in parts]
        return np.stack([part.mean(axis=1) for part in parts] + with_seeds)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)  # of scores that are the same in all samples
        found = stats.bootstrap(
            [np.arange(size) for size in (*sentences, *seeds)],
            statistic,
            n_resamples=resamples,
            batch=max(1, _BATCH // sum(sentences)),
            vectorized=True,
            method="percentile",
            rng=np.random.default_rng(seed),
        ).bootstrap_distribution
    observed = statistic(*(np.arange(size)[None] for size in (*sentences, *seeds)), axis=1)[: len(systems), 0]
    return Resampled(
        dict(zip(systems, observed.tolist(), strict=True)),
        dict(zip(systems, found[: len(systems)], strict=True)),
        dict(zip(systems, found[len(systems) :], strict=True)),
    )


def seed_test(system: Sequence[float], baseline: Sequence[float]) -> float | None:
    """Return the p-value of Welch's t-test of two systems' scores by seed.

    None if it is undefined: with one seed, or if neither system's scores differ between seeds.
    """
    if min(len(system), len(baseline)) < 2 or stdev(system) == stdev(baseline) == 0:
        return None
    # from means and deviations, since ttest_ind warns where one system's scores are all the same
    summaries = (moment for scores in (system, baseline) for moment in (fmean(scores), stdev(scores), len(scores)))
    return float(stats.ttest_ind_from_stats(*summaries, equal_var=False).pvalue)


def _multiplicities(places: Integers) -> Floats:
    """Count each of S places in each of N samples: [N, S] from [N, S]."""
    samples, size = places.shape
    offsets = size * np.arange(samples)[:, None]
    return np.bincount((places + offsets).ravel(), minlength=places.size).reshape(samples, size).astype(np.float64)


def _counts(cells: pl.DataFrame) -> list[_Counts]:
    """Return the counts of each language, sorted by name; their runs are the rows of `cells`."""
    rows = cells.explode("outcomes").drop_nulls().unnest("outcomes").sort("language", maintain_order=True)
    if rows.is_empty():
        raise PairingError("no cell has outcomes; compare cells that have the counts of their test sentences")
    return [
        _language_counts(str(name), found, cells.height)
        for (name,), found in rows.group_by("language", maintain_order=True)
    ]


def _language_counts(language: str, found: pl.DataFrame, runs: int) -> _Counts:
    if found.height != runs:
        raise PairingError(
            f"{language}: {found.height} of {runs} cells have outcomes; compare cells that all have them"
        )
    if found["gold"].n_unique() > 1:
        sizes = ", ".join(map(str, found["gold"].list.len()))
        raise PairingError(
            f"{language}: the cells were scored on different sentences (in number {sizes}, or in their gold counts); "
            "compare cells of one test corpus"
        )
    columns = ("right", "predicted", "gold")
    right, predicted, gold = (np.stack(found[name].to_list()).astype(np.float64) for name in columns)
    if right.shape[1] < 2:
        raise TooFewSentencesError(f"{language}: {right.shape[1]} test sentences; resampling needs at least two")
    return _Counts(right, predicted + gold)
