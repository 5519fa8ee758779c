"""Languages with the names of a table's columns, from `distill` to the page; and one table, whoever prints it."""

import polars as pl
import pytest

from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.plan.pieces import make_plan
from structkd.pipeline.report.build import make_page
from structkd.pipeline.report.page.render import render
from structkd.pipeline.results.findings import plan_findings
from tests.pipeline.tiny import structkd, write_experiment

pytestmark = pytest.mark.long

LANGUAGES = ("sd", "mean", "system", "seeds")
EXPERIMENT = """
title = "Names"
languages = ["sd", "mean", "system", "seeds"]

[corpus]
name = "files"
path = "{language}.{split}.conll"

[teacher.tagger]
encoders = [{ kind = "words", dim = 4 }]
hidden = 4

[teacher.training]
updates = 2
evaluate_every = 2

[student]
systems = ["baseline", "exact"]
seeds = [1, 2]

[student.tagger]
encoders = [{ kind = "words", dim = 4 }]
hidden = 4

[student.training]
updates = 2
evaluate_every = 2
"""
SENTENCE = "Ada\tB-PER\nflew\tO\nto\tO\nOslo\tB-LOC\n\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder in which the experiment has run, and what `distill` printed."""
    folder = tmp_path_factory.mktemp("names")
    write_experiment(folder, EXPERIMENT, "names")
    for language in LANGUAGES:
        for split in ("train", "dev", "test"):
            (folder / f"{language}.{split}.conll").write_text(SENTENCE.replace("Ada", f"A{split}") * 3, "utf-8")
    done = structkd(folder, "distill", "names", "--workers", 1)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout.partition("names: teachers, proved on dev")[0]


def cells(line):
    return [cell.strip() for cell in line.strip("│┃|\n").replace("┃", "│").replace("|", "│").split("│")]


@pytest.mark.slow
def test_distill_prints_the_table_that_report_shows_and_cuts_nothing(place):
    folder, printed = place
    printed = printed[printed.index("Names: strict span F1 on test") :]
    shown = structkd(folder, "report", "names", "--format", "md").stdout
    table = [cells(line) for line in printed.splitlines() if line.startswith(("│", "┃"))]
    head, _, *rows = (cells(line) for line in shown.split("\n\n")[1].splitlines())
    assert table == [head, *rows]
    assert head == ["system", *LANGUAGES, "mean", "sd", "seeds", "gap closed"]
    assert [row[0] for row in rows] == ["teachers", "baseline", "exact"]
    assert [row[-2] for row in rows] == ["1", "2", "2"]
    assert "…" not in printed


def test_the_scores_stand_under_their_languages(place, monkeypatch):
    folder, printed = place
    monkeypatch.chdir(folder)
    (task,) = plan_findings(make_plan(load_experiment("names"))).tasks
    lines = [cells(line) for line in printed.splitlines() if line.startswith("│")]
    for line in lines[-3:]:
        scores = task.entries[line[0]].select("test").explode("test").unnest("test")
        means = scores.group_by("language", maintain_order=True).agg(pl.col("score").mean())
        assert line[1:5] == [f"{score:.2f}" for _, score in means.iter_rows()]
        assert means["language"].to_list() == list(LANGUAGES)


def test_the_page_has_them_too(place, monkeypatch):
    monkeypatch.chdir(place[0])
    page = render(make_page("a", "b", [plan_findings(make_plan(load_experiment("names")))]))
    assert all(f">{language}<" in page for language in LANGUAGES)


def test_the_page_of_one_task_has_each_section_once(place, monkeypatch):
    monkeypatch.chdir(place[0])
    findings = plan_findings(make_plan(load_experiment("names")))
    page = make_page("a", findings.title, [findings])
    titles = [section.title for section in page.sections]
    assert titles[0] == "Scores"
    assert len(set(titles)) == len(titles)
    assert sum("test" in view.title for section in page.sections for view in section.tables) == 1


def test_a_result_that_was_changed_is_named_with_what_to_do(place):
    folder, _ = place
    path = next(folder.glob("runs/names/students/exact-seed2-*/result.json"))
    whole = path.read_text("utf-8")
    path.write_text(whole.replace('"seed": 2', '"seed": 3'), "utf-8")
    done = structkd(folder, "distill", "names", "--workers", 1)
    path.write_text(whole, "utf-8")
    assert done.returncode == 1
    assert f"students/{path.parent.name}/result.json: found content with the digest" in done.stderr
    assert "delete the folder" in done.stderr
    assert "Traceback" not in done.stderr
