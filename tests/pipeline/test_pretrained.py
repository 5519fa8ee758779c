"""Experiments with a pretrained encoder, as a person runs them."""

import json
import re

import pytest

from structkd.ground.records import FeaturesRead, LeftAside, read_journal
from structkd.pipeline.execution.features import run_features
from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.plan.pieces import make_plan
from structkd.tagger.config import TransformerConfig
from structkd.tagger.encoders.pretrained import features_digest
from structkd.tagger.features import FeatureSet
from tests.artifacts.s3 import s3_server
from tests.pipeline.tiny import TINY, structkd, write_experiment
from tests.tagger.encoders.tiny_bert import save_tiny_bert
from tests.tagger.encoders.vector_files import write_text

pytestmark = pytest.mark.long

FROZEN = """encoders = [{ kind = "transformer", model = "tiny-bert", layers = [1, 2], mix = "scalar" }]
hidden = 8
"""
TUNED = """encoders = [
    { kind = "transformer", model = "tiny-bert", frozen = false },
    { kind = "ngrams", dim = 4, buckets = 50 },
]
hidden = 0
"""


@pytest.fixture
def run(tmp_path):
    save_tiny_bert(tmp_path / "encoders" / "tiny-bert")

    def command(*arguments):
        done = structkd(tmp_path, *arguments, env=environment(tmp_path))
        assert done.returncode == 0, done.stderr
        return done.stdout

    return command


def environment(folder):
    return {"STRUCTKD_ENCODERS": str(folder / "encoders"), "HF_HUB_OFFLINE": "1"}


def experiment(teacher, student):
    head, tail = TINY.split("[student]")
    head = head.replace("hidden = 8\n", teacher)
    tail = tail.replace("hidden = 8\n", student).replace('["baseline", "posterior+top-wk", "exact"]', '["exact"]')
    return f"{head}[student]{tail}"


@pytest.mark.slow
def test_machines_share_features_through_a_store(run, tmp_path):
    pytest.importorskip("obstore")
    found = []
    with s3_server() as bucket:
        for command in ("teachers", "distill"):
            machine = tmp_path / command
            machine.mkdir()
            write_experiment(machine, experiment(FROZEN, FROZEN))
            place = ("--runs", "s3://b/kd", "--workers", 1)
            done = structkd(machine, command, "tiny", *place, env=environment(tmp_path) | bucket.environment)
            assert done.returncode == 0, done.stderr
            features = sorted((machine / "runs" / "features").iterdir())
            found.append({path.name: path.read_bytes() for path in features if path.suffix != ".lock"})
    assert len(found[0]) == 2 * 8
    assert found[0] == found[1]  # with the seconds that the first machine's encoder took


@pytest.mark.slow
def test_a_frozen_encoder_runs_once_for_teachers_students_and_experiments(run, tmp_path):
    write_experiment(tmp_path, experiment(FROZEN, FROZEN))
    assert "Features of frozen encoders" in run("distill", "tiny", "--workers", 1)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/features/*.safetensors")}
    assert sorted(path.name.rsplit("-", 1)[0] for path in files) == [
        f"{language}-{split}" for language in ("de", "en") for split in ("dev", "test", "train", "unlabelled")
    ]
    write_experiment(tmp_path, experiment(FROZEN, FROZEN).replace('["exact"]', '["top-k"]'), "another")
    assert "Features" not in run("distill", "another", "--workers", 1)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/features/*.safetensors")} == files
    assert "Nothing to do" in run("distill", "another")
    told = read_journal(next(tmp_path.glob("runs/another/students/*/log.jsonl")))
    read = next(record for record in told if isinstance(record, FeaturesRead))
    assert (read.corpora, read.bytes) == (8, sum(path.stat().st_size for path in files))
    assert read.seconds > 0
    assert run("verify", *sorted(tmp_path.glob("runs/features/*"))).count("whole") == len(files)
    cost = next(iter(files)).with_suffix(".json")
    told = cost.read_text("utf-8")
    cost.write_text("{", "utf-8")
    write_experiment(tmp_path, experiment(FROZEN, FROZEN).replace('["exact"]', '["top-wk"]'), "third")
    assert f"{cost.name}: damaged" in structkd(tmp_path, "distill", "third", env=environment(tmp_path)).stderr
    cost.write_text(told, "utf-8")
    damaged = next(iter(files))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    assert structkd(tmp_path, "verify", *files).returncode == 1


