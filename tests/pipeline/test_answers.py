"""Whose answers students learn from: a joint teacher's, the mean's of it and the monolingual ones, or the folds'."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from structkd.artifacts.reader import ArtifactSet
from structkd.pipeline.execution.engines import InProcess
from structkd.pipeline.execution.progress import choose_display
from structkd.pipeline.execution.stages import run_teachers
from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.experiment.parsing import ExperimentError
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.pieces import make_plan, only
from structkd.pipeline.results.calibrations import plan_calibrations, text_cells
from structkd.pipeline.results.findings import plan_findings
from structkd.pipeline.results.result import load_result
from tests.pipeline.tiny import TINY, contents, structkd, write_experiment

MORTAL = Path(__file__).with_name("mortal.py")
ROOT = Path(__file__).parents[2]
SETTINGS = {
    "joint": 'answers = "joint"',
    "mean": 'answers = "mean"\njoint_training = { updates = 30, evaluate_every = 10 }',
    "folds": 'answers = "folds"\nfolds = 2',
}


def with_teacher(setting, text=TINY):
    return text.replace("[teacher.tagger]", f"[teacher]\n{setting}\n[teacher.tagger]")


@pytest.fixture
def plans(tmp_path, monkeypatch):
    """The plans of all settings, and of the plain experiment, by name."""
    monkeypatch.chdir(tmp_path)
    found = {}
    for name, setting in {"plain": "", **SETTINGS, "crossed": "folds = 2"}.items():
        write_experiment(tmp_path, with_teacher(setting))
        found[name] = make_plan(load_experiment("tiny"))
    return found


def names(teachers):
    return [teacher.name for teacher in teachers]


def test_teachers_are_those_that_the_answers_need(plans):
    both = ["all languages", "en joint", "de joint"]
    folds = [f"{language} fold {fold} of 2" for language in ("en", "de") for fold in (1, 2)]
    assert names(plans["joint"].teachers) == both
    assert names(plans["mean"].teachers) == ["en", "de", *both, "en mean", "de mean"]
    assert names(plans["folds"].teachers) == [*folds, "en mean", "de mean"]
    answering = {name: names(plan.answering) for name, plan in plans.items()}
    assert answering["joint"] == ["en joint", "de joint"]
    assert answering["mean"] == answering["folds"] == ["en mean", "de mean"]
    assert answering["plain"] == answering["crossed"] == ["en", "de"]


def test_students_read_each_text_once_from_who_answers(plans):
    read = {
        name: [place.name.rpartition("-")[0] for place in plan.students[1].artifacts] for name, plan in plans.items()
    }
    assert read["joint"] == ["en-joint-train", "de-joint-train", "en-joint-unlabelled", "de-joint-unlabelled"]
    assert read["mean"] == ["en-mean-train", "de-mean-train", "en-mean-unlabelled", "de-mean-unlabelled"]
    folds = [f"{language}-fold{fold}of2-train" for language in ("en", "de") for fold in (1, 2)]
    assert read["folds"] == [*folds, "en-mean-unlabelled", "de-mean-unlabelled"]


def test_what_two_settings_share_has_one_name(plans):
    folders = {name: {teacher.folder for teacher in plan.teachers} for name, plan in plans.items()}
    assert folders["plain"] < folders["mean"]
    assert len(folders["folds"] & folders["crossed"]) == 4
    keys = {name: plan.students[0].key for name, plan in plans.items()}
    assert len(set(keys.values())) == 1  # the baseline learns from no teacher
    assert len({plan.students[1].key for plan in plans.values()}) == len(plans)


def test_the_pieces_of_one_language_are_those_of_the_whole_run(plans):
    some = only(plans["mean"], ["de"])
    assert names(some.teachers) == ["de", "all languages", "de joint", "de mean"]
    assert {teacher.folder for teacher in some.teachers} < {teacher.folder for teacher in plans["mean"].teachers}


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ('answers = "folds"', "folds does not fit teacher.answers = folds; expected at least 2"),
        ('answers = "mean"\nfolds = 2', "folds does not fit teacher.answers = mean; expected 0"),
        ('answers = "mean"\nheld_out = false', "held_out does not fit"),
        ('answers = "joint"\nannotation = { hidden = 4 }', "each teacher has hidden states of its own"),
        (
            "joint_training = { updates = 3 }",
            "joint_training is for teacher.answers = joint or mean; found monolingual",
        ),
    ],
)
def test_answers_that_cannot_be_made_are_refused(tmp_path, monkeypatch, setting, reason):
    monkeypatch.chdir(tmp_path)
    write_experiment(tmp_path, with_teacher(setting, TINY.replace("[teacher.annotation]\nk = 4\n", "")))
    with pytest.raises(ExperimentError, match=reason):
        load_experiment("tiny")


@pytest.mark.long
@pytest.mark.parametrize("name", ["mean", *(pytest.param(name, marks=pytest.mark.slow) for name in ("folds", "joint"))])
def test_both_stages_with_scores_of_who_answers(tmp_path, monkeypatch, name):
    write_experiment(tmp_path, with_teacher(SETTINGS[name]))
    done = structkd(tmp_path, "distill", "tiny")
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    plan = make_plan(load_experiment("tiny"))
    assert all(piece.done for piece in (*plan.teachers, *plan.students))
    (row,) = plan_findings(plan).tasks[0].entries["teachers"].to_dicts()
    for teacher in plan.answering:
        result, language = load_result(teacher.folder), teacher.language
        assert [one["score"] for one in row["test"] if one["language"] == language] == [result.test[language]]
        sizes = ArtifactSet.open(teacher.held_out).header.provenance["sentences"]
        assert len(result.outcomes[language].gold) == sizes["test"]
    assert row["parameters"] == sum(
        load_result(one.folder).parameters for one in plan.teachers if not (one.joint or one.parts)
    )
    data = Data(plan.experiment)
    for language in plan.experiment.languages:
        words = {cells[1]: 0 for cells in text_cells(plan_calibrations(plan))}
        for cells in text_cells(plan_calibrations(plan)):
            words[cells[1]] += int(cells[3]) if cells[0] == language else 0
        corpora = {split: data.load(language, split)[0].tokens for split in ("train", "dev", "test", "unlabelled")}
        assert words["train"] == corpora["train"]
        assert words["dev, test"] == corpora["dev"] + corpora["test"]
        assert words["unlabelled"] == corpora["unlabelled"]
    assert structkd(tmp_path, "verify", *(place for teacher in plan.teachers for place in teacher.sets)).returncode == 0
    assert "are up to date" in structkd(tmp_path, "distill", "tiny").stdout


@pytest.mark.slow
def test_experiments_that_share_teachers_get_all_their_sets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plans = []
    for setting in ("folds = 2", SETTINGS["folds"], 'folds = 2\nannotation.paths = "sampled"'):
        write_experiment(tmp_path, with_teacher(setting, TINY.replace("[teacher.annotation]\nk = 4\n", "")))
        plans.append(make_plan(load_experiment("tiny")))
    run_teachers(plans, InProcess(), choose_display(Console(file=StringIO())))
    assert len({teacher.folder for plan in plans for teacher in plan.teachers}) == 8
    for teacher in (teacher for plan in plans for teacher in plan.teachers):
        assert all(ArtifactSet.open(place).rows for place in teacher.sets)


@pytest.mark.slow
def test_a_run_that_is_killed_while_it_writes_a_mean_ends_as_one_that_is_not(tmp_path):
    small = TINY.replace("k = 4", "k = 4\nshard_rows = 10").replace('["en", "de"]', '["de"]')
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
        write_experiment(tmp_path / name, with_teacher(SETTINGS["mean"], small))
    assert structkd(tmp_path / "whole", "teachers", "tiny").returncode == 0
    place = ["structkd.teachers.sources.sets", "SetSource", "chain", 5]
    command = [sys.executable, MORTAL, *place, "teachers", "tiny", "--workers", 1]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    child = subprocess.run(
        list(map(str, command)), cwd=tmp_path / "killed", env=environment, capture_output=True, text=True
    )
    assert child.returncode == -9, child.stderr
    assert structkd(tmp_path / "killed", "teachers", "tiny").returncode == 0
    for kind in ("artifacts", "heldout"):
        assert contents(tmp_path / "killed/runs/tiny" / kind) == contents(tmp_path / "whole/runs/tiny" / kind)
    scores = [
        [json.loads(path.read_text())["test"] for path in sorted((tmp_path / name).rglob("*-mean-*/result.json"))]
        for name in ("killed", "whole")
    ]
    assert scores[0] == scores[1] != []
