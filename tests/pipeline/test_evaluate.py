"""`structkd evaluate` reads what people have, and says what it changed and what looks wrong."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.pipeline.tiny import structkd
from tests.pipeline.untrained import save_untrained


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    """The folder of a tagger that knows LOC."""
    folder = tmp_path_factory.mktemp("tagger")
    save_untrained(folder)
    return folder


def test_stray_labels_are_repaired_where_that_is_asked_for(tagger, tmp_path):
    path = tmp_path / "stray.conll"
    path.write_text("# text = Oslo\nto \tO\nOslo\tI-LOC \n", "utf-8")
    refused = structkd(tmp_path, "evaluate", tagger, path)
    assert refused.returncode == 1
    assert f"{path}:3: label 'I-LOC'" in refused.stderr
    assert "evaluate: --repair conlleval" in refused.stderr
    done = structkd(tmp_path, "evaluate", tagger, path, "--repair", "conlleval")
    assert "1 sentences, 2 words" in done.stdout
    assert done.stderr == f"{path}: 1 comment lines left out, 1 labels repaired\n"


def test_types_that_the_tagger_does_not_know_are_said(tagger, tmp_path):
    path = tmp_path / "types.conll"
    path.write_text("1\tOslo\tB-Place\n2\tis\tO\n", "utf-8")
    done = structkd(tmp_path, "evaluate", tagger, path)
    assert "the file has Place, the tagger knows LOC" in done.stderr
    assert "all words are numbers, such as 1" in done.stderr
    assert "numbers" not in structkd(tmp_path, "evaluate", tagger, path, "--token-column", 1).stderr


def test_columns_and_label_names_of_parquet_can_be_given(tagger, tmp_path):
    path = tmp_path / "file.parquet"
    pq.write_table(pa.table({"words": [["Oslo", "is"]], "tags": [[1, 0]]}), path)
    options = ("--reader", "parquet", "--token-column", "words", "--label-column", "tags", "--label-names", "O,B-LOC")
    done = structkd(tmp_path, "evaluate", tagger, path, *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 sentences, 2 words" in done.stdout


def test_errors_by_type_and_another_tagger(tagger, tmp_path):
    path = tmp_path / "types.conll"
    path.write_text("Oslo\tB-LOC\nis\tO\n\nRome\tB-LOC\n\n", "utf-8")
    done = structkd(tmp_path, "evaluate", tagger, path, "--against", tagger, "--output", "numbers.json")
    assert done.returncode == 0, done.stderr
    for text in ("By type", "all (micro)", "mean (macro)", "difference +0.00 [+0.00, +0.00]"):
        assert text in done.stdout
    numbers = json.loads((tmp_path / "numbers.json").read_text("utf-8"))
    assert numbers["types"]["LOC"]["gold"] == numbers["micro"]["gold"] == 2
    assert numbers["against"]["difference"] == 0
    assert sum(numbers["errors"].values()) == sum(one["times"] for one in numbers["confusion"])
