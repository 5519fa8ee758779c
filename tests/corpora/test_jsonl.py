"""JSON lines of sentences."""

import json

import pytest

from structkd.corpora.jsonl import read_jsonl
from structkd.corpora.schemes import SchemeError
from structkd.corpora.sentences import CorpusError, Sentence

ROWS = [{"tokens": ["EU", "rejects"], "labels": ["B-ORG", "O"]}, {"tokens": ["Ja "], "labels": None, "id": 7}]


def written(folder, *lines):
    path = folder / "file.jsonl"
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines), "utf-8")
    return path


def test_sentences_with_and_without_labels(tmp_path):
    found = read_jsonl(written(tmp_path, ROWS[0], "", ROWS[1]), scheme="IOB2")
    assert found.sentences == (Sentence(("EU", "rejects"), ("B-ORG", "O")), Sentence(("Ja",)))


def test_numbers_have_names(tmp_path):
    path = written(tmp_path, {"words": ["EU"], "ner": [1]})
    found = read_jsonl(path, tokens="words", labels="ner", names=("O", "B-ORG"))
    assert found.sentences == (Sentence(("EU",), ("B-ORG",)),)
    with pytest.raises(CorpusError, match=r"file\.jsonl:1: label 0 is the integer 1 and the file stores no names"):
        read_jsonl(path, tokens="words", labels="ner")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ('{"tokens": 1' + "0" * 5000 + "}", "not JSON (an integer of 5001 digits, expected at most 4000)"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "found list, expected a JSON object"),
        ({"token": ["a"]}, "no field 'tokens', found token; did you mean token?"),
        ({"tokens": "a b"}, "'tokens' is str, expected a list"),
        ({"tokens": []}, "'tokens' is empty"),
        ({"tokens": ["a", 3]}, "word 1 is 3, expected text"),
        ({"tokens": ["a", " "]}, "word 1 is null or empty"),
        ({"tokens": ["a"], "labels": []}, "1 words but 0 labels"),
        ({"tokens": ["a"], "labels": [True]}, "label 0 is True, expected text or an integer"),
        ({"tokens": ["a"], "labels": [None]}, "label 0 is null or empty"),
    ],
)
def test_an_error_names_file_and_line(tmp_path, line, message):
    path = written(tmp_path, ROWS[0], line)
    with pytest.raises(CorpusError) as caught:
        read_jsonl(path)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert message in str(caught.value)


def test_labels_are_checked_in_their_scheme(tmp_path):
    with pytest.raises(SchemeError, match=r"file\.jsonl:2: label 'I-ORG'"):
        read_jsonl(written(tmp_path, ROWS[0], {"tokens": ["a"], "labels": ["I-ORG"]}), scheme="IOB2")


def test_a_file_without_sentences_is_an_error(tmp_path):
    with pytest.raises(CorpusError, match="holds no sentence"):
        read_jsonl(written(tmp_path, ""))
