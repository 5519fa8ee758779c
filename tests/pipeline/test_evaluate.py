"""`structkd evaluate` reads what people have, and says what it changed and what looks wrong."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.pipeline.tiny import structkd, write_experiment
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


def test_what_was_seen_in_training_and_what_was_not(tagger, tmp_path):
    seen, new = "Oslo\tB-LOC\nis\tO\n\n", "Rome\tB-LOC\n\n"
    for split, text in (("train", seen), ("dev", new), ("test", new)):
        (tmp_path / f"{split}.conll").write_text(text, "utf-8")
    write_experiment(
        tmp_path,
        'title = "x"\nlanguages = ["en"]\n[corpus]\nname = "files"\npath = "{split}.conll"\n'
        '[student]\nsystems = ["baseline"]\n',
    )
    (tmp_path / "file.conll").write_text(seen + new, "utf-8")
    options = ("--experiment", "tiny", "--output", "numbers.json")
    done = structkd(tmp_path, "evaluate", tagger, "file.conll", *options)
    assert done.returncode == 0, done.stderr
    assert "without 1 sentences that stand in train" in done.stdout
    numbers = json.loads((tmp_path / "numbers.json").read_text("utf-8"))
    assert {name: score["gold"] for name, score in numbers["by_frequency"].items()} == {
        "never": 1, "1 to 9 times": 1, "10 times or more": 0
    }  # fmt: skip
    assert (numbers["sentences_in_train"], numbers["unseen"]["gold"]) == (1, 1)
    for split, text in (("train", seen + new), ("dev", new), ("test", new)):
        (tmp_path / f"{split}.other").write_text(text, "utf-8")
    change = ("--set", "corpus.path={split}.other")
    assert structkd(tmp_path, "evaluate", tagger, "file.conll", *options, *change).returncode == 0
    numbers = json.loads((tmp_path / "numbers.json").read_text("utf-8"))
    assert numbers["sentences_in_train"] == numbers["by_frequency"]["1 to 9 times"]["gold"] == 2
    done = structkd(tmp_path, "evaluate", tagger, "file.conll", *change)
    assert done.returncode == 1
    assert "add --experiment NAME" in done.stderr
