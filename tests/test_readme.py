"""The README's commands and snippets run as they are written, over a tiny experiment of the demo's name."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
DEMO = """
title = "tiny"
languages = ["en", "de"]
[corpus]
name = "demo"
train = { en = 30, de = 30 }
dev = 10
test = 10
unlabelled = 5
[teacher.tagger]
hidden = 8
[teacher.training]
updates = 10
[student]
systems = ["baseline", "exact"]
[student.tagger]
hidden = 8
[student.training]
updates = 10
"""


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def shell(command, folder, **more):
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"} | more
    return subprocess.run(["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which `structkd distill demo` has run, with a labelled file and a corpus of the catalog."""
    place = tmp_path_factory.mktemp("readme")
    (place / "experiments").mkdir()
    (place / "experiments" / "demo.toml").write_text(DEMO, "utf-8")
    (place / "my-test.conll").write_text("Ada\tB-PER\nLovelace\tI-PER\nsmiled\tO\n", "utf-8")
    for language in ("en", "de"):
        for split in ("train", "dev", "test"):
            path = place / "data" / language / f"{split}.conll"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"Ada\tB-PER\nflew\tO\nto\tO\n{language}{split}\tB-LOC\n\n" * 3, "utf-8")
    done = shell("structkd distill demo", place)
    assert done.returncode == 0, done.stderr
    return place


def structkd_lines():
    lines = [line.partition("  #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if "structkd" in line and "fetch" not in line]


@pytest.mark.parametrize("command", structkd_lines())
def test_a_command_runs(folder, command):
    done = shell(command, folder, STRUCTKD_CORPORA=str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    if command.startswith("structkd init"):  # a test has no minutes
        written = folder / "experiments" / "mine.toml"
        text = re.sub(r"(updates|evaluate_every|hidden) = \d+", r"\1 = 4", written.read_text("utf-8"))
        written.write_text(text, "utf-8")


@pytest.mark.parametrize("snippet", blocks("python"))
def test_a_snippet_runs(folder, snippet):
    done = subprocess.run([sys.executable, "-c", snippet], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "de" in done.stdout or "tokens" in done.stdout


def test_every_make_target_of_the_readme_exists():
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    for target in targets:
        done = shell(f"make --dry-run {target}", ROOT)
        assert done.returncode == 0, f"make {target}: {done.stderr}"


def test_every_system_is_described():
    from structkd.student.objectives import SYSTEMS

    assert all(f"`{name}`" in README for name in SYSTEMS)
