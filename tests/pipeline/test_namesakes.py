"""Two files of one name have one folder, and that is said."""

import pytest

from structkd.pipeline.experiment.namesakes import RECORD, namesakes_note, remember
from tests.pipeline.tiny import TINY, structkd, write_experiment


@pytest.mark.slow
def test_commands_name_both_files_where_their_settings_differ(tmp_path):
    write_experiment(tmp_path)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "tiny.toml").write_text(TINY.replace("dev = 10", "dev = 9"), "utf-8")
    few = ("--set", "teacher.training.updates=1", "--set", "teacher.training.evaluate_every=1")
    first = structkd(tmp_path, "teachers", "old/tiny.toml", *few)
    assert first.returncode == 0, first.stderr
    assert "also contains" not in first.stdout
    note = "runs/tiny also contains pieces of old/tiny.toml, with other settings than experiments/tiny.toml"
    for command in (("check", "tiny", "--no-measure"), ("distill", "tiny", "--dry-run"), ("teachers", "tiny", *few)):
        assert structkd(tmp_path, *command).stdout.count(note) == 1
    back = structkd(tmp_path, "distill", "old/tiny.toml", "--dry-run").stdout
    assert "pieces of experiments/tiny.toml, with other settings than old/tiny.toml" in back


def test_the_same_settings_are_no_matter_nor_is_a_file_that_is_gone_or_a_damaged_record(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_experiment(tmp_path)
    other, folder = tmp_path / "tiny.toml", tmp_path / "runs" / "tiny"
    other.write_text(TINY.replace('title = "tiny"', 'title = "another title"'), "utf-8")
    remember("tiny.toml", folder)
    assert namesakes_note("tiny", folder) == namesakes_note("tiny.toml", folder) == ""
    other.write_text(TINY.replace("dev = 10", "dev = 9"), "utf-8")
    assert "tiny.toml, with other settings" in namesakes_note("tiny", folder)
    other.unlink()
    assert namesakes_note("tiny", folder) == ""
    (folder / RECORD).write_text("{", "utf-8")
    assert namesakes_note("tiny", folder) == ""
    remember("tiny", folder)
    assert (folder / RECORD).read_text("utf-8").count("tiny.toml") == 1
