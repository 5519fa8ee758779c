"""Scores by type agree with seqeval's; each gold and predicted span is counted once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import classification_report
from seqeval.scheme import IOBES

from structkd.runtime.spans import WordSpan, strict_spans
from structkd.tagger.analysis import INVENTED, MISSED, analyse
from tests.examples import examples
from tests.spans import span_labels

LABELS = ("O", *(f"{prefix}-{kind}" for kind in ("X", "Y") for prefix in "BIES"))
sentence = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=8)


@given(st.lists(sentence, min_size=1, max_size=6))
@examples(60)
def test_scores_are_seqevals(pairs):
    gold = [[one for one, _ in words] for words in pairs]
    found = [[other for _, other in words] for words in pairs]
    analysis = analyse(gold, found, "BIOES")
    if not any(strict_spans(labels, "BIOES") for labels in gold):
        return
    report = classification_report(gold, found, mode="strict", scheme=IOBES, output_dict=True, zero_division=0)
    for kind, score in analysis.types.items():
        if kind in report:
            assert score.precision == pytest.approx(100 * report[kind]["precision"])
            assert score.recall == pytest.approx(100 * report[kind]["recall"])
            assert score.f1 == pytest.approx(100 * report[kind]["f1-score"])
            assert score.gold == report[kind]["support"]
    assert analysis.micro.f1 == pytest.approx(100 * report["micro avg"]["f1-score"])
    low, high = analysis.interval
    assert 0 <= low <= high <= 100
    golden = sum(len(strict_spans(labels, "BIOES")) for labels in gold)
    assert sum(count for (one, _), count in analysis.confusion.items() if one != INVENTED) == golden
    assert sum(analysis.errors.values()) == sum(analysis.confusion.values())


def written(length, *spans):
    labels = ["O"] * length
    for span in spans:
        labels[span.start : span.end] = span_labels(span, "BIOES")
    return labels


def test_every_kind_of_error():
    gold = [WordSpan(0, 1, "X"), WordSpan(1, 3, "X"), WordSpan(4, 6, "X"), WordSpan(7, 9, "Y"), WordSpan(10, 11, "Y")]
    found = [WordSpan(0, 1, "X"), WordSpan(1, 3, "Y"), WordSpan(4, 5, "X"), WordSpan(8, 9, "X"), WordSpan(12, 13, "X")]
    analysis = analyse([written(14, *gold)], [written(14, *found)], "BIOES")
    assert analysis.errors == dict.fromkeys(("right", "type", "borders", "type and borders", "missed", "invented"), 1)
    assert analysis.confusion == {
        ("X", "X"): 2, ("X", "Y"): 1, ("Y", "X"): 1, ("Y", MISSED): 1, (INVENTED, "X"): 1,
    }  # fmt: skip


def test_tags():
    analysis = analyse([["N", "V", "N"]], [["N", "N", "N"]], None)
    assert analysis.micro.f1 == analysis.words == pytest.approx(200 / 3)
    assert analysis.types["N"].precision == pytest.approx(200 / 3)
    assert analysis.confusion == {("N", "N"): 2, ("V", "N"): 1}
    assert analysis.macro_f1 == pytest.approx(40)
