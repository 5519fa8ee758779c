"""An experiment file for one's own corpora."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from structkd.corpora.sentences import CorpusError
from structkd.pipeline.drafting.draft import draft
from structkd.pipeline.drafting.names import named_files
from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.plan.corpora import Data
from tests.pipeline.tiny import structkd

WORDS = ["Ada", "flew", "to", "New", "York"]
SPANS = {
    "IOB2": ["B-PER", "O", "O", "B-LOC", "I-LOC"],
    "IOB1": ["I-PER", "O", "O", "I-LOC", "I-LOC"],
    "BIOES": ["S-PER", "O", "O", "B-LOC", "E-LOC"],
}
TAGS = ["PROPN", "VERB", "ADP", "PROPN", "PROPN"]


def columns(labels, *, before=()):
    return "".join("\t".join([*(row[place] for row in before), word, label]) + "\n" for place, (word, label) in
                   enumerate(zip(WORDS, labels, strict=True))) + "\n"  # fmt: skip


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def drafted(folder, monkeypatch):
    """Write the draft where it is looked for, and read one corpus with it."""
    monkeypatch.chdir(folder)
    write(folder / "experiments" / "mine.toml", draft([Path("data")]))
    return load_experiment("mine")


def first(experiment, split="train"):
    corpus, _ = Data(experiment).load(experiment.languages[0], split)
    return corpus[0]


@pytest.mark.parametrize("scheme", SPANS)
def test_columns_of_spans(tmp_path, monkeypatch, scheme):
    for language in ("de", "en"):
        for split in ("train", "valid", "test"):
            write(tmp_path / "data" / language / f"{split}.conll", columns(SPANS[scheme]))
    experiment = drafted(tmp_path, monkeypatch)
    assert experiment.languages == ("de", "en")
    assert experiment.corpus.scheme == scheme
    assert first(experiment, "dev").labels == tuple(SPANS["BIOES"])


def test_words_and_labels_among_other_columns(tmp_path, monkeypatch):
    numbers = [str(place) for place in range(1, 6)]
    text = columns(SPANS["IOB2"], before=[numbers, TAGS])
    for split in ("train", "dev", "test"):
        write(tmp_path / "data" / f"nl_{split}.tsv", text + text.replace("York", "Orleans"))
    experiment = drafted(tmp_path, monkeypatch)
    assert experiment.languages == ("nl",)
    assert first(experiment).tokens == tuple(WORDS)
    assert first(experiment).labels == tuple(SPANS["BIOES"])


def test_a_treebank(tmp_path, monkeypatch):
    rows = [f"{i}\t{word}\t_\t{tag}" + "\t_" * 6 for i, (word, tag) in enumerate(zip(WORDS, TAGS, strict=True), 1)]
    for split in ("train", "dev", "test"):
        write(tmp_path / "data" / f"en_ewt-ud-{split}.conllu", "\n".join(["# text = x", *rows]) + "\n\n")
    experiment = drafted(tmp_path, monkeypatch)
    assert (experiment.corpus.reader, experiment.corpus.metric) == ("conllu", "accuracy")
    assert first(experiment).labels == tuple(TAGS)


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_lists_of_words_and_labels(tmp_path, monkeypatch, kind):
    row = {"id": "7", "words": WORDS, "ner_tags": SPANS["IOB2"], "chars": ["a"]}
    for language in ("en", "fr"):
        for split in ("train", "dev", "test"):
            path = tmp_path / "data" / split / f"{language}.{kind}"
            if kind == "jsonl":
                write(path, json.dumps(row) + "\n")
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                pq.write_table(pa.table({key: [value] for key, value in row.items()}), path)
    experiment = drafted(tmp_path, monkeypatch)
    assert experiment.corpus.token_column == "words"
    assert first(experiment).labels == tuple(SPANS["BIOES"])


def test_stray_labels_are_read_as_conlleval_does_and_text_is_found(tmp_path, monkeypatch):
    for language in ("en", "fr"):
        for split in ("train", "dev", "test"):
            write(tmp_path / "data" / language / f"{split}.conll", columns(["B-PER", "O", "O", "I-LOC", "I-LOC"]) +
                  columns(["B-PER", "I-PER", "B-PER", "O", "O"]))  # fmt: skip
    write(tmp_path / "data" / "fr" / "raw.txt", "Une phrase.\n")
    experiment = drafted(tmp_path, monkeypatch)
    assert experiment.corpus.repair == "conlleval"
    assert Data(experiment).texts("fr") == ("unlabelled",)
    assert Data(experiment).texts("en") == ()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["data/en.conll"], "no split in the name"),
        (["data/en/train.conll", "data/en/dev.conll"], "no such file; an experiment needs train, dev and test"),
        (
            ["en/train.conll", "de/train.conll", "old/de.dev.conll"],
            "their names differ in more than language and split",
        ),
        (
            ["en/train.conll", "de/train.parquet"],
            r"files that end in \.conll, \.parquet; an experiment reads one format",
        ),
        (["en/train.conll", "en/valid.conll", "de/dev.conll"], "dev is called dev here and valid elsewhere"),
        (["en/raw.txt"], "found no file of train, dev and test"),
    ],
)
def test_names_that_cannot_be_understood(names, message):
    with pytest.raises(CorpusError, match=message):
        named_files([Path(name) for name in names])


def test_the_command_writes_a_file_that_runs_and_overwrites_none(tmp_path):
    for split in ("train", "dev", "test"):
        write(tmp_path / "data" / "en" / f"{split}.conll", columns(SPANS["IOB2"]))
    done = structkd(tmp_path, "init", "data")
    assert done.returncode == 0, done.stderr
    assert "Next: structkd check mine" in done.stdout
    again = structkd(tmp_path, "init", "data")
    assert again.returncode == 1
    assert "is there already" in again.stderr
    checked = structkd(tmp_path, "check", "mine", "--no-measure", "--strict")
    assert "en dev: 1 of 1 sentences stand in train, too" in checked.stdout
    assert checked.returncode == 1


def test_spans_in_a_column_of_conllu(tmp_path, monkeypatch):
    rows = zip(range(1, 6), WORDS, SPANS["IOB2"], strict=True)
    lines = [
        f"{place}\t{word}\t_\t_\t_\t_\t0\t_\t_\t{'_' if label == 'O' else f'NE={label}'}\n"
        for place, word, label in rows
    ]
    for split in ("train", "dev", "test"):
        write(tmp_path / "data" / "en" / f"{split}.conllu", "".join(lines) + "\n")
    experiment = drafted(tmp_path, monkeypatch)
    assert experiment.corpus.label_column == "misc:NE"
    assert first(experiment).labels == tuple(SPANS["BIOES"])
