"""The benchmark of growth runs, and its text is as large as it says."""

from benchmarks.stage_growth import Case, Tape, first_stage, second_stage, side_by_side
from structkd.artifacts.reader import ArtifactSet

CASE = Case(words=400, languages=2, labels=5, length=10)


def test_both_stages_are_measured(tmp_path):
    first = first_stage(CASE, tmp_path)
    assert sum(ArtifactSet.open(folder).tokens for folder in tmp_path.iterdir()) == CASE.words
    for cost in (first, second_stage(CASE, tmp_path)):
        assert cost.speed > 0
        assert cost.peak > 1e6


def test_sentences_have_the_length_and_the_labels():
    text = Tape(CASE, 1)
    sentences = [text[place] for place in range(len(text))]
    assert {len(sentence.tokens) for sentence in sentences} == {CASE.length}
    assert {label for sentence in sentences for label in sentence.labels} <= {f"L{label}" for label in range(5)}


def test_processes_side_by_side():
    assert side_by_side(CASE, 1) > 0
