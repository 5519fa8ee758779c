"""Tables of a grid: by language and by task, with spread, marks and the share of the gap."""

import re

import numpy as np
import polars as pl
import pytest

from structkd.pipeline.report.build import gap_chart
from structkd.pipeline.report.formats import as_latex, as_markdown
from structkd.pipeline.results.comparisons import Entries, language_texts, marks, score_rows, task_texts
from structkd.pipeline.results.findings import TableFindings, TaskFindings
from structkd.pipeline.results.result import ResultError
from structkd.pipeline.results.significance import PairingError
from tests.pipeline.cells import cells


def runs(*chances, sentences=120):
    """A run for each chance that a span is right, in two languages; the same sentences are hard for all runs."""
    rng = np.random.default_rng(0)
    gold, luck = rng.integers(1, 4, sentences), rng.uniform(size=(2, sentences))
    return [
        {
            name: [
                (round(chance * size + one - 0.5), int(size), int(size)) for size, one in zip(gold, mine, strict=True)
            ]
            for name, mine in zip(("en", "de"), luck, strict=True)
        }
        for chance in chances
    ]


def entries(**chances):
    return Entries({name: cells(*runs(*of), system=name) for name, of in chances.items()})


def means(entries, label):
    return [np.mean([one["score"] for one in run]) for run in entries[label]["test"].to_list()]


NER = entries(teachers=[0.9], baseline=[0.50, 0.51, 0.52], good=[0.70, 0.71, 0.69], same=[0.51, 0.50, 0.52])


def test_the_table_by_language_shows_means_spread_marks_and_gap():
    heads, texts = language_texts(NER)
    assert heads == ["system", "en", "de", "mean", "sd", "seeds", "gap closed"]
    by_system = {row[0]: dict(zip(heads, row, strict=True)) for row in texts}
    good, base, (top,) = means(NER, "good"), means(NER, "baseline"), means(NER, "teachers")
    assert by_system["good"]["mean"] == f"{np.mean(good):.2f}*†"
    assert by_system["good"]["sd"] == f"{np.std(good, ddof=1):.2f}"
    share = 100 * (np.mean(good) - np.mean(base)) / (top - np.mean(base))
    low, high = map(int, re.fullmatch(rf"{round(share)}% \[(\d+), (\d+)\]", by_system["good"]["gap closed"]).groups())
    assert low < share < high
    assert by_system["same"]["mean"] == by_system["baseline"]["mean"]
    assert by_system["same"]["gap closed"].startswith("0% [")
    assert by_system["teachers"]["mean"] == f"{top:.2f}"
    assert (by_system["teachers"]["sd"], by_system["teachers"]["gap closed"]) == ("-", "-")
    assert language_texts(NER, ["de"])[0] == ["system", "de", "mean", "sd", "seeds", "gap closed"]


def test_the_table_by_task_keeps_the_labels_order_and_shows_what_is_missing():
    weak_teachers = entries(baseline=[0.6, 0.6], teachers=[0.5], new=[0.7])
    heads, texts = task_texts({"NER": NER, "POS": weak_teachers})
    assert heads == ["system", "NER", "gap closed", "POS"]
    assert [row[0] for row in texts] == ["teachers", "baseline", "good", "same", "new"]
    by_system = {row[0]: row[1:] for row in texts}
    assert by_system["new"] == ["-", "-", f"{np.mean(means(weak_teachers, 'new')):.2f}* (1)"]
    assert by_system["good"][2] == "-"
    assert by_system["baseline"][2] == f"{np.mean(means(weak_teachers, 'baseline')):.2f} ± 0.00"
    good = means(NER, "good")
    assert by_system["good"][0] == f"{np.mean(good):.2f} ± {np.std(good, ddof=1):.2f}*†"
    assert "(1)" not in by_system["teachers"][0]


def test_marks_need_a_difference_and_the_dagger_seeds():
    assert marks(NER) == {"good": "*†", "same": ""}
    assert marks(Entries(NER | {"good": NER["good"].head(1)}))["good"] == "*"
    assert marks(Entries({"good": NER["good"]})) == {}
    worse = entries(baseline=[0.70, 0.71], posterior=[0.50, 0.51])
    assert marks(worse) == {"posterior": "*†"}


