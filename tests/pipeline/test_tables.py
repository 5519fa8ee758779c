"""The table of scores by system and language."""

import polars as pl
import pytest

from structkd.pipeline.report.formats import as_markdown
from structkd.pipeline.results.tables import as_texts, gap_closed, score_table


def rows(languages=("en", "de"), **scores):
    """Test scores by system, one for each seed and language."""
    return pl.DataFrame(
        [
            {"system": system, "seed": seed, "language": language, "split": "test", "score": score}
            for system, by_seed in scores.items()
            for seed, by_language in enumerate(by_seed)
            for language, score in zip(languages, by_language, strict=False)
        ]
    )


def test_the_table_gives_means_spread_and_the_share_of_the_gap():
    table = score_table(
        rows(teachers=[(90.0, 80.0)], baseline=[(80.0, 70.0), (82.0, 72.0)], exact=[(86.0, 76.0), (86.0, 76.0)]),
        ("en", "de"),
    )
    baseline = table.systems["baseline"]
    assert (baseline.by_language, baseline.mean, baseline.seeds) == ({"en": 81, "de": 71}, 76, 2)
    assert baseline.sd == pytest.approx(2**0.5)
    assert table.systems["exact"].gap_closed == pytest.approx(100 * 5 / 9)
    assert table.systems["teachers"].gap_closed is None
    text = as_markdown(*as_texts(table))
    assert "| exact | 86.00 | 76.00 | 81.00 | 0.00 | 2 | 56% |" in text.splitlines()


STRANGE = ("sd", "mean", "system", "seeds", "gap_closed", "gap closed", "split", "score", "language", "teachers")


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_language_may_be_called_anything(seeds):
    """Names of columns, too: the texts are those of languages with other names, but for the headings."""
    plain = tuple(f"language {place}" for place in range(len(STRANGE)))
    scores = {
        "teachers": [[90.0 + place for place in range(len(STRANGE))]],
        "baseline": [[50.0 + place + seed for place in range(len(STRANGE))] for seed in range(seeds)],
        "exact": [[70.0 + 2 * place + seed for place in range(len(STRANGE))] for seed in range(seeds)],
    }
    (heads, texts), (plain_heads, expected) = (
        as_texts(score_table(rows(names, **scores), names)) for names in (STRANGE, plain)
    )
    assert texts == expected
    assert heads[1 : len(STRANGE) + 1] == list(STRANGE)
    assert (heads[0], heads[len(STRANGE) + 1 :]) == (plain_heads[0], plain_heads[len(STRANGE) + 1 :])


def test_there_is_no_gap_where_teachers_are_not_better():
    table = score_table(rows(teachers=[(70.0, 70.0)], baseline=[(80.0, 70.0)], exact=[(81.0, 71.0)]), ("en", "de"))
    assert [line.gap_closed for line in table.systems.values()] == [None, None, None]


def test_a_mean_is_over_all_languages_or_none():
    """One seed of `exact` lacks German: no mean, and nothing of it in the gap."""
    found = rows(teachers=[(90.0, 80.0)], baseline=[(80.0, 70.0)], exact=[(86.0, 76.0), (86.0,)])
    exact = score_table(found, ("en", "de")).systems["exact"]
    assert (exact.by_language, exact.seeds) == ({"en": 86, "de": 76}, 2)
    assert (exact.mean, exact.sd, exact.gap_closed) == (None, None, None)
    assert score_table(found, ("en",)).systems["exact"].mean == 86
    absent = score_table(found, ("en", "fr", "de"))
    assert [line.mean for line in absent.systems.values()] == [None] * 3
    assert as_texts(absent)[1][0] == ["teachers", "90.00", "-", "80.00", "-", "-", "1", "-"]


def test_systems_that_are_named_have_their_lines_in_order():
    table = score_table(rows(exact=[(86.0, 76.0)]), ("en", "de"), systems=["baseline", "exact"])
    assert as_texts(table)[1] == [["baseline", "-", "-", "-", "-"], ["exact", "86.00", "76.00", "81.00", "-"]]


def test_marks_stand_behind_means_and_intervals_behind_shares():
    table = score_table(rows(teachers=[(90.0, 80.0)], baseline=[(80.0, 70.0)], exact=[(86.0, 76.0)]), ("en", "de"))
    heads, texts = as_texts(table, {"exact": "*"}, {"exact": " [50, 70]"})
    assert heads == ["system", "en", "de", "mean", "gap closed"]
    assert texts[1:] == [
        ["baseline", "80.00", "70.00", "75.00", "-"],
        ["exact", "86.00", "76.00", "81.00*", "60% [50, 70]"],
    ]


@pytest.mark.parametrize(
    ("score", "baseline", "teachers", "share"),
    [
        (75, 70, 80, 50),
        (70, 70, 80, 0),
        (85, 70, 80, 150),
        (65, 70, 80, -50),
        (75, 80, 80, None),
        (75, 81, 80, None),
        (None, 70, 80, None),
        (75, None, 80, None),
        (75, 70, None, None),
    ],
)
def test_the_share_of_the_gap(score, baseline, teachers, share):
    assert gap_closed(score, baseline, teachers) == share