@pytest.mark.slow
def test_each_teacher_may_have_an_encoder_of_its_own(run, tmp_path):
    vectors = tmp_path / "vectors"
    vectors.mkdir()
    for seed, language in enumerate(("en", "de"), 1):
        save_tiny_bert(tmp_path / "encoders" / f"bert-{language}", seed)
        write_text(vectors / f"{language}.vec", [("in", [1.0, seed]), ("Berlin", [seed, 2.0])])
    both = """encoders = [
        { kind = "transformer", model = "bert-{language}", layers = [1] },
        { kind = "static", path = "vectors/{language}.vec" },
    ]
    hidden = 8
    """
    write_experiment(tmp_path, experiment(both, "hidden = 8\n"))
    assert re.search(r"teacher en: vectors/en.vec has \d of \d+ words", run("distill", "tiny", "--workers", 1))
    taggers = [json.loads(path.read_text("utf-8")) for path in tmp_path.glob("runs/tiny/teachers/*/tagger.json")]
    stands_on = sorted(sorted(tagger["pretrained"]) for tagger in taggers)
    assert stands_on == [["bert-de", "vectors/de.vec"], ["bert-en", "vectors/en.vec"]]
    sets = [FeatureSet.open(path) for path in sorted(tmp_path.glob("runs/features/*.safetensors"))]
    assert {(one.path.name[:2], one.encoder) for one in sets} == {
        (
            language,
            features_digest(TransformerConfig(model=str(tmp_path / "encoders" / f"bert-{language}"), layers=(1,))),
        )
        for language in ("en", "de")
    }
    before = set(tmp_path.glob("runs/tiny/teachers/*"))
    write_text(vectors / "de.vec", [("in", [3.0, 1.0]), ("Berlin", [1.0, 2.0])])
    run("teachers", "tiny", "--workers", 1)
    assert [path.name[:2] for path in set(tmp_path.glob("runs/tiny/teachers/*")) - before] == ["de"]


@pytest.mark.slow
def test_what_is_known_of_a_sentence_is_copied_and_for_teachers_from_elsewhere_too(run, tmp_path, monkeypatch):
    write_experiment(tmp_path, experiment(FROZEN, "hidden = 8\n"))
    run("teachers", "tiny", "--workers", 1)
    for path in tmp_path.glob("runs/tiny/teachers/*"):
        path.rename(tmp_path / path.name[:2])
    external = '[[teacher.external.sources]]\nkind = "checkpoint"\nfolder = "{language}"\n'
    text = TINY.replace("[teacher.tagger]", "[teacher.none]").replace("[teacher.none]\nhidden = 8\n", external)
    write_experiment(tmp_path, text, "foreign")
    assert "Features" not in run("teachers", "foreign", "--workers", 1)
    log = next(tmp_path.glob("runs/foreign/teachers/*/log.jsonl")).read_text("utf-8")
    assert '"features read", "corpora": 4' in log

    write_experiment(tmp_path, text.replace("max_tokens = 15", "max_tokens = 15\ntrain = 20"), "fewer")
    (tmp_path / "runs" / "features" / "en-damaged.safetensors").write_bytes(b"nothing")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STRUCTKD_ENCODERS", str(tmp_path / "encoders"))
    monkeypatch.setattr(
        "structkd.tagger.encoders.transformer.TransformerBody", None
    )  # a pass of the encoder would fail
    plan, records = make_plan(load_experiment("fewer")), []
    waiting = [one for one in plan.features if not one.done]
    assert [(one.language, one.split) for one in waiting] == [("en", "train"), ("de", "train")]
    for one in waiting:
        run_features(plan.experiment, [one], records.append)
    assert plan.features == tuple(one for one in plan.features if one.done)
    aside = [record.reason for record in records if isinstance(record, LeftAside)]
    assert len(aside) == 1
    assert "en-damaged.safetensors: not a file of features" in aside[0]


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        ('{ kind = "transformer", model = "tiny-bert", layers = [9] }', "tiny-bert: layers has 9, expected -4 to 3"),
        ('{ kind = "static", path = "ragged.vec" }', "ragged.vec"),
        ('{ kind = "transformer", model = "untokenised", frozen = false }', "untokenised"),
    ],
)
def test_a_students_encoder_that_cannot_be_used_is_found_before_teachers_are_trained(encoder, message, tmp_path):
    folder = save_tiny_bert(tmp_path / "encoders" / "tiny-bert")
    (tmp_path / "encoders" / "untokenised").mkdir()
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "encoders" / "untokenised" / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "ragged.vec").write_text("in 1.0 2.0\nBerlin 1.0\n", "utf-8")
    write_experiment(tmp_path, experiment("hidden = 8\n", f"encoders = [{encoder}]\nhidden = 8\n"))
    done = structkd(tmp_path, "distill", "tiny", env=environment(tmp_path))
    assert done.returncode == 1
    assert message in done.stderr
    assert not list(tmp_path.glob("runs/tiny/teachers/*"))


@pytest.mark.slow
def test_a_fine_tuned_teacher_and_a_student_without_a_transformer(run, tmp_path):
    write_experiment(tmp_path, experiment(TUNED, 'encoders = [{ kind = "ngrams", dim = 4 }]\nhidden = 8\n'))
    assert "Features" not in run("distill", "tiny", "--workers", 1)
    first = run("report", "tiny", "--format", "md")
    folder = next(tmp_path.glob("runs/tiny/students/exact-*"))
    assert "en" in first
    save_tiny_bert(tmp_path / "encoders" / "tiny-bert", seed=3)
    teachers = set(tmp_path.glob("runs/tiny/teachers/*"))
    run("teachers", "tiny", "--workers", 1)
    assert len(set(tmp_path.glob("runs/tiny/teachers/*")) - teachers) == 2  # another encoder, other teachers
    assert folder.is_dir()
