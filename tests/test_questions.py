"""The questions of docs/questions.md run as they are written, and have answers."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.tiny import TINY, structkd, write_experiment

pytestmark = pytest.mark.long

PAGE = (Path(__file__).parent.parent / "docs" / "questions.md").read_text("utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(SETUP,) = re.findall(r"```python setup\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("questions")
    write_experiment(place, TINY, "demo")
    done = structkd(place, "teachers", "demo")
    assert done.returncode == 0, done.stderr
    return place


def test_there_are_ten():
    assert len(SNIPPETS) == 10
    assert re.findall(r"^\*\*(\d+)\. ", PAGE, re.MULTILINE) == [str(number) for number in range(1, 11)]


def test_every_question_has_an_answer(folder):
    parts = "".join(f"print('<{place}>')\n{snippet}" for place, snippet in enumerate([*SNIPPETS, ""]))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SETUP + parts], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for place in range(10):
        answer = done.stdout.partition(f"<{place}>")[2].partition(f"<{place + 1}>")[0]
        assert "│" in answer
        assert "shape: (0" not in answer or place in (4,)
    for place in (0, 1, 2, 5, 7, 9):
        answer = done.stdout.partition(f"<{place}>")[2].partition(f"<{place + 1}>")[0]
        assert "en" in answer or place == 7


def test_inspect_answers_in_files(folder):
    import polars as pl

    sets = sorted((folder / "runs" / "demo" / "artifacts").glob("*-train-*"))
    worst = structkd(folder, "inspect", *sets, "--worst", 3)
    assert worst.returncode == 0, worst.stderr
    assert "nats a word" in worst.stdout
    done = structkd(folder, "inspect", *sets, "--wrong", 5, "--output", "wrong.parquet")
    assert done.returncode == 0, done.stderr
    assert 0 < len(pl.read_parquet(folder / "wrong.parquet")) <= 5
    sql = structkd(folder, "inspect", sets[0], "--sql").stdout
    assert sql.startswith(f'CREATE OR REPLACE VIEW "{sets[0].name}" AS')
    refused = structkd(folder, "inspect", *sets, "--worst", 3, "--wrong", 3)
    assert refused.returncode == 2
