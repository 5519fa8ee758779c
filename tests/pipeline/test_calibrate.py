"""`structkd calibrate` fits a temperature on labelled files, and `structkd tag` uses it."""

import json
import random

import pytest
from typer.testing import CliRunner

from structkd.pipeline.commands.app import app
from structkd.tagger.calibration import FILE, read_temperature
from tests.pipeline.untrained import save_untrained


def run(*arguments, text=None):
    return CliRunner().invoke(app, list(map(str, arguments)), input=text, env={"COLUMNS": "200"})


@pytest.fixture
def tagger(tmp_path):
    """The folder of a tagger that calls each word a place or a person, beside a file in which they are either."""
    save_untrained(tmp_path / "tagger", ("S-LOC", "S-PER"))
    label = random.Random(0).choice
    words = [f"{a}{b}{c}" for a in "OPQ" for b in "aeiou" for c in "slmn"]
    text = "".join(f"{word}\t{label(['B-LOC', 'B-PER'])}\n\n" for word in words)
    (tmp_path / "dev.conll").write_text(text, "utf-8")
    return tmp_path / "tagger"


def test_the_temperature_is_fitted_reported_and_used(tagger):
    before = run("tag", tagger, "--probabilities", text="Oslo\n").stdout
    done = run("calibrate", tagger, tagger.parent / "dev.conll")
    assert done.exit_code == 0, done.output
    temperature = read_temperature(tagger)
    assert f"temperature {temperature:.3f}, fitted on 60 sentences" in done.stdout
    assert "expected calibration error" in done.stdout
    about = json.loads((tagger / FILE).read_text("utf-8"))["about"]
    assert about == {"files": ["dev.conll"], "sentences": 60}
    after = run("tag", tagger, "--probabilities", text="Oslo\n").stdout
    assert before.split()[:2] == after.split()[:2]
    assert before != after
    again = run("calibrate", tagger, tagger.parent / "dev.conll")  # it does not add up
    assert again.stdout == done.stdout


def test_sentences_with_labels_that_the_tagger_does_not_know_are_left_out(tagger):
    with (tagger.parent / "dev.conll").open("a", encoding="utf-8") as file:
        file.write("Ada\tB-ORG\n\n")
    done = run("calibrate", tagger, tagger.parent / "dev.conll")
    assert "1 sentences left out: without labels, or with one that the tagger does not know" in done.output
    assert "fitted on 60 sentences" in done.output


def test_a_file_that_says_nothing_changes_nothing(tagger):
    (tagger.parent / "few.conll").write_text("x\tO\n\ny\tO\n", "utf-8")
    done = run("calibrate", tagger, tagger.parent / "few.conll")
    assert "expected some that are right; give more text" in str(done.exception)
    assert not (tagger / FILE).exists()


def test_text_without_an_error_leaves_the_temperature(tagger):
    label = run("tag", tagger, text="Oslo\n").stdout.split()[1]
    words = "".join(f"Oslo\tB-{label[2:]}\n\n" for _ in range(4))
    (tagger.parent / "easy.conll").write_text(words, "utf-8")
    done = run("calibrate", tagger, tagger.parent / "easy.conll")
    assert done.exit_code == 0, done.output
    assert "all 4 spans are right: nothing to fit, the temperature stays 1.000" in done.stdout
    assert not (tagger / FILE).exists()