def with_zero_shot(frame, *scores):
    structs = [[{"language": "fr", "score": one}, {"language": "nl", "score": one + 10}] for one in scores]
    return frame.with_columns(pl.Series("zero_shot", structs))


def test_zero_shot_scores_have_no_teachers_and_no_mark_by_sentence():
    found = {
        "teachers": NER["teachers"].with_columns(zero_shot=pl.lit([]).cast(NER["good"].schema["test"])),
        "baseline": with_zero_shot(NER["baseline"], 30.0, 31.0, 32.0),
        "good": with_zero_shot(NER["good"], 40.0, 41.0, 42.0),
    }
    heads, texts = task_texts({"NER": found}, "zero_shot")
    assert heads == ["system", "NER"]
    assert texts == [["teachers", "-"], ["baseline", "36.00 ± 1.00"], ["good", "46.00 ± 1.00†"]]
    heads, texts = language_texts(found, split="zero_shot")
    assert heads == ["system", "fr", "nl", "mean", "sd", "seeds", "gap closed"]
    assert texts[0] == ["teachers", *["-"] * 6]
    assert texts[2] == ["good", "41.00", "51.00", "46.00†", "1.00", "3", "-"]


def test_a_grid_that_has_only_begun_has_its_lines():
    begun = {label: frame.clear() for label, frame in NER.items()} | {"good": NER["good"]}
    assert [row[1] == "-" for row in task_texts({"NER": begun})[1]] == [True, True, False, True]
    assert [row[0] for row in language_texts(begun)[1]] == list(NER)
    assert language_texts({}) == (["system", "mean", "sd", "seeds", "gap closed"], [])


def test_cells_of_one_seed_twice_are_refused():
    twice = pl.concat([NER["good"], NER["good"].tail(1)])
    with pytest.raises(ResultError, match=r"good: .*one cell for each seed.* 1, 2, 3, 3"):
        score_rows({"good": twice})


def test_cells_of_other_sentences_are_refused():
    fewer = cells(*runs(0.7, 0.7, sentences=50))
    with pytest.raises(PairingError, match="different sentences"):
        task_texts({"NER": Entries(NER | {"good": fewer})})


def test_the_tables_are_written_in_markdown_and_latex():
    texts = task_texts({"NER": NER})
    assert as_markdown(*texts).count("|") == 4 * 6
    assert as_latex(*texts).count("&") == 2 * 5


def test_a_language_of_one_sentence_has_no_intervals_and_no_mark_by_sentence():
    scores = {"teachers": [(4, 4)], "baseline": [(1, 4), (2, 4)], "good": [(3, 4), (3, 4)]}
    few = Entries(
        {
            name: cells(*({"en": [(right, gold, gold)]} for right, gold in of), system=name)
            for name, of in scores.items()
        }
    )
    heads, texts = language_texts(few)
    assert heads == ["system", "en", "mean", "sd", "seeds", "gap closed"]
    assert texts[2] == ["good", "75.00", "75.00", "0.00", "2", "60%"]
    assert "*" not in "".join(marks(few).values())


@pytest.mark.parametrize(("split", "known"), [("test", True), ("dev", False)])
def test_the_bars_of_the_gap_have_the_intervals_of_the_table(split, known):
    task = TaskFindings("ner", "NER", {}, NER, {})
    chart = gap_chart(TableFindings("t", "T", split, None, (task,)))
    assert bool(chart.note) == bool(chart.bars) == known
    for bar in chart.bars:
        ((low, high),) = bar.intervals
        assert (low, high) == NER.resampled.gap(bar.name, "baseline", "teachers")
        assert low - 1e-6 < np.mean(bar.values[0]) < high + 1e-6


def test_without_a_gap_there_are_no_intervals():
    task = TaskFindings("ner", "NER", {}, entries(teachers=[0.5], baseline=[0.5], good=[0.7]), {})
    assert gap_chart(TableFindings("t", "T", "test", None, (task,))).note == ""
