"""What stands around the code says what is true of it: licence, citation, recipes, hooks, and the site."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import structkd

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_the_licence_is_the_one_that_is_named():
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert PROJECT["license"] == "Apache-2.0"
    assert PROJECT["license-files"] == ["LICENSE"]
    assert "Apache License" in text
    assert "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION" in text
    assert "Copyright 2026 The structkd authors" in text


def test_the_citation_is_of_this_version_and_names_both_papers():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= citation.keys()
    assert citation["version"] == structkd.__version__
    assert citation["license"] == PROJECT["license"]
    papers = [paper["identifiers"][0]["value"] for paper in citation["references"]]
    assert papers == ["arXiv:2004.03846", "arXiv:2010.05010"]


def test_the_changes_have_this_version():
    assert f"\n## {structkd.__version__}\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/api.md"])
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#:\s]+)", (ROOT / page).read_text("utf-8"))
    missing = [target for target in targets if target != "https" and not ((ROOT / page).parent / target).exists()]
    assert not missing


def test_each_recipe_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert re.findall(r"^### (.*)", text, re.MULTILINE) == [
        "An encoder",
        "An objective",
        "A teacher source",
        "A reader of corpora",
        "A chart",
    ]


def test_the_hooks_run_what_make_lint_runs():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]["hooks"]
    lint = subprocess.run(["make", "--dry-run", "--always-make", "lint"], cwd=ROOT, capture_output=True, text=True)
    commands = [line.removesuffix(" .") for line in lint.stdout.splitlines() if line.startswith(".venv/bin/")]
    assert [hook["entry"] for hook in hooks] == [line for line in commands if " pip " not in line]
    assert {hook["language"] for hook in hooks} == {"system"}


def test_the_page_of_the_public_api_lists_all_of_it():
    listed = re.findall(r"^::: structkd\.(\w+)$", (ROOT / "docs" / "api.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == [name for name in structkd.__all__ if name != "__version__"]


@pytest.mark.slow
def test_the_site_is_built_strictly_and_loads_nothing_from_elsewhere(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    api = (tmp_path / "docs" / "api.html").read_text("utf-8")
    for name in structkd.__all__:
        assert name == "__version__" or f'id="structkd.{name}"' in api
    for path in [*tmp_path.rglob("*.html"), *tmp_path.rglob("*.css")]:
        text = path.read_text("utf-8")
        assert not re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*\"|url\(.?https?:", text)
