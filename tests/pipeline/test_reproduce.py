"""A grid, run as a person runs it."""

import json
import re
import shutil
import signal
import subprocess
import sys
from operator import contains
from pathlib import Path

import polars as pl
import pytest

from structkd.pipeline.execution.reproduce import planned_entries
from structkd.pipeline.experiment.grid import entries, load_grid
from structkd.pipeline.experiment.parsing import ExperimentError
from structkd.pipeline.experiment.selection import chosen_tables
from structkd.pipeline.results.findings import grid_findings
from structkd.pipeline.results.rows import SCHEMA, RowError, add_rows, read_rows
from tests.pipeline.tiny import contents, structkd

pytestmark = pytest.mark.long

GRID = """
title = "Tiny"
seeds = [1, 2]

[defaults]
corpus = { name = "demo", train = { en = 40, de = 30 }, dev = 10, test = 12, unlabelled = 10 }
limits = { max_tokens = 60 }
augmented = { copies = 1 }
teacher = { tagger = { hidden = 8 }, training = { updates = 10, evaluate_every = 5 }, annotation = { k = 4 } }
student = { tagger = { hidden = 8 }, training = { updates = 10, evaluate_every = 5 } }

[tasks.one]
languages = ["en", "de"]

[tasks.two]
languages = ["de"]

[[tables]]
name = "main"
title = "All systems"
rows = ["baseline", "exact"]

[[tables]]
name = "k"
title = "Score against K"
tasks = ["two"]
seeds = [1]
sweep = { label = "K", key = "student.distill.k", values = [1, 3] }
rows = [
    "baseline",
    "top-k",
    { label = "longer", system = "baseline", change = { student.training.updates = 12 } },
]

[[tables]]
name = "weaker"
title = "Weaker teachers"
tasks = ["two"]
teachers_by_seed = true
change = { teacher.tagger.hidden = 4 }
rows = ["baseline", "exact"]
"""
# main: 2 tasks x (2 rows x 2 seeds + teachers); k: 2 points of top-k, longer; weaker: 2 seeds of exact, and of teachers
ROWS = {"main": 10, "k": 3, "weaker": 4}


def write_grid(folder, text=GRID):
    (folder / "experiments" / "grids").mkdir(parents=True, exist_ok=True)
    (folder / "experiments" / "grids" / "tiny.toml").write_text(text, "utf-8")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grid")
    write_grid(folder)
    done = structkd(folder, "reproduce", "tiny")
    assert done.returncode == 0, done.stderr
    assert f"results/tiny.parquet: {sum(ROWS.values())} new rows" in done.stdout
    return folder


def rows(folder):
    return read_rows(folder / "results" / "tiny.parquet")


@pytest.fixture
def grid(place, monkeypatch):
    monkeypatch.chdir(place)
    return load_grid("tiny")


def test_every_cell_of_every_table_has_its_row_and_shared_ones_are_run_once(place, grid):
    found = rows(place)
    assert found["key"].is_unique().all()
    known = {(row["key"], row["task"], row["system"], row["seed"]) for row in found.iter_rows(named=True)}
    planned = [one for table in grid.tables for one in planned_entries(grid, table)]
    cells = {
        (student.key, one.entry.task, student.system, student.seed) for one in planned for student in one.plan.students
    }
    teachers = {(one.teachers_key, one.entry.task, "teachers", one.entry.experiment.teacher.seed) for one in planned}
    assert known == cells | teachers


def test_a_row_says_what_was_measured(place):
    for row in rows(place).iter_rows(named=True):
        languages = {"one": ["en", "de"], "two": ["de"]}[row["task"]]
        assert [score["language"] for score in row["test"]] == languages
        assert [outcome["language"] for outcome in row["outcomes"]] == languages
        for score, outcome in zip(row["test"], row["outcomes"], strict=True):
            right, predicted, gold = (sum(outcome[name]) for name in ("right", "predicted", "gold"))
            assert len(outcome["right"]) == 12
            assert gold > 0
            assert score["score"] == pytest.approx(200 * right / (predicted + gold))
        assert row["seconds"] > 0
        assert row["peak_memory"] > 10_000_000
        assert row["bytes"] > 0
        assert row["device"] == "cpu"
        assert json.loads(row["versions"])["torch"]
        if row["system"] == "teachers":
            assert {part["text"] for part in row["calibration"]} == {"train", "dev, test", "unlabelled", "augmented"}
            assert row["annotation_seconds"] > 0
        else:
            assert [point["update"] for point in row["curve"]][:2] == [5, 10]
            assert json.loads(row["settings"])["student"]["systems"] == [row["system"]]


