"""Scores by words' frequency in training, computed by hand."""

from structkd.tagger.analysis import TypeScore
from structkd.tagger.frequency import by_frequency, word_counts

COUNTS = word_counts([["New", "York"] * 9, ["New", "Oslo", "oslo"], ["Rome"] * 10])


def test_the_rarest_word_of_a_span_decides():
    sentences = [["New", "York", "and", "Oslo"], ["Rome", "or", "Haven"]]
    gold = [["B-LOC", "I-LOC", "O", "B-LOC"], ["B-LOC", "O", "B-LOC"]]
    found = [["B-LOC", "I-LOC", "O", "B-PER"], ["B-LOC", "O", "B-LOC"]]
    assert by_frequency(sentences, gold, found, "IOB2", COUNTS) == {
        "never": TypeScore(1, 1, 1),  # Haven
        "1 to 9 times": TypeScore(1, 2, 2),  # New York, for York stood there 9 times; Oslo, of another type
        "10 times or more": TypeScore(1, 1, 1),  # Rome
    }


def test_tags_are_counted_by_word():
    found = by_frequency([["York", "Rome", "OSLO"]], [["N", "N", "N"]], [["N", "V", "N"]], None, COUNTS)
    assert found == {
        "never": TypeScore(1, 1, 1),
        "1 to 9 times": TypeScore(1, 1, 1),
        "10 times or more": TypeScore(0, 1, 1),
    }


def test_all_bands_together_are_all_units():
    sentences = [["York"], ["Paris", "Rome"]]
    labels = [["B-LOC"], ["B-LOC", "I-LOC"]]
    assert sum(by_frequency(sentences, labels, labels, "IOB2", {}).values(), TypeScore(0, 0, 0)) == TypeScore(2, 2, 2)
