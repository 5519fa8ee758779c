"""Tuning, run as a person runs it."""

import json
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.experiment.grid import load_grid
from structkd.pipeline.experiment.parsing import ExperimentError
from structkd.pipeline.experiment.trials import load_trials, settings_of
from structkd.pipeline.results.rows import read_rows
from tests.pipeline.test_reproduce import GRID, write_grid
from tests.pipeline.tiny import TINY, structkd, write_experiment

pytestmark = pytest.mark.long

TUNE = """
[{place}tune]
trials = 3
seed = 7
systems = ["baseline", "exact"]
over = [
    {{ key = "student.training.learning_rate", low = 1e-3, high = 1e-2 }},
    {{ key = "student.distill.lambda_last", values = [0.0, 1.0] }},
]
"""
TUNED_GRID = GRID.replace("[[tables]]", TUNE.format(place="tasks.two.") + "[[tables]]", 1)


def tune(folder, name="tiny"):
    done = structkd(folder, "tune", name, "--workers", 1)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(folder):
    return read_rows(folder / "results" / "tiny.parquet")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tune")
    write_grid(folder, TUNED_GRID)
    (folder / "said").write_text(tune(folder), "utf-8")
    return folder


def test_every_system_has_as_many_trials_and_none_has_read_test(place):
    found = rows(place).filter(system="teachers").height, Counter(rows(place)["system"])
    assert found == (1, {"teachers": 1, "baseline": 3, "exact": 3})
    students = rows(place).filter(seed=7)
    assert students.height == 6
    assert set(students["task"]) == {"two"}
    assert students["dev"].list.len().to_list() == [1] * 6
    assert students["test"].list.len().to_list() == students["outcomes"].list.len().to_list() == [0] * 6
    for folder in (place / "runs" / "tiny-two" / "students").iterdir():
        assert json.loads((folder / "result.json").read_text())["test"] == {}


@pytest.mark.slow
def test_the_best_trial_is_printed_as_a_table_that_the_grid_can_take(place, tmp_path):
    said = (place / "said").read_text("utf-8")
    scores = {row["system"]: [] for row in rows(place).iter_rows(named=True)}
    for row in rows(place).filter(seed=7).iter_rows(named=True):
        rate = json.loads(row["settings"])["student"]["training"]["learning_rate"]
        scores[row["system"]].append((row["dev"][0]["score"], rate))
    table = said[said.index("[[tables]]") : said.index("]\nresults/") + 1]
    write_grid(tmp_path, TUNED_GRID + "\n" + table)
    (new,) = tomllib.loads(table)["tables"]
    assert [row["system"] for row in new["rows"]] == ["baseline", "exact"]
    for row in new["rows"]:
        rate = row.get("change", {}).get("student", {}).get("training", {}).get("learning_rate", 2e-3)
        best = max(score for score, _ in scores[row["system"]])
        assert (best, rate) in scores[row["system"]]
    done = structkd(tmp_path, "reproduce", "tiny", "--table", "tuned-two", "--workers", 1)
    assert "5 new rows" in done.stdout, done.stderr  # teachers, and two seeds of two systems, scored on test
    assert rows(tmp_path)["test"].list.len().to_list() == [1] * 5


