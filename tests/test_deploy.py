"""The commands and snippets of docs/deploy.md run as they are written, with the small distribution's wheel."""

import os
import re
import subprocess
import sys

import pytest

from tests.artifacts.examples import write_set
from tests.exported import save_entity_tagger
from tests.pipeline.hub.server import TOKEN, running
from tests.runtime.wheels import ROOT, build_wheel, unpack
from tests.test_readme import shell

pytestmark = pytest.mark.long

PAGE = (ROOT / "docs" / "deploy.md").read_text("utf-8")
README = (ROOT / "runtime" / "README.md").read_text("utf-8")


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with an exported student, an artifact set, and the wheel's content under `site`."""
    place = tmp_path_factory.mktemp("deploy")
    save_entity_tagger(place / "exported")
    write_set(place / "runs" / "demo" / "artifacts" / "de-train-1", sentences={"de": 5})
    unpack(build_wheel(tmp_path_factory.mktemp("wheel")), place / "site")
    (place / "bin").mkdir()
    script = place / "bin" / "structkd-runtime"  # as an installation makes it
    script.write_text(f'#!/bin/sh\nPYTHONPATH={place}/site exec {sys.executable} -m structkd_runtime "$@"\n', "utf-8")
    script.chmod(0o755)
    return place


@pytest.mark.parametrize("snippet", [*blocks(PAGE, "python"), *blocks(README, "python")])
def test_a_snippet_finds_the_places(folder, snippet):
    if "import spacy" in snippet:
        pytest.importorskip("spacy", reason="spaCy is not installed")
    environment = os.environ | {"PYTHONPATH": str(folder / "site")}
    done = subprocess.run([sys.executable, "-c", snippet], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "New York" in done.stdout


@pytest.mark.slow
def test_the_commands_of_the_hub(folder):
    (commands,) = (block for block in blocks(PAGE, "sh") if "push" in block)
    with running() as hub:
        home = str(folder / "home")
        done = shell(
            f"set -e\n{commands}", folder, HF_ENDPOINT=hub.address, HF_HOME=home, HF_HUB_DISABLE_XET="1", HF_TOKEN=TOKEN
        )
    assert done.returncode == 0, done.stderr
    assert (folder / "student" / "model.onnx").is_file()
    assert (folder / "answers" / "manifest.json").is_file()


def test_the_command_that_tags(folder):
    (command,) = (block for block in blocks(PAGE, "sh") if "echo" in block)
    done = shell(f"PATH={folder}/bin:$PATH\n{command}", folder)
    assert '"text": "New York"' in done.stdout, done.stderr