def test_rows_that_are_there_are_not_run_again_and_need_no_runs_folder(place, tmp_path):
    write_grid(tmp_path)
    shutil.copytree(place / "results", tmp_path / "results")
    before = contents(tmp_path)
    done = structkd(tmp_path, "reproduce", "tiny", env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert "no new rows" in done.stdout
    assert " torch" not in done.stderr
    assert contents(tmp_path) == before


@pytest.mark.slow
def test_a_missing_row_alone_is_run(place, tmp_path):
    write_grid(tmp_path)
    path, found = tmp_path / "results" / "tiny.parquet", rows(place)
    lacking = found.filter((pl.col("task") != "two") | (pl.col("system") != "top-k") | (pl.col("seed") != 1))
    path.parent.mkdir()
    lacking.write_parquet(path)
    done = structkd(tmp_path, "reproduce", "tiny", "--table", "main")
    assert "no new rows" in done.stdout
    assert not (tmp_path / "runs").exists()
    dry = structkd(tmp_path, "reproduce", "tiny", "--dry-run")
    assert "tiny: 2 students have no row" in dry.stdout
    assert [line.split()[1:8:2] for line in dry.stdout.splitlines() if "top-k" in line] == [
        ["k", "two", "top-k", "1"]
    ] * 2
    assert not (tmp_path / "runs").exists()
    done = structkd(tmp_path, "reproduce", "tiny", "--table", "k", "--workers", 1)
    assert "2 new rows" in done.stdout
    again = rows(tmp_path)
    same = ["key", "task", "system", "seed", "dev", "test", "outcomes", "curve", "bytes"]
    assert again.select(same).equals(found.select(same))


def test_a_part_of_a_grid_is_chosen_by_task_system_and_seed(grid):
    whole = {cell for table in grid.tables for cell in cells_of(grid, table)}
    for tasks in (None, ["two"]):
        for systems in (None, ["baseline"], ["exact", "top-k"]):
            for seeds in (None, [2]):
                found = [
                    cell for table in chosen_tables(grid, None, tasks, systems, seeds) for cell in cells_of(grid, table)
                ]
                wanted = (tasks or ["one", "two"], systems or ["baseline", "exact", "top-k"], seeds or [1, 2])
                assert set(found) == {cell for cell in whole if all(map(contains, wanted, cell[2:]))}


def cells_of(grid, table):
    """The table, row, task, system and seed of each cell."""
    for entry in entries(grid, table):
        yield from (
            (table.name, entry.label, entry.task, entry.system, seed) for seed in entry.experiment.student.seeds
        )


def test_a_part_that_a_grid_does_not_have(grid):
    for options, found in (
        ({"tables": ["man"]}, "grid tiny has no table man; it has main, k, weaker"),
        ({"tasks": ["three"]}, "grid tiny has no task three; it has one, two"),
        ({"systems": ["emission"]}, "grid tiny has no system emission; it has baseline, exact, top-k"),
        ({"seeds": [3]}, "grid tiny has no seed 3; it has 1, 2"),
        ({"tables": ["k"], "seeds": [2]}, "no table has a row of these tasks, systems and seeds together"),
    ):
        with pytest.raises(ExperimentError, match=re.escape(found)):
            chosen_tables(grid, **options)


@pytest.mark.slow
def test_a_killed_grid_keeps_its_rows_and_goes_on(place, tmp_path):
    write_grid(tmp_path)
    command = [Path(sys.executable).with_name("structkd"), "reproduce", "tiny", "--table", "main", "--workers", "1"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if "exact seed 1" in line and "finished" in line:
                process.send_signal(signal.SIGKILL)
    kept = rows(tmp_path)
    assert {"teachers", "baseline"} <= set(kept["system"])
    assert len(kept) < ROWS["main"]
    done = structkd(tmp_path, "reproduce", "tiny", "--table", "main")
    assert done.returncode == 0, done.stderr
    assert f": {ROWS['main'] - len(kept)} new rows" in done.stdout
    again = rows(tmp_path).filter(pl.col("key").is_in(kept["key"].to_list()))
    assert again.equals(kept)


def test_the_report_of_a_grid_is_one_page_of_its_tables(place):
    done = structkd(place, "report", "tiny", "--sentences", 3)
    assert done.returncode == 0, done.stderr
    page = (place / "runs" / "tiny" / "report.html").read_text("utf-8")
    for title in ("All systems", "Score against K", "Weaker teachers", "Learning curves", "What it costs"):
        assert title in page
    assert page.count('"predictions"') == 2 * 3 + 3  # en and de of task one, de of task two


@pytest.mark.slow
def test_the_report_of_a_grid_needs_its_rows_alone(place, tmp_path):
    write_grid(tmp_path)
    shutil.copytree(place / "results", tmp_path / "results")
    lines = structkd(tmp_path, "report", "tiny", "--format", "md").stdout.splitlines()
    assert "| system | one | gap closed | two | gap closed |" in lines or "| system | one | two |" in lines
    names = [line.split(" | ")[0] for line in lines if line.startswith("| top-k, K = ")]
    assert names == ["| top-k, K = 1", "| top-k, K = 3"]
    latex = structkd(tmp_path, "report", "tiny", "--format", "latex").stdout
    assert r"\toprule" in latex
    assert r"$\pm$: standard deviation over seeds" in latex
    assert structkd(tmp_path, "report", "tiny", "--output", tmp_path / "a.html").returncode == 0
    assert (tmp_path / "a.html").stat().st_size > 10_000
    assert structkd(tmp_path, "report", "tiny", "--format", "png").returncode == 0
    assert (tmp_path / "runs" / "tiny" / "report.png").read_bytes().startswith(b"\x89PNG")
    refused = structkd(tmp_path, "report", "tiny", "--format", "md", "--output", "a", env={"COLUMNS": "200"})
    assert "send it to a file" in refused.stderr


def test_a_grid_without_rows_has_no_report(tmp_path):
    write_grid(tmp_path)
    done = structkd(tmp_path, "report", "tiny")
    assert done.returncode == 1
    assert "nothing is finished; run `structkd reproduce tiny`" in done.stderr


def test_changes_are_merged_in_order(grid):
    main, k, weaker = grid.tables
    assert {entry.experiment.student.training.updates for entry in entries(grid, main)} == {10}
    longer = [entry.experiment.student for entry in entries(grid, k) if entry.label == "longer"]
    assert {(student.training.updates, student.training.evaluate_every) for student in longer} == {(12, 5)}
    assert [entry.experiment.student.distill.k for entry in entries(grid, k)] == [1, 3] * 3
    assert {entry.experiment.teacher.tagger.hidden for entry in entries(grid, weaker)} == {4}
    seeds = [(entry.label, entry.experiment.teacher.seed, *entry.seeds) for entry in entries(grid, weaker)]
    assert seeds == [("baseline", 1, 1), ("baseline", 2, 2), ("exact", 1, 1), ("exact", 2, 2)]


def test_students_of_a_seed_learn_from_teachers_of_that_seed(place, grid):
    weaker = grid.tables[2]
    read = {
        one.entry.seeds: one.plan.students[0].artifacts
        for one in planned_entries(grid, weaker, place / "runs")
        if one.entry.system == "exact"
    }
    assert read[(1,)] != read[(2,)]
    (task,) = grid_findings(grid)[2].tasks
    assert {label: cells["seed"].to_list() for label, cells in task.entries.items()} == {
        "teachers": [1, 2],
        "baseline": [1, 2],
        "exact": [1, 2],
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds = [1, 2]\n", "seed = [1, 2]\n", "seed: unknown key; did you mean seeds?"),
        ('languages = ["de"]', "languages = []", "task two, row baseline:\n  languages:"),
        ("student.training.updates = 12", "student.training.update = 12", "student.training.update: unknown key"),
        ('tasks = ["two"]\nseeds', 'tasks = ["three"]\nseeds', "table k has tasks three; the grid has one, two"),
        ('tasks = ["two"]\nseeds', "tasks = 3\nseeds", "tables.1.tasks: input should be a valid dictionary"),
        ('"baseline", "exact"]', '"baseline", "exakt"]', "tables.0.rows.1.system"),
        ('"baseline", "exact"]', '"exact", "exact"]', "tables.0.rows: found exact twice; name it once"),
        ('"baseline", "exact"]', '{ label = "baseline", system = "exact" }]', "found label baseline for system exact"),
        ('name = "k"', 'name = "main"', "tables: found main twice; name it once"),
        (
            '"student.distill.k"',
            '"student.tagger.hidden"',
            "table k sweeps student.tagger.hidden, on which its baseline",
        ),
        (
            '"student.distill.k"',
            '"teacher.seed"',
            "table k sweeps teacher.seed, on which its baseline or teachers depend",
        ),
    ],
    ids=lambda value: str(value),
)
def test_a_mistake_is_named_with_its_place(tmp_path, monkeypatch, old, new, message):
    assert old in GRID
    write_grid(tmp_path, GRID.replace(old, new))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExperimentError) as error:
        load_grid("tiny")
    assert message in str(error.value)