def test_a_second_tuning_runs_nothing_and_says_the_same(place, tmp_path):
    write_grid(tmp_path, TUNED_GRID)
    shutil.copytree(place / "results", tmp_path / "results")
    said = tune(tmp_path)
    assert "no new rows" in said
    assert said.split("results/")[0] in (place / "said").read_text("utf-8")
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_killed_tuning_goes_on_and_ends_with_the_same_rows(place, tmp_path):
    write_grid(tmp_path, TUNED_GRID)
    command = [Path(sys.executable).with_name("structkd"), "tune", "tiny", "--workers", "1"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if "(3 of 6)" in line:
                process.send_signal(signal.SIGKILL)
    kept = rows(tmp_path)
    assert 3 <= kept.height < rows(place).height  # with the teachers', one may be lost
    assert f"{rows(place).height - kept.height} new rows" in tune(tmp_path)
    same = ["key", "settings_digests", "task", "system", "seed", "dev", "test", "curve", "settings"]
    assert rows(tmp_path).select(same).equals(rows(place).select(same))


@pytest.mark.slow
def test_an_experiment_is_tuned_with_its_own_teachers(tmp_path):
    write_experiment(tmp_path, TINY + TUNE.format(place=""))
    said = tune(tmp_path)
    options = re.findall(r"^(?:baseline|exact): (as in the file|--set .*)$", said, re.MULTILINE)
    assert len(options) == 2
    done = structkd(tmp_path, "teachers", "tiny", "--dry-run")
    assert "to do" not in done.stdout
    before = load_experiment(tmp_path / "experiments" / "tiny.toml").digest
    write_experiment(tmp_path, TINY)
    assert load_experiment(tmp_path / "experiments" / "tiny.toml").digest == before  # as if [tune] were not there


def trials(folder, monkeypatch, text):
    write_grid(folder, text)
    monkeypatch.chdir(folder)
    return load_trials("tiny")


def test_systems_share_their_draws_and_more_trials_keep_the_first_ones(tmp_path, monkeypatch):
    (few,) = trials(tmp_path, monkeypatch, TUNED_GRID).tables
    (more,) = trials(tmp_path, monkeypatch, TUNED_GRID.replace("trials = 3", "trials = 9")).tables
    assert set(map(str, few.rows)) < set(map(str, more.rows))
    baseline, exact = ([settings_of(row) for row in more.rows if row.system == one] for one in ("baseline", "exact"))
    assert baseline[0] == exact[0] == {}
    assert all(drawn.keys() == {"student.training.learning_rate"} for drawn in baseline[1:])
    assert [drawn | {"student.distill.lambda_last": 0} for drawn in baseline[1:]] == [
        drawn | {"student.distill.lambda_last": 0} for drawn in exact[1:]
    ]
    assert all(1e-3 <= drawn["student.training.learning_rate"] < 1e-2 for drawn in baseline[1:])
    assert {drawn["student.distill.lambda_last"] for drawn in exact[1:]} == {0.0, 1.0}


def test_a_grid_runs_as_before_where_its_tasks_are_tuned(tmp_path, monkeypatch):
    write_grid(tmp_path, TUNED_GRID)
    monkeypatch.chdir(tmp_path)
    assert [table.name for table in load_grid("tiny").tables] == ["main", "k", "weaker"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("trials = 3", "trial = 3", "trial: unknown key; did you mean trials?"),
        ("training.learning_rate", "training.learning_rat", "learning_rat: unknown key; did you mean learning_rate?"),
        ('"student.training.learning_rate"', '"teacher.seed"', "expected a setting of student.tagger"),
        ('"student.training.learning_rate"', '"student.test"', "expected a setting of student.tagger"),
        ("low = 1e-3", "low = 1", "low = 1 should be below high = 0.01"),
        ("values = [0.0, 1.0]", "low = 0.5", "student.distill.lambda_last: give it values, or low and high"),
        ("low = 1e-3, high = 1e-2", "values = [0.1, 0.2]", None),
        ("low = 1e-3, high = 1e-2", "values = [0.1]", "3 trials, but only 2 different settings for baseline"),
        ('"baseline", "exact"]\nover', '"exact", "exact"]\nover', "found exact twice; name it once"),
        ("[tasks.two.tune]", "[[tables]]", "unknown key"),
    ],
    ids=str,
)
def test_a_mistake_is_named_with_its_place(tmp_path, monkeypatch, old, new, message):
    assert old in TUNED_GRID
    text = TUNED_GRID.replace(old, new, 1)
    if message is None:
        trials(tmp_path, monkeypatch, text)
    else:
        with pytest.raises(ExperimentError) as error:
            trials(tmp_path, monkeypatch, text)
        assert message in str(error.value)


def test_what_tunes_nothing_says_how_to(tmp_path):
    write_grid(tmp_path)
    done = structkd(tmp_path, "tune", "tiny", "--workers", 1)
    assert done.returncode == 1
    assert "tiny: found no table tune, which says what to try; add [tune] to an experiment" in done.stderr
