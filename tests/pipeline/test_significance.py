"""Significance: what sentences and seeds say of a difference."""

from dataclasses import astuple
from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from structkd.pipeline.results.significance import PairingError, resample, seed_test
from tests.pipeline.cells import cells, f1


def drawn(rng, *chances, sentences=200):
    """A run for each chance that a span is right; hard and easy sentences are so for all of them."""
    gold = rng.integers(0, 4, sentences)
    ease = rng.normal(0, 0.3, sentences)
    return [
        [(int(right), int(size), int(size)) for right, size in zip(rng.binomial(gold, chance), gold, strict=True)]
        for chance in (np.clip(chance + ease, 0, 1) for chance in chances)
    ]


def paired_bootstrap(system, baseline, **options):
    return resample({"system": system, "baseline": baseline}, **options).difference("system", "baseline")


def gap_interval(system, baseline, teachers, **options):
    found = resample({"system": system, "baseline": baseline, "teachers": teachers}, **options)
    return found.gap("system", "baseline", "teachers")


def test_the_bootstrap_is_that_of_all_resamples_of_three_sentences():
    ours, theirs = [(2, 2, 2), (0, 1, 1), (2, 3, 3)], [(1, 1, 2), (1, 1, 1), (0, 2, 3)]
    samples = list(product(range(3), repeat=3))
    exact = [f1([ours[place] for place in sample]) - f1([theirs[place] for place in sample]) for sample in samples]
    observed = f1(ours) - f1(theirs)
    p = np.mean([abs(one - observed) >= abs(observed) - 1e-9 for one in exact])
    assert 0.05 < p < 0.95
    resamples = 40_000
    found = paired_bootstrap(cells({"en": ours}), cells({"en": theirs}), resamples=resamples)
    assert found.difference == pytest.approx(observed)
    assert found.p == pytest.approx(p, abs=4 * sqrt(p * (1 - p) / resamples))
    low, high = np.quantile(exact, [0.025, 0.975], method="inverted_cdf")  # each is one of the 27
    assert (found.low, found.high) == pytest.approx((low, high))


def test_the_difference_is_of_means_over_languages_and_seeds():
    rng = np.random.default_rng(0)
    en, de = drawn(rng, 0.8, 0.7, 0.6, sentences=30), drawn(rng, 0.5, 0.6, 0.7, sentences=50)
    runs = [{"en": one, "de": other} for one, other in zip(en, de, strict=True)]
    by_run = [(f1(run["en"]) + f1(run["de"])) / 2 for run in runs]
    found = paired_bootstrap(cells(*runs[:2]), cells(runs[2]), resamples=100)
    assert found.difference == pytest.approx((by_run[0] + by_run[1]) / 2 - by_run[2])
    assert found.low < found.difference < found.high


def test_equal_systems_do_not_differ():
    (run,) = drawn(np.random.default_rng(0), 0.7)
    found = paired_bootstrap(cells({"en": run}, {"en": run}), cells({"en": run}), resamples=200)
    assert found.difference == pytest.approx(0, abs=1e-9)
    assert (found.low, found.high) == pytest.approx((0, 0), abs=1e-9)
    assert found.p == 1


def test_a_clear_difference_has_the_least_p_and_never_zero():
    better, worse = drawn(np.random.default_rng(0), 0.9, 0.5)
    found = paired_bootstrap(cells({"en": better}), cells({"en": worse}), resamples=999)
    assert found.low > 20
    assert found.p == 1 / 1000
    mirrored = paired_bootstrap(cells({"en": worse}), cells({"en": better}), resamples=999)
    assert mirrored.p == found.p
    assert (mirrored.difference, mirrored.low, mirrored.high) == pytest.approx(
        (-found.difference, -found.high, -found.low)
    )


def test_the_interval_of_the_gap_closed_is_that_of_all_resamples():
    """Two languages of two sentences; the teachers are better in all 16 resamples."""
    runs = [  # system, baseline, teachers
        {"en": [(1, 2, 2), (3, 3, 4)], "de": [(1, 1, 1), (0, 1, 1)]},
        {"en": [(1, 2, 2), (1, 2, 4)], "de": [(0, 1, 1), (0, 0, 1)]},
        {"en": [(2, 2, 2), (4, 5, 4)], "de": [(1, 1, 1), (1, 1, 1)]},
    ]
    shares = []
    for places in product(range(2), repeat=4):
        scores = [
            f1([run["en"][place] for place in places[:2]]) + f1([run["de"][place] for place in places[2:]])
            for run in runs
        ]
        shares.append(100 * (scores[0] - scores[1]) / (scores[2] - scores[1]))
    found = gap_interval(*map(cells, runs), resamples=5000)
    assert found == pytest.approx(tuple(np.quantile(shares, [0.025, 0.975], method="inverted_cdf")))


def test_the_interval_of_the_gap_closed_draws_seeds_too():
    """Two sentences and two seeds: students and teachers of one seed are drawn together, the baseline has one seed."""
    system = [[(1, 2, 2), (3, 3, 4)], [(1, 2, 2), (1, 2, 4)]]
    teachers = [[(2, 2, 2), (4, 5, 4)], [(2, 2, 2), (2, 3, 4)]]
    baseline = [[(1, 2, 2), (0, 2, 4)]]
    shares = []
    for sentences, seeds in product(product(range(2), repeat=2), product(range(2), repeat=2)):
        ours, base, top = (
            np.mean([f1([runs[seed % len(runs)][place] for place in sentences]) for seed in seeds])
            for runs in (system, baseline, teachers)
        )
        shares.append(100 * (ours - base) / (top - base))
    found = gap_interval(*(cells(*({"en": run} for run in runs)) for runs in (system, baseline, teachers)))
    low, high = np.quantile(shares, [0.025, 0.975], method="inverted_cdf")
    assert found == pytest.approx((low, high))


