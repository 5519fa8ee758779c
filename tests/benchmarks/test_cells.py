"""Cells of a grid in one queue: what is missing is run, what fails is told of, and time is kept."""

from pathlib import Path

import pytest

from benchmarks.gpu.cells import Cell, cells_of, finished_rows, run_cells
from structkd.pipeline.execution.reproduce import planned_entries
from structkd.pipeline.experiment.grid import load_grid, rows_path
from structkd.pipeline.results.rows import read_rows

GRID = """
title = "tiny"
seeds = [1, 2]

[defaults]
limits = { max_tokens = 15 }
teacher = { tagger = { hidden = 8 }, training = { updates = 10, evaluate_every = 10 } }
student = { tagger = { hidden = 8 }, training = { updates = 10, evaluate_every = 10 } }

[tasks.demo]
languages = ["en"]
corpus = { name = "demo", train = { en = 30 }, dev = 10, test = 10 }

[[tables]]
name = "x"
title = "x"
rows = ["baseline", "posterior"]
"""


def planned():
    grid = load_grid("tiny")
    return rows_path(grid), [one for table in grid.tables for one in planned_entries(grid, table)]


@pytest.mark.slow
def test_a_grid_is_finished_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("experiments/grids").mkdir(parents=True)
    Path("experiments/grids/tiny.toml").write_text(GRID, "utf-8")
    path, entries = planned()
    cells = cells_of(entries, set())
    assert [bool(cell.after) for cell in sorted(cells)] == [False, True, True, True, True]
    run_cells(cells, 2, 200.0, lambda: finished_rows(entries, path))
    assert len(read_rows(path)) == 5
    assert cells_of(planned()[1], set(read_rows(path)["key"])) == []


def fail(log):
    raise ValueError("the reason")


def test_what_fails_is_told_of_and_what_waits_for_it_is_left_out(tmp_path, capsys):
    def cell(place, name, run, after=()):
        return Cell((place,), tmp_path / "t" / "x" / name, run, frozenset(tmp_path / "t" / "x" / one for one in after))

    kept = []
    cells = [cell(0, "bad", fail), cell(1, "good", Write(tmp_path / "good")), cell(2, "later", fail, ["bad"])]
    run_cells(cells, 1, 100.0, lambda: kept.append(1))
    assert (tmp_path / "good").is_file()
    assert kept
    told = capsys.readouterr().out
    assert "the reason" in told
    assert "later" not in told


class Write:
    """A picklable job."""

    def __init__(self, path):
        self.path = path

    def __call__(self, log):
        self.path.write_text("done", "utf-8")
