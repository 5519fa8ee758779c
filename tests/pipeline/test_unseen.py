"""Scores without the test sentences that stand in train or in text."""

import pytest

from structkd.pipeline.results.result import ResultError
from structkd.pipeline.results.unseen import kept, unseen_masks
from tests.pipeline.cells import cells
from tests.pipeline.test_init import columns, write


def test_sentences_that_an_experiment_learns_from_are_left_out(tmp_path, monkeypatch):
    from structkd.pipeline.experiment.experiment import load_experiment

    monkeypatch.chdir(tmp_path)
    labels = ["B-PER", "O", "O", "B-LOC", "I-LOC"]
    known, other, third = (columns(labels).replace("York", name) for name in ("York", "Haven", "Delhi"))
    for split, text in (("train", known), ("dev", known), ("test", known + other + third)):
        write(tmp_path / "en" / f"{split}.conll", text)
    write(tmp_path / "en.txt", "Ada flew to New Haven\n")
    write(
        tmp_path / "experiments" / "mine.toml",
        'title = "x"\nlanguages = ["en"]\n[corpus]\nname = "files"\npath = "{language}/{split}.conll"\n'
        '[unlabelled]\npath = "{language}.txt"\n[student]\nsystems = ["baseline"]\n',
    )
    experiment = load_experiment("mine")
    assert unseen_masks([experiment]) == {"en": [False, False, True]}
    alone = load_experiment("mine", {"student": {"transfer": []}})
    assert unseen_masks([alone]) == {"en": [False, True, True]}
    assert unseen_masks([alone, experiment]) == {"en": [False, False, True]}


def test_scores_are_those_of_the_sentences_that_stay():
    before = cells({"en": [(1, 1, 1), (0, 1, 1), (1, 2, 1)], "de": [(1, 1, 1), (0, 1, 1)]})
    found = kept(before, {"en": [False, True, True], "de": [True, True]})
    assert found["test"].to_list() == [[{"language": "en", "score": 40.0}, {"language": "de", "score": 50.0}]]
    assert found["outcomes"].to_list()[0][0]["right"] == [0, 1]
    assert kept(before, {"en": [True] * 3, "de": [True] * 2}).equals(before)


@pytest.mark.parametrize("mask", [[True], [False] * 3])
def test_what_cannot_be_left_out_is_an_error(mask):
    with pytest.raises(ResultError, match="en: scores of 3 test sentences"):
        kept(cells({"en": [(1, 1, 1)] * 3}), {"en": mask})
