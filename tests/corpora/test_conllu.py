"""CoNLL-U is read word by word, and what is not CoNLL-U is refused."""

import pytest

from structkd.corpora.conllu import COLUMNS, read_conllu
from structkd.corpora.schemes import SchemeError
from structkd.corpora.sentences import CorpusError

GOOD = [
    "# sent_id = 1",
    "# text = Du pain et 20 000 vins",
    "0.1 _ _ _ _ _ _ _ 1:x _",
    "1-2 Du _ _ _ _ _ _ _ _",
    "1 de de ADP P Case=Gen|Gender=Masc 3 case 3:case SpaceAfter=No",
    "2 le le DET D _ 3 det 3:det _",
    "2.1 pas _ ADV _ _ _ _ _ _",
    "3 pain pain NOUN N Case=Acc 0 root 0:root _",
    "# a comment",
    "4 20·000 20 NUM M _ 3 nummod _ _",
    "",
    "",
    "1 _ _ PUNCT _ _ 0 root _ _",
]


@pytest.fixture
def written(tmp_path):
    def write(lines, end="\n"):
        path = tmp_path / "file.conllu"
        path.write_bytes(end.join(line.replace(" ", "\t").replace("·", " ") for line in lines).encode())
        return path

    return write


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_words_are_read_and_the_rest_is_not(written, end):
    first, second = read_conllu(written(GOOD, end)).sentences
    assert first.tokens == ("de", "le", "pain", "20 000")
    assert first.labels == ("ADP", "DET", "NOUN", "NUM")
    assert (second.tokens, second.labels) == (("_",), ("PUNCT",))


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_can_be_the_label(written, column):
    values = ["1", "f", "l", "U", "X", "F=1", "0", "root", "0:root", "M=2"]
    (sentence,) = read_conllu(written([" ".join(values)]), column=column).sentences
    assert sentence.labels == (values[COLUMNS.index(column)],)


def test_a_feature_can_be_the_label_and_may_be_absent(written):
    first, _ = read_conllu(written(GOOD), column="feats:Case").sentences
    assert first.labels == ("Gen", "_", "Acc", "_")
    assert read_conllu(written(GOOD), column="misc:SpaceAfter").sentences[0].labels == ("No", "_", "_", "_")


def test_labels_can_be_left_out(written):
    assert read_conllu(written(GOOD), column=None).sentences[0].labels is None


@pytest.mark.parametrize("column", ["pos", "feats:", "upos:Case", ""])
def test_an_unknown_column_is_refused(written, column):
    with pytest.raises(CorpusError, match="is none of id, form"):
        read_conllu(written(GOOD), column=column)


WORD = "{} w w X X _ 0 root _ _"


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        ([WORD.format(1), WORD.format(3)], 2, "id '3' after 1 words; expected 2"),
        (["# x", WORD.format(0)], 2, "id '0'"),
        ([WORD.format(1), WORD.format(1)], 2, "id '1' after 1 words"),
        ([WORD.format("01")], 1, "id '01'"),
        ([WORD.format("x")], 1, "id 'x'"),
        ([WORD.format(1), "", WORD.format(2)], 3, "id '2' after 0 words"),
        ([WORD.format("2-3"), WORD.format(1)], 1, "id '2-3'"),
        ([WORD.format("1-1"), WORD.format(1)], 1, "id '1-1'"),
        ([WORD.format("1-3"), WORD.format(1), WORD.format(2)], 3, "reaches to word 3; the sentence has 2"),
        ([WORD.format("1-3"), WORD.format(1), WORD.format("2-4")], 3, "id '2-4'"),
        ([WORD.format(1), WORD.format("2.1")], 2, "id '2.1'"),
        (["1 w w X X _ 0 root _"], 1, "9 columns; CoNLL-U has ten"),
        ([WORD.format(1) + " more"], 1, "11 columns"),
        (["1·w·w·X·X·_·0·root·_·_"], 1, "1 columns"),
        (["1  w X X _ 0 root _ _"], 1, "the form is empty"),
        ([WORD.format(1), "2 w w _ X _ 0 root _ _"], 2, "word 'w' has no upos ('_')"),
        (["# only a comment"], 1, "no sentence"),
    ],
)
def test_an_error_starts_with_its_file_and_line(written, lines, line, message):
    path = written(lines)
    with pytest.raises(CorpusError) as caught:
        read_conllu(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("feats:Cas", "no word has the key 'Cas' of 'feats:Cas'; these exist: Case, Gender; did you mean Case?"),
        ("misc:Case", "no word has the key 'Case' of 'misc:Case'; these exist: SpaceAfter"),
    ],
)
def test_a_key_that_no_word_has_is_refused(written, column, message):
    with pytest.raises(CorpusError) as caught:
        read_conllu(written(GOOD), column=column)
    assert message in str(caught.value)


def test_blanks_at_the_ends_of_fields_and_in_blank_lines_are_nothing(tmp_path):
    path = tmp_path / "file.conllu"
    path.write_text("1\t a \t_\tNOUN \t_\t_\t0\troot\t_\t_\n\t\n 1\tb\t_\tX\t_\t_\t0\troot\t_\t_\n", "utf-8")
    assert [(one.tokens, one.labels) for one in read_conllu(path).sentences] == [(("a",), ("NOUN",)), (("b",), ("X",))]


def test_spans_are_checked_where_they_stand(written):
    path = written(["# x", "1 a _ X _ _ 0 r _ NE=B-X", "2 b _ X _ _ 0 r _ _"])
    with pytest.raises(SchemeError) as caught:
        read_conllu(path, column="misc:NE", scheme="IOB2")
    assert str(caught.value).startswith(f"{path}:3: label '_' (word 2)")
    assert 'missing_label = "O"' in str(caught.value)
    found = read_conllu(path, column="misc:NE", scheme="IOB2", missing_label="O")
    assert found.sentences[0].labels == ("B-X", "O")
