"""The table of scores by system and language."""

import polars as pl
import pytest

from structkd.pipeline.report.formats import as_markdown
from structkd.pipeline.results.tables import as_texts, gap_closed, score_table


def rows(**scores):
    """Test scores by system, one for each of two seeds and two languages."""
    return pl.DataFrame(
        [
            {"system": system, "seed": seed, "language": language, "split": "test", "score": score}
            for system, by_seed in scores.items()
            for seed, by_language in enumerate(by_seed)
            for language, score in zip(("en", "de"), by_language, strict=False)
        ]
    )


def test_the_table_gives_means_spread_and_the_share_of_the_gap():
    table = score_table(
        rows(teachers=[(90.0, 80.0)], baseline=[(80.0, 70.0), (82.0, 72.0)], exact=[(86.0, 76.0), (86.0, 76.0)]),
        ("en", "de"),
    )
    by_system = {row["system"]: row for row in table.to_dicts()}
    assert by_system["baseline"]["en"] == 81
    assert by_system["baseline"]["mean"] == 76
    assert by_system["baseline"]["sd"] == pytest.approx(2**0.5)
    assert by_system["exact"]["gap_closed"] == pytest.approx(100 * 5 / 9)
    assert by_system["teachers"]["gap_closed"] is None
    text = as_markdown(*as_texts(table))
    assert "| exact | 86.00 | 76.00 | 81.00 | 0.00 | 2 | 56% |" in text.splitlines()


def test_there_is_no_gap_where_teachers_are_not_better():
    table = score_table(rows(teachers=[(70.0, 70.0)], baseline=[(80.0, 70.0)], exact=[(81.0, 71.0)]), ("en", "de"))
    assert table["gap_closed"].to_list() == [None, None, None]


def test_a_mean_is_over_all_languages_or_none():
    """One seed of `exact` lacks German: no mean, and nothing of it in the gap."""
    found = rows(teachers=[(90.0, 80.0)], baseline=[(80.0, 70.0)], exact=[(86.0, 76.0), (86.0,)])
    table = score_table(found, ("en", "de"))
    assert table.filter(system="exact").to_dicts() == [
        {"system": "exact", "en": 86, "de": 76, "mean": None, "sd": None, "seeds": 2, "gap_closed": None}
    ]
    assert score_table(found, ("en",)).filter(system="exact")["mean"].to_list() == [86]
    absent = score_table(found, ("en", "fr", "de"))
    assert absent["mean"].null_count() == absent["fr"].null_count() == 3
    assert as_texts(absent)[1][0] == ["teachers", "90.00", "-", "80.00", "-", "-", "1", "-"]


def test_marks_stand_behind_values():
    heads, texts = as_texts(
        score_table(rows(baseline=[(80.0, 70.0)], exact=[(86.0, 76.0)]), ("en", "de")), {"mean": {"exact": "*"}}
    )
    assert heads == ["system", "en", "de", "mean", "gap closed"]
    assert texts == [["baseline", "80.00", "70.00", "75.00", "-"], ["exact", "86.00", "76.00", "81.00*", "-"]]


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