def test_a_table_may_differ_by_task(tmp_path, monkeypatch):
    own = "tasks = { two = { limits = { dev = 7 } }, one = {} }\nchange = { limits = { dev = 8, test = 9 } }"
    write_grid(
        tmp_path, GRID.replace('tasks = ["two"]\nteachers_by_seed = true\nchange = { teacher.tagger.hidden = 4 }', own)
    )
    monkeypatch.chdir(tmp_path)
    grid = load_grid("tiny")
    limits = {entry.task: entry.experiment.limits for entry in entries(grid, grid.tables[2])}
    assert {task: (limit.dev, limit.test, limit.max_tokens) for task, limit in limits.items()} == {
        "two": (7, 9, 60),
        "one": (8, 9, 60),
    }


def test_an_unknown_grid_or_table_is_named(place):
    assert "in experiments/grids: tiny;" in structkd(place, "reproduce", "big").stderr
    assert "it has main, k, weaker" in structkd(place, "reproduce", "tiny", "--table", "kk").stderr


def test_a_damaged_file_of_rows_is_named(tmp_path):
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1 nothing")
    with pytest.raises(RowError, match="not a file of results"):
        read_rows(path)
    pl.DataFrame({"key": ["a"]}).write_parquet(path)
    with pytest.raises(RowError, match="its columns are not those of this version"):
        read_rows(path)


