"""Parquet files of sentences, as pyarrow and Hugging Face `datasets` write them."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from structkd.corpora.parquet import read_parquet
from structkd.corpora.schemes import SchemeError
from structkd.corpora.sentences import CorpusError, Sentence

WORDS = [["EU", "rejects"], ["Ja"]]
NAMED = [["B-ORG", "O"], ["O"]]
TWO = (Sentence(("EU", "rejects"), ("B-ORG", "O")), Sentence(("Ja",), ("O",)))


@pytest.fixture
def written(tmp_path):
    def write(words, labels, label_type=None, metadata=None, **options):
        path = tmp_path / "file.parquet"
        table = pa.table({"id": pa.array(range(len(words))), "tokens": words, "labels": pa.array(labels, label_type)})
        pq.write_table(table.replace_schema_metadata(metadata), path, **options)
        return path

    return write


def hugging_face(feature):
    return {"huggingface": json.dumps({"info": {"features": {"labels": feature}}})}


@pytest.mark.parametrize(
    "kind",
    [
        None,
        pa.large_list(pa.large_string()),
        pa.list_(pa.dictionary(pa.int8(), pa.string())),
    ],
)
def test_labels_that_are_strings(written, kind):
    assert read_parquet(written(WORDS, NAMED, kind)).sentences == TWO


@pytest.mark.parametrize(
    "feature",
    [
        {"feature": {"names": ["O", "B-ORG"], "_type": "ClassLabel"}, "_type": "Sequence"},
        [{"names": ["O", "B-ORG"], "_type": "ClassLabel"}],
    ],
)
def test_labels_that_are_integers_with_stored_names(written, feature):
    assert read_parquet(written(WORDS, [[1, 0], [0]], pa.list_(pa.int64()), hugging_face(feature))).sentences == TWO


def test_given_names_come_before_stored_ones(written):
    feature = {"feature": {"names": ["x", "y"]}}
    path = written(WORDS, [[1, 0], [0]], metadata=hugging_face(feature))
    assert read_parquet(path, names=("O", "B-ORG")).sentences == TWO


def test_unlabelled_rows_and_unlabelled_files(written):
    assert read_parquet(written(WORDS, [["B-ORG", "O"], None])).sentences[1] == Sentence(("Ja",))
    bare = (Sentence(("EU", "rejects")), Sentence(("Ja",)))
    assert read_parquet(written(WORDS, NAMED), labels=None).sentences == bare
    assert read_parquet(written(WORDS, NAMED), tokens="labels", labels="tokens").sentences[1] == Sentence(
        ("O",), ("Ja",)
    )


@pytest.mark.parametrize(
    ("words", "labels", "message"),
    [
        ([["a"], ["b"], []], [["O"], ["O"], []], "row group 1, row 2: 'tokens' is empty"),
        ([["a"], ["b"], None], [["O"], ["O"], []], "row group 1, row 2: 'tokens' is null"),
        ([["a"], ["b", None]], [["O"], ["O", "O"]], "row group 0, row 1: word 1 is null or empty"),
        ([["a"], ["b", ""]], [["O"], ["O", "O"]], "row group 0, row 1: word 1 is null or empty"),
        ([["a"], ["b"]], [["O"], ["O", "O"]], "row group 0, row 1: 1 words but 2 labels"),
        ([["a"], ["b"]], [["O"], [None]], "row group 0, row 1: label 0 is null or empty"),
        ([["a"], ["b"]], [[0], [1]], "row group 0, row 0: label 0 is the integer 0 and the file stores no names"),
    ],
)
def test_an_error_names_file_row_group_and_row(written, words, labels, message):
    path = written(words, labels, row_group_size=2)
    with pytest.raises(CorpusError) as caught:
        read_parquet(path)
    assert str(caught.value).startswith(f"{path}:{message}")


@pytest.mark.parametrize("value", [2, -1])
def test_an_integer_without_a_name_is_refused(written, value):
    with pytest.raises(CorpusError, match=rf"label 0 is {value}; there are 2 names"):
        read_parquet(written([["a"]], [[value]]), names=("O", "X"))


def test_a_column_that_is_missing_or_of_another_type_is_named(written):
    path = written(WORDS, NAMED)
    with pytest.raises(CorpusError, match="no column 'ner_tags'; the file has 'id', 'tokens', 'labels'; name one"):
        read_parquet(path, labels="ner_tags")
    with pytest.raises(CorpusError, match="column 'id' is int64; expected a list of strings or integers"):
        read_parquet(path, labels="id")
    with pytest.raises(CorpusError, match=r"expected a list of strings$"):
        read_parquet(written(WORDS, [[1, 0], [0]]), tokens="labels", labels=None)


def test_damage_and_emptiness_are_errors(written, tmp_path):
    with pytest.raises(CorpusError, match="no sentence"):
        read_parquet(written([], [], pa.list_(pa.string())), labels="labels", tokens="labels")
    path = tmp_path / "not.parquet"
    path.write_bytes(b"word\tO\n" * 10)
    with pytest.raises(CorpusError, match="not a readable Parquet file"):
        read_parquet(path)
    whole = written(WORDS, NAMED)
    whole.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(CorpusError, match="not a readable Parquet file"):
        read_parquet(whole)


def test_blanks_at_the_ends_of_words_and_labels_are_nothing(written):
    assert read_parquet(written([[" EU", "rejects\u00a0"], ["Ja"]], [["B-ORG ", "O"], ["\tO"]])).sentences == TWO
    with pytest.raises(CorpusError, match="row 0: word 0 is null or empty"):
        read_parquet(written([[" "]], [["O"]]))


def test_invalid_labels_are_named_by_their_rows(written):
    path = written([["a"], ["b"], ["c"]], [["O"], ["I-X"], ["I-Y"]], row_group_size=2)
    with pytest.raises(SchemeError) as caught:
        read_parquet(path, scheme="IOB2")
    assert str(caught.value).startswith(f"{path}:row group 0, row 1: label 'I-X'")
    assert "the others at row group 1, row 2;" in str(caught.value)
    assert read_parquet(path, scheme="IOB2", repair="conlleval").changes.repaired == 2


def test_remedies_name_settings(written):
    with pytest.raises(CorpusError, match=r"list them .* as label_names \(evaluate: --label-names"):
        read_parquet(written([["a"]], [[0]]))
    with pytest.raises(CorpusError, match=r"name one of them as token_column \(evaluate: --token-column\)"):
        read_parquet(written([["a"]], [["O"]]), tokens="words")
