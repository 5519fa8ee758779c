"""Unlabelled text: a line is a sentence, and no line is lost."""

import pytest

from structkd.corpora.sentences import CorpusError, Sentence
from structkd.corpora.text import read_text


@pytest.mark.parametrize(
    "content", ["a b\nc", "a b\nc\n", "a b\r\nc\r\n", "\ufeffa b\nc\n\n \n", " a b \nc\u00a0\n\t\n"]
)
def test_a_line_is_a_sentence(tmp_path, content):
    path = tmp_path / "text"
    path.write_bytes(content.encode())
    assert tuple(read_text(path)) == (Sentence(("a", "b")), Sentence(("c",)))


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"a\n\nb\n", 2, "a blank line between sentences"),
        (b"\na\n", 1, "a blank line"),
        (b"a\nbc  d\n", 2, "word 2 of the line is empty"),
        (b"a\tO\n", 1, "a tab"),
        (b"a\n\xff\n", 2, "not UTF-8"),
        (b"\n\n", 1, "no sentence"),
        (b"", 1, "no sentence"),
    ],
)
def test_an_error_starts_with_its_file_and_line(tmp_path, content, line, message):
    path = tmp_path / "text"
    path.write_bytes(content)
    with pytest.raises(CorpusError) as caught:
        tuple(read_text(path))
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in str(caught.value)
