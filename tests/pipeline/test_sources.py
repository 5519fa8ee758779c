"""Teachers from elsewhere, as a person uses them: what they say reaches the shards, and mistakes are named."""

import json

import numpy as np
import pytest

from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows
from structkd.pipeline.execution.teach import task_labels
from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.plan.corpora import Data
from tests.pipeline.tiny import TINY, structkd, write_experiment

pytestmark = pytest.mark.long

EXTERNAL = """
[teacher.external]
combine = "mean"

[[teacher.external.sources]]
kind = "predictions"
path = "predictions/{language}.{split}.jsonl"
scheme = "BIOES"

[[teacher.external.sources]]
kind = "checkpoint"
folder = "one-for-all"
languages = ["de"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A trained student, and predictions that are sure of the gold labels, or of nothing where there are none."""
    folder = tmp_path_factory.mktemp("sources")
    write_experiment(folder, TINY.replace('["baseline", "posterior+top-wk", "exact"]', '["baseline"]'))
    assert structkd(folder, "distill", "tiny", "--workers", 1).returncode == 0
    next(folder.glob("runs/tiny/students/baseline-*")).rename(folder / "one-for-all")
    experiment = load_experiment(str(folder / "experiments" / "tiny.toml"))
    labels = task_labels(experiment)
    (folder / "predictions").mkdir()
    for language in ("en", "de"):
        for split in ("train", "dev", "test", "unlabelled"):
            rows = [predicted(sentence, labels) for sentence in Data(experiment).load(language, split)[0]]
            path = folder / "predictions" / f"{language}.{split}.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    write_experiment(folder, TINY.replace("[student]", f"{EXTERNAL}\n[student]", 1), "foreign")
    return folder


def predicted(sentence, labels):
    probabilities = np.full((len(sentence), len(labels)), 0.1 / (len(labels) - 1))
    likeliest = [labels.index(label) for label in sentence.labels or ["O"] * len(sentence)]
    probabilities[np.arange(len(sentence)), likeliest] = 0.9
    return {"tokens": sentence.tokens, "labels": labels, "probabilities": probabilities.tolist()}


@pytest.mark.slow
def test_what_they_say_reaches_the_shards_and_the_students(folder):
    done = structkd(folder, "distill", "foreign", "--workers", 1)
    assert done.returncode == 0, done.stderr
    rows = DecodedRows(ArtifactSet.open(next(folder.glob("runs/foreign/artifacts/en-*"))).table())
    best = rows.log_posteriors.argmax(-1)
    inside = rows.has_gold[:, None] & (np.arange(best.shape[1]) < rows.lengths[:, None])
    assert (best == rows.gold)[inside].all()
    np.testing.assert_allclose(np.exp(rows.log_posteriors.max(-1))[inside], 0.9, atol=2e-3)
    table = ArtifactSet.open(next(folder.glob("runs/foreign/artifacts/en-*"))).table(["tokens", "seen", "teacher"])
    assert table["seen"].null_count == len(table)
    report = structkd(folder, "report", "foreign", "--format", "md").stdout
    assert "| teachers | 100.00 |" in report
    assert "Nothing to do" in structkd(folder, "distill", "foreign").stdout


def test_a_changed_file_is_another_teacher(folder):
    before = set(folder.glob("runs/foreign/artifacts/en-*"))
    path = folder / "predictions" / "en.dev.jsonl"
    path.write_text(path.read_text("utf-8").replace("0.9", "0.90"), "utf-8")
    assert structkd(folder, "teachers", "foreign", "--workers", 1).returncode == 0
    new = set(folder.glob("runs/foreign/artifacts/en-*")) - before
    assert sorted(path.name.split("-")[1] for path in new) == ["train", "unlabelled"]


@pytest.mark.slow
def test_predictions_on_disk_are_not_asked_about_languages_that_nobody_is_trained_on(folder):
    (folder / "corpora" / "zeroshot" / "wikiann").mkdir(parents=True)
    (folder / "corpora" / "zeroshot" / "wikiann" / "fi.tsv").write_text("Turku\tB-LOC\n\n", "utf-8")
    zero_shot = '[zero_shot]\nname = "zeroshot-wikiann"\nlanguages = ["fi"]\n'
    text = TINY.replace("[student]", f"{EXTERNAL}\n{zero_shot}\n[student]", 1).replace(
        ', "posterior+top-wk", "exact"', ""
    )
    write_experiment(folder, text, "abroad")
    environment = {"STRUCTKD_CORPORA": str(folder / "corpora")}
    done = structkd(folder, "distill", "abroad", "--workers", 1, env=environment)
    assert done.returncode == 0, done.stderr
    scores = [json.loads(path.read_text("utf-8"))["zero_shot"] for path in folder.glob("runs/abroad/*/*/result.json")]
    assert sorted(map(list, scores)) == [[], [], ["fi"]]  # two teachers and the student
    assert structkd(folder, "report", "abroad", "--format", "md", env=environment).returncode == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "predictions"', 'kind = "predictions"\nlanguages = ["fr"]', "none serves 'en', only de, fr"),
        ("predictions/{language}", "nowhere/{language}", "nowhere/en.train.jsonl: no such file"),
        ("{language}.{split}", "de.{split}", "de.dev.jsonl: row 0: its tokens are ['"),
        (
            "{language}.{split}",
            "{language}",
            "teacher.external: found path = 'predictions/{language}.jsonl'; a file is of",
        ),
        ("[teacher.external]", "[teacher]\nfolds = 2\n[teacher.external]", "they are not trained here"),
    ],
)
def test_a_mistake_is_named(folder, old, new, message):
    write_experiment(folder, TINY.replace("[student]", EXTERNAL.replace(old, new) + "\n[student]", 1), "mistaken")
    done = structkd(folder, "teachers", "mistaken", "--workers", 1)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_exported_corpus_is_what_teachers_are_asked_about(folder):
    done = structkd(folder, "corpora", "export", "tiny", "en", "dev")
    corpus, _ = Data(load_experiment(str(folder / "experiments" / "tiny.toml"))).load("en", "dev")
    expected = [{"tokens": list(sentence.tokens), "gold": list(sentence.labels)} for sentence in corpus]
    assert [json.loads(line) for line in done.stdout.splitlines()] == expected


def test_exporting_what_is_not_there_names_what_is(folder):
    done = structkd(folder, "corpora", "export", "tiny", "fr", "train")
    assert done.returncode == 1
    assert "tiny has no fr train; it has en: train, dev, test, unlabelled; de: train" in done.stderr
