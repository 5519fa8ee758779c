"""Experiments and grids are found by name from any folder: those that lie there first, then those of the package."""

import pytest

from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.experiment.grid import load_grid
from structkd.pipeline.experiment.parsing import ExperimentError
from structkd.pipeline.experiment.places import EXPERIMENTS, GRIDS, search
from tests.pipeline.tiny import TINY, structkd, write_experiment


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_packages_experiments_are_found_from_an_empty_folder():
    assert load_experiment("demo").languages == ("en", "de", "nl", "es")
    assert load_grid("capped").name == "capped"


def test_what_lies_here_comes_first(folder):
    write_experiment(folder, TINY, "demo")
    assert load_experiment("demo").title == "tiny"


def test_a_name_is_a_grid_only_if_no_experiment_here_has_it(folder):
    assert search("capped", EXPERIMENTS, GRIDS).parent.name == "grids"
    write_experiment(folder, TINY, "capped")
    assert search("capped", EXPERIMENTS, GRIDS) == EXPERIMENTS / "capped.toml"


@pytest.mark.parametrize(
    ("load", "name", "message"),
    [
        (load_experiment, "dmo", r"experiments/dmo\.toml: no such experiment; did you mean demo\?"),
        (load_experiment, "dmo", r"\(in experiments: tiny; with structkd: demo, ud, "),
        (load_experiment, "tinny", r"did you mean tiny\?"),
        (load_experiment, "elsewhere/demo.toml", r"elsewhere/demo\.toml: no such experiment"),
        (load_grid, "caped", r"grids/caped\.toml: no such grid; did you mean capped\?"),
        (load_grid, "caped", r"\(in experiments/grids: none; with structkd: capped, "),
    ],
)
def test_an_error_lists_both_places(folder, load, name, message):
    write_experiment(folder)
    with pytest.raises(ExperimentError, match=message):
        load(name)


def test_commands_take_the_packages_files(folder):
    done = structkd(folder, "corpora", "export", "demo", "en", "dev")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 200
    assert "it has main" in structkd(folder, "reproduce", "capped", "--table", "no").stderr
    assert list(folder.iterdir()) == []
