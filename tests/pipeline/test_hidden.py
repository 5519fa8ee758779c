"""Hidden states from an experiment's file to a student, by the command line."""

import json
import shutil

import pytest

from structkd.artifacts.reader import ArtifactSet
from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.plan.pieces import make_plan
from tests.pipeline.tiny import TINY, contents, structkd, write_experiment

pytestmark = pytest.mark.long

STATES = TINY.replace("k = 4", "k = 4\nhidden = 6").replace('"baseline", "posterior+top-wk", "exact"', '"posterior"')
STAGED = STATES + "\n[student.distill]\nhidden_updates = 8\n"


@pytest.mark.slow
def test_a_student_learns_states_that_its_teachers_wrote(tmp_path):
    write_experiment(tmp_path, STAGED)
    done = structkd(tmp_path, "distill", "tiny")
    assert done.returncode == 0, done.stderr
    runs = tmp_path / "runs" / "tiny"
    for teacher in (runs / "teachers").iterdir():
        kept = json.loads((teacher / "hidden6.json").read_text())["basis"]
        mine = [ArtifactSet.open(path) for path in (runs / "artifacts").glob(f"{teacher.name[:2]}-*")]
        assert len(mine) == 2
        assert all(one.header.hidden.model_dump() == kept for one in mine)
        assert structkd(tmp_path, "verify", *(one.folder for one in mine)).returncode == 0
        assert "6 of 16 dimensions" in structkd(tmp_path, "inspect", mine[0].folder).stdout
    (result,) = (runs / "students").glob("*/result.json")
    assert [update for update, _, _ in json.loads(result.read_text())["curve"]] == [10, 20]
    before = contents(runs / "artifacts")
    shutil.rmtree(runs / "artifacts")
    next((runs / "teachers").glob("en-*/hidden6.json")).write_text("{}")  # fitted again, to the same numbers
    assert structkd(tmp_path, "teachers", "tiny").returncode == 0
    assert contents(runs / "artifacts") == before


def test_what_cannot_be_is_refused_before_anything_is_trained(tmp_path):
    for text, reason in {
        TINY + "\n[student.distill]\nhidden_updates = 8\n": "set teacher.annotation.hidden, for example to 64",
        STATES + "\n[student.distill]\nhidden_updates = 20\n": "found 20 of 20 updates",
    }.items():
        write_experiment(tmp_path, text)
        refused = structkd(tmp_path, "distill", "tiny")
        assert refused.returncode == 1
        assert reason in " ".join(refused.stderr.split())
    assert not (tmp_path / "runs").exists()


def test_only_sets_and_staged_students_get_other_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    experiments = []
    for name, text in {"plain": TINY, "states": TINY.replace("k = 4", "k = 4\nhidden = 6")}.items():
        write_experiment(tmp_path, text, name)
        experiments.append(load_experiment(name))
    plain, states = experiments
    assert plain.teachers_digest == states.teachers_digest
    assert plain.student_digest("baseline", 1) == states.student_digest("baseline", 1)
    assert "hidden" not in plain.teacher.annotation.model_dump()
    for one, other in zip(make_plan(plain).teachers, make_plan(states).teachers, strict=True):
        assert one.folder.name == other.folder.name
        assert {path.name for path in one.sets}.isdisjoint(path.name for path in other.sets)
