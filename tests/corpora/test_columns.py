"""CoNLL columns, as they are found in the wild."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from structkd.corpora.columns import read_columns
from structkd.corpora.schemes import SchemeError
from structkd.corpora.sentences import Changes, CorpusError, Reading, Sentence


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "file.tsv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


TWO = (Sentence(("EU", "rejects"), ("B-ORG", "O")), Sentence(("Ja",), ("O",)))


@pytest.mark.parametrize(
    "content",
    [
        "EU\tB-ORG\nrejects\tO\n\nJa\tO\n\n",
        "EU\tB-ORG\nrejects\tO\n\nJa\tO",
        "EU B-ORG\nrejects  O \n\nJa O\n",
        " EU \tB-ORG \nrejects\u00a0\t O\n\t\n \u3000\nJa\t\u2003O\n",
        "# text = EU rejects\nEU B-ORG\nrejects O\n\n# newdoc\n# sent_id = 2\nJa O\n",
        "EU NNP I-NP B-ORG\nrejects VBZ I-VP O\n\nJa X X O\n",
        "\n\n\nEU\tB-ORG\nrejects\tO\n\n \n\nJa\tO\n\n\n",
        "\ufeffEU\tB-ORG\r\nrejects\tO\r\n\r\nJa\tO\r\n",
        "-DOCSTART- -X- O O\n\nEU NNP X B-ORG\nrejects V X O\n\n-DOCSTART-\n\nJa X X O\n",
        "-DOCSTART- O\nEU B-ORG\nrejects O\n\n-DOCSTART-\tO\nJa O\n",
    ],
)
def test_every_layout_gives_the_same_sentences(written, content):
    assert read_columns(written(content)).sentences == TWO


def test_any_column_can_be_read_and_labels_left_out(written):
    path = written("1 EU NNP B-ORG\n2 rejects VBZ O\n")
    tagged = read_columns(path, token_column=1, label_column=2)
    assert tagged.sentences == (Sentence(("EU", "rejects"), ("NNP", "VBZ")),)
    bare = Reading((Sentence(("EU", "rejects")),))
    assert read_columns(path, token_column=-3, label_column=None) == bare
    assert read_columns(written("EU\nrejects\n"), label_column=None) == bare


def test_words_keep_their_spaces(written):
    """Tabs split alone where there is one; a no-break space, NEL or U+2028 never ends a word or a line."""
    content = "New York\tB-LOC\n20\u00a0000\tO\na\u2028b\u0085c\tO\n\n10\u00a0000 O\n"
    with pytest.raises(CorpusError, match="only after"):
        read_columns(written("x\tO\ny\tI-X\n"), scheme="IOB2")
    words = [word for sentence in read_columns(written(content)).sentences for word in sentence.tokens]
    assert words == ["New York", "20\u00a0000", "a\u2028b\u0085c", "10\u00a0000"]


words = st.text(st.characters(codec="utf-8", exclude_characters="\t\n\r"), min_size=1, max_size=5).filter(
    lambda word: word and word == word.strip() and word != "-DOCSTART-" and word != "\ufeff"
)


@given(st.lists(st.lists(st.tuples(words, words), min_size=1, max_size=4), min_size=1, max_size=4))
def test_what_is_written_is_read(tmp_path_factory, drawn):
    path = tmp_path_factory.getbasetemp() / "drawn.tsv"
    text = "\n\n".join("\n".join("\t".join(pair) for pair in sentence) for sentence in drawn)
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    read = [list(zip(sentence.tokens, sentence.labels, strict=True)) for sentence in read_columns(path).sentences]
    assert read == drawn


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("a\tO\n\nb\tx\tO\n", 3, "3 columns where the other lines have 2"),
        ("a\tO\nb O x\n", 2, "3 columns"),
        ("a\tO\n\tO\n", 2, "the word is empty"),
        ("a\tO\nb\t\n", 2, "the label is empty"),
        ("-DOCSTART- O\na\n", 2, "are the same one; words and labels are in two"),
        ("a\tO\n-DOCSTART-\nb\tO\n", 2, "inside a sentence"),
        ("a\tO\nb\tO\rc\tO\n", 2, "carriage return at character 4"),
        (b"a\tO\n\nb\xe9\tO\n", 3, "0xe9 at byte 2 of the line is not UTF-8"),
        (b"\xef\xbb\xbf\xff\tO\n", 1, "0xff at byte 1"),
        ("a\tO\n".encode("utf-16"), 1, "not UTF-8"),
        ("", 1, "no sentence"),
        ("-DOCSTART- O\n\n", 1, "no sentence"),
    ],
)
def test_an_error_starts_with_its_file_and_line(written, content, line, message):
    path = written(content)
    with pytest.raises(CorpusError) as caught:
        read_columns(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in str(caught.value)


def test_a_column_that_is_not_there_is_named(written):
    with pytest.raises(CorpusError, match=r":2: the file has 2 columns, so label_column=3 names none"):
        read_columns(written("\na O\n"), label_column=3)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("-DOCSTART- O\na O\nb I-X\n", 3),
        ("a O\n\n\nb B-X\n\nc S-X\n", 4),
    ],
)
def test_labels_are_checked_where_they_stand(written, content, line):
    path = written(content)
    with pytest.raises(SchemeError) as caught:
        read_columns(path, scheme="BIOES")
    assert str(caught.value).startswith(f"{path}:{line}: ")


GERMEVAL = "#\thttp://a.org [2009-10-17]\n1\t#\tO\tO\n2\tEU\tB-ORG\tO\n\n#\tb\n1\tJa\tO\tO\n"
UNER = "# newdoc id = x\n# text = EU\n1\tEU\tB-ORG\t-\t-\n\n# sent_id = 2\n1\tJa\tO\t-\t-\n"


@pytest.mark.parametrize(
    ("content", "label_column", "words", "left_out"),
    [(GERMEVAL, 2, [("#", "EU"), ("Ja",)], 2), (UNER, 2, [("EU",), ("Ja",)], 3)],
)
def test_comments_of_public_corpora_are_left_out_and_counted(written, content, label_column, words, left_out):
    found = read_columns(written(content), token_column=1, label_column=label_column, scheme="IOB2")
    assert [sentence.tokens for sentence in found.sentences] == words
    assert found.changes == Changes(comments=left_out)
    assert str(found.changes).startswith(f"{left_out} comment lines left out")


@pytest.mark.parametrize("content", ["#\tSYM\n1\tNUM\n", "a\tX\n#\tSYM\n", "# SYM\n1 NUM\n", "#a X\n", "# text\tX\n"])
def test_a_hash_that_is_a_word_is_never_lost(written, content):
    found = read_columns(written(content))
    assert sum(map(len, found.sentences)) == content.count("\n")
    assert not found.changes


def test_what_is_a_comment_can_be_said(written):
    path = written("# newdoc\na O\n# b\nc O\n")
    assert read_columns(path, comments="always").sentences == (Sentence(("a", "c"), ("O", "O")),)
    assert read_columns(path, comments="never").sentences[0].tokens == ("#", "a", "#", "c")
    with pytest.raises(CorpusError, match=r':2: 4 columns .*set comments = "always" \(evaluate: --comments always\)'):
        read_columns(written("a O\n# b c d\n"))


def test_invalid_labels_are_listed_with_a_remedy(written):
    path = written("a\tI-X\nb\tI-X\n\n" + "a\tO\nb\tI-Y\n\n" * 8)
    with pytest.raises(SchemeError) as caught:
        read_columns(path, scheme="IOB2")
    assert str(caught.value).startswith(f"{path}:1: label 'I-X' (word 1) at the start of the sentence: ")
    assert "9 labels of the file are at fault, the others at 5, 8, 11, 14, 17, ...;" in str(caught.value)
    assert 'set repair = "conlleval" (evaluate: --repair conlleval)' in str(caught.value)
    found = read_columns(path, scheme="IOB2", repair="conlleval")
    assert [sentence.labels for sentence in found.sentences] == [("B-X", "I-X"), *[("O", "B-Y")] * 8]
    assert found.changes == Changes(repaired=9)


def test_tags_that_are_no_spans_are_told_from_broken_spans(written):
    with pytest.raises(SchemeError, match=r':1: label .NOUN.*2 labels .* at 2; .*metric = "accuracy"'):
        read_columns(written("a NOUN\nb VERB\n"), scheme="IOB2", repair="conlleval")