def test_a_gap_that_may_not_be_there_has_no_interval():
    better, some, worse = (cells({"en": run}) for run in drawn(np.random.default_rng(0), 0.9, 0.7, 0.5))
    low, high = gap_interval(some, worse, better)
    assert 0 < low < high < 100
    assert gap_interval(better, some, worse) is None
    assert gap_interval(better, some, some) is None


def test_few_differences_are_found_between_systems_that_have_none():
    """The level is kept: of 200 pairs with equal chances about 5% differ at 0.05 (a binomial's 0.1% tails: 1 to 21)."""
    rng = np.random.default_rng(0)
    ps = []
    for _ in range(200):
        one, other = drawn(rng, 0.6, 0.6, sentences=100)
        ps.append(paired_bootstrap(cells({"en": one}), cells({"en": other}), resamples=200).p)
    assert 1 <= sum(p < 0.05 for p in ps) <= 21
    assert 0.4 < np.mean(ps) < 0.6


def test_the_same_sentences_are_drawn_for_both_systems():
    """A system that is right once more in each hard sentence differs; the same counts in another order do not."""
    hard = [(int(right), 4, 4) for right in np.random.default_rng(0).integers(0, 4, 60)]
    better = [(right + 1, 4, 4) if place % 10 == 0 else (right, 4, 4) for place, (right, _, _) in enumerate(hard)]
    shuffled = [better[place] for place in np.random.default_rng(1).permutation(60)]
    paired, unpaired = (paired_bootstrap(cells({"en": one}), cells({"en": hard})) for one in (better, shuffled))
    assert paired.difference == unpaired.difference
    assert paired.high - paired.low < (unpaired.high - unpaired.low) / 4
    assert paired.p < 0.05 < unpaired.p


def test_the_orders_of_languages_sentences_and_seeds_do_not_matter():
    rng = np.random.default_rng(0)
    en, de = drawn(rng, 0.7, 0.68, 0.65, 0.66), drawn(rng, 0.6, 0.57, 0.56, 0.55, sentences=150)
    runs = [{"en": one, "de": other} for one, other in zip(en, de, strict=True)]
    found = paired_bootstrap(cells(*runs[:2]), cells(*runs[2:]))
    turned = [{"de": run["de"], "en": run["en"]} for run in runs]
    again = paired_bootstrap(cells(*turned[1::-1]), cells(*turned[:1:-1]))
    assert astuple(again) == pytest.approx(astuple(found))
    order = rng.permutation(200)
    moved = [run | {"en": [run["en"][place] for place in order]} for run in runs]
    other = paired_bootstrap(cells(*moved[:2]), cells(*moved[2:]))
    assert other.difference == pytest.approx(found.difference)
    assert (other.low, other.high) == pytest.approx((found.low, found.high), abs=0.3)
    assert other.p == pytest.approx(found.p, abs=0.05)
    assert paired_bootstrap(cells(*runs[:2]), cells(*runs[2:])) == found
    assert paired_bootstrap(cells(*runs[:2]), cells(*runs[2:]), seed=1) != found


def test_small_batches_draw_from_the_same_distribution(monkeypatch):
    one, other = drawn(np.random.default_rng(0), 0.62, 0.6)
    whole = paired_bootstrap(cells({"en": one}), cells({"en": other}))
    monkeypatch.setattr("structkd.pipeline.results.significance._BATCH", 1)
    assert paired_bootstrap(cells({"en": one}), cells({"en": other})) == whole


RUN = [(1, 2, 2), (1, 1, 1)]


@pytest.mark.parametrize(
    ("system", "baseline", "words"),
    [
        (cells({"en": RUN}), cells({"en": [*RUN, (0, 0, 1)]}), "en: .*different sentences .in number 2, 3"),
        (cells({"en": RUN}), cells({"en": RUN[::-1]}), "en: .*different sentences"),
        (cells({"en": RUN, "de": RUN}), cells({"en": RUN}), "de: 1 of 2 cells have outcomes"),
        (cells({"en": RUN[:1]}), cells({"en": RUN[:1]}), "en: 1 test sentences; .*at least two"),
        (cells({}), cells({"en": RUN}), "en: 1 of 2 cells have outcomes"),
        (cells({}), cells({}), "no cell has outcomes"),
    ],
)
def test_cells_of_other_sentences_are_refused(system, baseline, words):
    with pytest.raises(PairingError, match=words):
        paired_bootstrap(system, baseline, resamples=10)


scores = st.lists(st.floats(0, 100).map(lambda score: round(score, 2)), min_size=2, max_size=5)


@given(scores, scores)
def test_the_seed_test_is_welchs(one, other):
    p = seed_test(one, other)
    if len(set(one)) == len(set(other)) == 1:
        assert p is None
    elif len(set(one)) > 1 and len(set(other)) > 1:  # ttest_ind warns where the scores of one are all the same
        assert p == pytest.approx(stats.ttest_ind(one, other, equal_var=False).pvalue)
    assert p == seed_test(other, one)


def test_the_seed_test_is_undefined_where_seeds_say_nothing():
    assert seed_test([70.0], [60.0, 61.0]) is None
    assert seed_test([], []) is None
    assert seed_test([70.1, 70.1], [60.0, 60.0, 60.0]) is None
    assert seed_test([70.1, 70.1], [60.0, 60.1]) < 0.01
    assert seed_test([70.0, 71.0, 72.0], [70.0, 71.0, 72.0]) == 1


def test_counts_as_they_are_stored_do_not_overflow():
    large = {"en": [(60_000, 65_535, 65_535)] * 3}
    assert paired_bootstrap(cells(large), cells({"en": [(0, 0, 65_535)] * 3}), resamples=10).difference > 90
