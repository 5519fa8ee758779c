"""Settings that cannot be what was meant are errors of the file, before anything runs."""

import json

import pytest

from structkd.corpora.config import FileFormat
from structkd.corpora.sentences import CorpusError
from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.experiment.parsing import ExperimentError, parse
from structkd.pipeline.plan.corpora import Data
from tests.pipeline.tiny import TINY

FILES = TINY.replace(
    TINY[TINY.index("[corpus]") : TINY.index("[limits]")],
    '[corpus]\nname = "files"\npath = "{language}.{split}.conll"\n\n',
)


def load(folder, text, name="tiny"):
    path = folder / f"{name}.toml"
    path.write_text(text, "utf-8")
    return load_experiment(str(path))


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("../up", "it has '/' in it"),
        ("a\\\\b", r"it has '\\' in it"),
        ("c:", "it has ':' in it"),
        ("a\\u001b[31m", "it has '\\x1b' in it"),
        ("", "it is empty"),
        (".", "it begins or ends with a point or a blank"),
        ("..", "it begins or ends with a point or a blank"),
        (".hidden", "it begins or ends"),
        ("a ", "it begins or ends"),
        ("NUL", "Windows reserves it"),
        ("com1.x", "Windows reserves it"),
        ("é" * 51, "it has 102 bytes, more than 100"),
    ],
)
@pytest.mark.parametrize("place", ["name", "languages.1"])
def test_names_are_checked_like_those_of_files(tmp_path, name, fault, place):
    text = f'name = "{name}"\n{TINY}' if place == "name" else TINY.replace('"de"]', f'"{name}"]')
    with pytest.raises(ExperimentError) as caught:
        load(tmp_path, text)
    assert f"{place}: expected a name that a file can have ({fault}" in str(caught.value)


@pytest.mark.parametrize("name", ["mean", "sd", "pt-BR", "zh_Hant", "日本語", "con-x", "a.b"])
def test_ordinary_names_are_taken(tmp_path, name):
    assert load(tmp_path, TINY.replace('"de"', f'"{name}"')).languages == ("en", name)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{language}", "{language:d}", "corpus.path: {language:d} asks for a format; write {language}"),
        ("{language}", "{language!r}", "corpus.path: {language!r} asks for a format; write {language}"),
        ("{language}", "{language.x}", "corpus.path: {language.x} is not known here"),
        ("{language}", "{language", "corpus.path: unexpected '{' in field name; a brace that is meant"),
        ("[student]", "[student]\nseeds = [18446744073709551616]", "student.seeds.0: input should be less than"),
        ("[student]", "[student]\nseeds = [-1]", "student.seeds.0: input should be greater than or equal to 0"),
        ("max_tokens", "seed = 9223372036854775808\nmax_tokens", "limits.seed: input should be less than"),
        ("[limits]", 'comments = "some"\n[limits]', "corpus.comments: expected one of auto, always, never"),
        (
            "[limits]",
            'label_names = ["O"]\n[limits]',
            "found label_names for reader columns; it belongs to parquet and jsonl",
        ),
        ("[limits]", 'token_column = "form"\n[limits]', "found token_column = 'form' for reader columns"),
    ],
)
def test_what_cannot_be_meant_is_named(tmp_path, old, new, message):
    with pytest.raises(ExperimentError) as caught:
        load(tmp_path, FILES.replace(old, new, 1))
    assert str(caught.value).startswith(f"{tmp_path}/tiny.toml:\n")
    assert message in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path):
    assert load(tmp_path, f"\ufeff{TINY}") == load(tmp_path, TINY)


def test_later_settings_leave_the_names_of_runs_alone(tmp_path, monkeypatch):
    """Whoever does not use them finds runs under the names that they have had."""
    assert set(FileFormat().model_dump()) == {"reader", "token_column", "label_column", "metric", "scheme"}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "en.train.conll").write_text("a O\n", "utf-8")
    plain, never, repair = (
        Data(load(tmp_path, FILES.replace("[limits]", f"{more}\n[limits]"))).identity("en", "train")
        for more in ("", 'comments = "never"', 'repair = "conlleval"')
    )
    assert "comments" not in json.dumps(plain)
    assert len({json.dumps(one) for one in (plain, never, repair)}) == 3


def test_what_reading_changed_travels_with_the_corpus(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "en.train.conll").write_text("# newdoc\na O\nb I-X\n\nc I-X\n" + "d O\n" * 30, "utf-8")
    text = FILES.replace("[limits]", 'repair = "conlleval"\n[limits]\ntrain = 1')
    corpus, _ = Data(load(tmp_path, text)).load("en", "train")
    assert str(corpus.changes) == "1 comment lines left out, 2 labels repaired"
    with pytest.raises(CorpusError, match='set repair = "conlleval"'):
        Data(load(tmp_path, FILES)).load("en", "train")


def test_a_parquet_file_has_names_for_its_columns():
    values = {"reader": "parquet", "token_column": "words", "label_column": "tags", "label_names": ["O"]}
    assert parse(FileFormat, values, "here").label_names == ("O",)
    with pytest.raises(ExperimentError, match="the words of conllu are its forms"):
        parse(FileFormat, {"reader": "conllu", "token_column": "lemma"}, "here")
