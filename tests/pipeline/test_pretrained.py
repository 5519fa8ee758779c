"""Experiments with a pretrained encoder, as a person runs them."""

import json

import pytest

from tests.pipeline.tiny import TINY, structkd, write_experiment
from tests.tagger.encoders.tiny_bert import save_tiny_bert

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
        environment = {"STRUCTKD_ENCODERS": str(tmp_path / "encoders"), "HF_HUB_OFFLINE": "1"}
        done = structkd(tmp_path, *arguments, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return command


def experiment(teacher, student):
    head, tail = TINY.split("[student]")
    head = head.replace("hidden = 8\n", teacher)
    tail = tail.replace("hidden = 8\n", student).replace('["baseline", "posterior+top-wk", "exact"]', '["exact"]')
    return f"{head}[student]{tail}"


def test_a_frozen_encoder_runs_once_for_teachers_students_and_experiments(run, tmp_path):
    write_experiment(tmp_path, experiment(FROZEN, FROZEN))
    assert "Features of frozen encoders" in run("distill", "tiny", "--workers", 2)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/features/*.safetensors")}
    assert sorted(path.name.rsplit("-", 1)[0] for path in files) == [
        f"{language}-{split}" for language in ("de", "en") for split in ("dev", "test", "train", "unlabelled")
    ]
    write_experiment(tmp_path, experiment(FROZEN, FROZEN).replace('["exact"]', '["top-k"]'), "another")
    assert "Features" not in run("distill", "another", "--workers", 1)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/features/*.safetensors")} == files
    assert "Nothing to do" in run("distill", "another")
    log = next(tmp_path.glob("runs/another/students/*/log.jsonl")).read_text("utf-8")
    logs = [json.loads(line) for line in log.splitlines()]
    read = next(record for record in logs if record["event"] == "features read")
    assert (read["corpora"], read["bytes"]) == (8, sum(path.stat().st_size for path in files))
    assert read["seconds"] > 0
    assert "whole" in run("verify", *files)
    damaged = next(iter(files))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    assert structkd(tmp_path, "verify", *files).returncode == 1


def test_a_fine_tuned_teacher_and_a_student_without_a_transformer(run, tmp_path):
    write_experiment(tmp_path, experiment(TUNED, 'encoders = [{ kind = "ngrams", dim = 4 }]\nhidden = 8\n'))
    assert "Features" not in run("distill", "tiny", "--workers", 2)
    first = run("report", "tiny", "--format", "md")
    folder = next(tmp_path.glob("runs/tiny/students/exact-*"))
    assert "en" in first
    save_tiny_bert(tmp_path / "encoders" / "tiny-bert", seed=3)
    teachers = set(tmp_path.glob("runs/tiny/teachers/*"))
    run("teachers", "tiny", "--workers", 2)
    assert len(set(tmp_path.glob("runs/tiny/teachers/*")) - teachers) == 2  # another encoder, other teachers
    assert folder.is_dir()
