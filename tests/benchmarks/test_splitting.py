"""Scores of the splitter count words by where they stand."""

import pytest

from benchmarks.splitting import Score, document, joined, written


def test_a_word_counts_if_its_ends_are_found():
    score = Score()
    score.add(*joined(["Mr.", "O'Neil", "ran"]))
    assert (score.found, score.words, dict(score.missed)) == (2, 3, {"Mr.": 1})
    assert score.percent == pytest.approx(200 / 3)


def test_a_treebank_is_read_as_it_was_written(tmp_path):
    rows = ["1-2 du", "1 de", "2 le", "3 pain SpaceAfter=No", "4 ."]
    lines = ["\t".join((*row.split()[:2], *"_" * 7, (row.split()[2:] or ["_"])[0])) for row in rows]
    path = tmp_path / "file.conllu"
    path.write_text("# text\n" + "\n".join(lines) + "\n\n", "utf-8")
    ((text, places),) = written(path)
    assert text == "du pain. "
    assert [text[start:end] for start, end in places] == ["du", "pain", "."]


def test_what_is_low_is_explained():
    page = document({("ud", "ja"): Score(1, 2), ("ud", "en"): Score(2, 2), ("ud", "xx"): Score(0, 2)})
    assert "- ud ja, 50.00: no blanks" in page
    assert "- ud xx, 0.00: the reason is not known" in page
    assert "ud en, " not in page