def test_a_row_of_the_same_key_is_replaced(tmp_path):
    path = tmp_path / "rows.parquet"
    add_rows(path, [{"key": "a", "seed": 1}, {"key": "b", "seed": 2}], {})
    add_rows(path, [{"key": "a", "seed": 3}], {})
    found = read_rows(path)
    assert found.schema == SCHEMA
    assert dict(found.select("key", "seed").iter_rows()) == {"a": 3, "b": 2}


def test_settings_have_one_row_and_a_row_may_be_that_of_several(tmp_path):
    def known():
        return dict(read_rows(path).select("key", "settings_digests").iter_rows())

    path = tmp_path / "rows.parquet"
    add_rows(path, [{"key": "a"}, {"key": "b"}], {"one": "a", "two": "a", "three": "b"})
    assert known() == {"a": ["one", "two"], "b": ["three"]}
    add_rows(path, [], {"two": "b", "four": "a", "five": "not there yet"})
    assert known() == {"a": ["four", "one"], "b": ["three", "two"]}
    add_rows(path, [{"key": "a"}], {})
    assert known() == {"a": ["four", "one"], "b": ["three", "two"]}


ADD = "import sys; from pathlib import Path; from structkd.pipeline.results.rows import add_rows"
ADD += "\nfor n in range(10): add_rows(Path('rows.parquet'), [{'key': sys.argv[1] + str(n)}], {})"


def test_processes_that_add_rows_at_once_lose_none(tmp_path):
    commands = [[sys.executable, "-c", ADD, name] for name in "abc"]
    processes = [subprocess.Popen(command, cwd=tmp_path) for command in commands]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert len(read_rows(tmp_path / "rows.parquet")) == 30


def test_settings_that_change_nothing_leave_the_rows_in_their_tables(place, tmp_path):
    """Text that a student does not read, paths that are not stored: the same cells, known by other settings."""
    shutil.copytree(place / "results", tmp_path / "results")
    changed = GRID.replace("unlabelled = 10", "unlabelled = 11").replace('"baseline", "exact"]', '"baseline"]')
    write_grid(tmp_path, changed.replace("teacher = {", "teacher = { held_out = false,"))
    assert "nothing is finished" in structkd(tmp_path, "report", "tiny", "--format", "md").stderr
    done = structkd(tmp_path, "reproduce", "tiny", "--table", "main")
    assert "no new rows" in done.stdout
    table = structkd(tmp_path, "report", "tiny", "--format", "md").stdout.split("\n\n")[1]
    assert re.search(r"\| teachers \| \d.*\n\| baseline \| \d", table)
