"""The commands, run as a person runs them."""

import json
import re
import shlex
import shutil

import pytest

from structkd.ground.files import digest_file
from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.plan.pieces import make_plan
from structkd.pipeline.plan.versions import ANNOTATION, code_digest, versions_of
from structkd.pipeline.results.result import load_result
from structkd.tagger.opening import open_tagger
from tests.pipeline.tiny import contents, structkd, write_experiment

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder in which the tiny experiment has run through both stages."""
    folder = tmp_path_factory.mktemp("cli")
    write_experiment(folder)
    first = structkd(folder, "teachers", "tiny", "--workers", 2)
    assert first.returncode == 0, first.stderr
    assert not (folder / "runs" / "tiny" / "students").exists()
    second = structkd(folder, "distill", "tiny")
    assert second.returncode == 0, second.stderr
    assert "Stage one" not in second.stdout
    for name in ("teachers", "baseline", "posterior+top-wk", "exact"):
        assert f"│ {name}" in second.stdout
    return folder


def student(place, system):
    return next((place / "runs" / "tiny" / "students").glob(f"{system}-*"))


def artifacts(place, language="en", split="train"):
    return next((place / "runs" / "tiny" / "artifacts").glob(f"{language}-{split}-*"))


def test_a_second_run_does_nothing_and_loads_no_torch(place):
    before = contents(place)
    done = structkd(place, "distill", "tiny", env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert "Nothing to do: 2 teachers and 3 students" in done.stdout
    assert " typer" in done.stderr
    assert " torch" not in done.stderr
    assert contents(place) == before


def test_settings_of_one_command_are_those_of_the_next(place, tmp_path):
    shutil.copytree(place, tmp_path, dirs_exist_ok=True)
    change = ("--set", "student.training.updates=1", "--set", "student.systems=['baseline']")
    done = structkd(tmp_path, "distill", "tiny", *change)
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if "structkd report" in line)
    assert shlex.split(line)[-5:] == ["tiny", *change]
    shutil.rmtree(tmp_path / "runs" / "tiny" / "teachers")
    refused = structkd(tmp_path, "report", "tiny", "--set", "student.training.updates=2", env={"COLUMNS": "200"})
    assert "runs/tiny contains pieces of other settings: give the same --set" in refused.stderr


def test_only_what_is_missing_is_done_again_with_the_same_bytes(place):
    folder = student(place, "exact")
    weights = (folder / "model.safetensors").read_bytes()
    others = {path: data for path, data in contents(place).items() if "exact" not in path}
    shutil.rmtree(folder)
    done = structkd(place, "distill", "tiny", "--workers", 1)
    assert "exact seed 1: finished" in done.stdout
    assert "baseline seed 1" not in done.stdout
    assert (folder / "model.safetensors").read_bytes() == weights
    assert {path: data for path, data in contents(place).items() if "exact" not in path} == others


def test_the_same_inputs_give_the_same_bytes_elsewhere(place, tmp_path):
    write_experiment(tmp_path)
    assert structkd(tmp_path, "teachers", "tiny", "--workers", 1).returncode == 0
    for pattern in ("*.parquet", "manifest.json", "teachers/*/*.safetensors"):
        here = contents(place / "runs" / "tiny", pattern)
        there = contents(tmp_path / "runs" / "tiny", pattern)
        assert there
        assert {path: here[path] for path in there} == there


@pytest.mark.slow
def test_commands_for_one_language_each_make_the_pieces_of_the_whole(place, tmp_path):
    write_experiment(tmp_path)
    for language, made in (("de", {"de"}), ("en", {"de", "en"})):
        done = structkd(tmp_path, "teachers", "tiny", "--only", language)
        assert done.returncode == 0, done.stderr
        assert {path.name.split("-")[0] for path in (tmp_path / "runs" / "tiny").glob("artifacts/*")} == made
    whole = contents(place / "runs" / "tiny")
    for path, data in contents(tmp_path / "runs" / "tiny").items():
        assert path in whole
        assert whole[path] == data or path.endswith(("result.json", "log.jsonl"))
    listed = structkd(tmp_path, "teachers", "tiny", "--only", "en", "--dry-run", env={"COLUMNS": "300"}).stdout
    assert "4 of 4 pieces are finished" in listed
    assert "Stage one is done already: 2 teachers" in structkd(tmp_path, "teachers", "tiny").stdout


def test_a_language_that_the_experiment_does_not_have_is_named_with_the_nearest(place):
    done = structkd(place, "teachers", "tiny", "--only", "eng")
    assert done.returncode == 1
    assert "--only eng: tiny has the languages en, de; did you mean en?" in done.stderr


def test_a_result_says_what_it_came_from(place, monkeypatch):
    monkeypatch.chdir(place)
    experiment = load_experiment("tiny")
    plan = make_plan(experiment)
    result = json.loads((student(place, "exact") / "result.json").read_text("utf-8"))
    found = dict(result["digests"])
    assert len(found.pop("sets")) == 64
    assert found == {"experiment": experiment.digest} | plan.students[2].digests
    assert set(result["test"]) == {"en", "de"}
    assert result["seconds"] > 0


def test_a_set_says_what_it_came_from(place):
    manifest = json.loads((artifacts(place) / "manifest.json").read_text("utf-8"))
    provenance = manifest["header"]["provenance"]
    weights = place / "runs" / "tiny" / "teachers" / provenance["teacher"] / "model.safetensors"
    assert provenance["weights"] == digest_file(weights)
    assert set(provenance["corpora"]) == {"train"}
    assert set(provenance["digests"]) == {"settings", "corpora", "versions", "code"}
    assert provenance["code"]["digest"] == code_digest(*ANNOTATION)
    assert provenance["code"]["results"] == versions_of(ANNOTATION)
    assert provenance["annotation"]["k"] == 4


def test_inspect_shows_the_set_and_its_sentences(place):
    summary = structkd(place, "inspect", artifacts(place)).stdout
    assert "labelled" in summary
    assert "nats" in summary
    assert "ECE" in summary
    sentence = structkd(place, "inspect", artifacts(place), "--sentence", 2, env={"COLUMNS": "250"}).stdout
    assert "path 1" in sentence
    assert "p(path)" in sentence
    beyond = structkd(place, "inspect", artifacts(place), "--sentence", 9999)
    assert beyond.returncode != 0
    assert "rows 0 to" in beyond.stderr


def test_verify_finds_a_flipped_byte(place, tmp_path):
    folder = tmp_path / "set"
    shutil.copytree(artifacts(place), folder)
    assert structkd(place, "verify", folder).returncode == 0
    shard = folder / "part-00000.parquet"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    done = structkd(place, "verify", folder, env={"COLUMNS": "300"})
    assert done.returncode == 1
    assert "part-00000.parquet" in done.stdout
    assert "SHA-256" in done.stdout


def test_verify_names_every_bad_file_of_every_set(place, tmp_path):
    first, second, third = (shutil.copytree(artifacts(place), tmp_path / name) for name in "abc")
    shutil.copy(first / "part-00000.parquet", first / "part-00009.parquet")
    (first / "part-00000.parquet").unlink()
    (second / "manifest.json").write_text("{", "utf-8")
    done = structkd(place, "verify", first, second, third)
    assert done.returncode == 1
    for line in (
        f"  {first}/part-00000.parquet: not found; restore it",
        f"  {first}/part-00009.parquet: found a shard that the manifest does not name",
        f"{first}: damaged",
        f"  {second}/manifest.json: not JSON",
        f"{second}: damaged",
        f"{third}: whole",
    ):
        assert f"\n{line}" in f"\n{done.stdout}"
    assert "\x1b" not in done.stdout


def test_verify_shows_its_progress_on_a_terminal(place):
    shown = structkd(
        place, "verify", artifacts(place), env={"TTY_COMPATIBLE": "1", "FORCE_COLOR": "1", "TERM": "xterm"}
    )
    assert "1 of 1 shards" in shown.stdout
    assert "kB" in shown.stdout


def test_inspect_says_how_two_sets_differ(place, tmp_path):
    wide = {"COLUMNS": "200"}
    one, other = artifacts(place), artifacts(place, "de")
    difference = structkd(place, "inspect", "--diff", one, other, env=wide)
    assert difference.returncode == 0, difference.stderr
    for shown in ("identity", "corpora.train", "weights", "digests.settings", "sentence ids in both", "chain score"):
        assert shown in difference.stdout
    same = structkd(place, "inspect", "--diff", one, shutil.copytree(one, tmp_path / "copy"), env=wide).stdout
    assert "the sets have the same identity" in same
    assert "0.00% of sentences" in same
    alone = structkd(place, "inspect", "--diff", one)
    assert alone.returncode != 0
    assert "takes two sets" in alone.stderr


def test_report_gives_markdown(place):
    lines = structkd(place, "report", "tiny", "--format", "md").stdout.splitlines()
    assert lines[0] == "tiny: strict span F1 on test"
    assert lines[2] == "| system | en | de | mean | gap closed |"
    heads = lines.index("| language | text | seen | words | accuracy | entropy | NLL | ECE |")
    rows = [line.split(" | ")[:3] for line in lines[heads + 2 :]]
    texts = (["train", "yes"], ["dev, test", "no"], ["unlabelled", "no"])
    assert all([f"| {language}", *row] in rows for language in ("en", "de") for row in texts)
    types = lines.index("| type | system | F1 | precision | recall | gold |")
    result = load_result(student(place, "baseline"))
    support = sum(part.micro.gold for part in result.by_type.values())
    assert f"| {support} |" in next(line for line in lines[types:] if line.startswith("| all (micro) | baseline"))
    for language, score in result.test.items():
        assert result.by_type[language].micro.f1 == pytest.approx(score)


@pytest.mark.slow
def test_report_needs_no_artifact_sets(place, tmp_path):
    shutil.copytree(place, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(artifacts(tmp_path))
    done = structkd(tmp_path, "report", "tiny")
    assert done.returncode == 0, done.stderr
    assert "| teachers | " in structkd(tmp_path, "report", "tiny", "--format", "md").stdout


@pytest.mark.slow
def test_report_of_teachers_alone(place, tmp_path):
    shutil.copytree(place, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "runs" / "tiny" / "students")
    lines = structkd(tmp_path, "report", "tiny", "--format", "md").stdout.splitlines()
    assert [line.split(" | ")[0] for line in lines if line.startswith("| ")][:3] == ["| system", "| ---", "| teachers"]
    assert structkd(tmp_path, "report", "tiny", "--sentences", 2).returncode == 0
    assert "Sentences" in (tmp_path / "runs" / "tiny" / "report.html").read_text("utf-8")


def test_report_writes_a_page(place):
    done = structkd(place, "report", "tiny", "--sentences", 4)
    assert done.returncode == 0, done.stderr
    page = (place / "runs" / "tiny" / "report.html").read_text("utf-8")
    assert "entropy of the posteriors" in page
    found = json.loads(re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    assert [card["language"] for card in found["cards"]] == ["en"] * 4 + ["de"] * 4
    words = [card["tokens"] for card in found["cards"]]
    for system in ("baseline", "posterior+top-wk", "exact"):
        expected = [list(one.labels) for one in open_tagger(student(place, system)).tag_sentences(words)]
        shown = [[found["labels"][label] for label in card["predictions"][system]] for card in found["cards"]]
        assert shown == expected


def test_tag_labels_raw_text(place):
    text = "Ada flew to Oslo.\n\nYes\n"
    done = structkd(place, "tag", student(place, "exact"), "--probabilities", input=text)
    rows = [line.split("\t") for line in done.stdout.splitlines() if line]
    assert [row[0] for row in rows] == ["Ada", "flew", "to", "Oslo", ".", "Yes"]
    assert all(0 < float(row[2]) <= 1 for row in rows)
    (place / "latin.txt").write_bytes(b"Oslo\nZ\xfcrich\n")
    refused = structkd(place, "tag", student(place, "exact"), "latin.txt")
    assert "latin.txt:2: 0xfc at byte 2 of the line is not UTF-8; save the file as UTF-8" in refused.stderr
    done = structkd(place, "tag", student(place, "exact"), "--output", "json", "--tokenised", input=text)
    assert [json.loads(line)["tokens"] for line in done.stdout.splitlines()] == [
        ["Ada", "flew", "to", "Oslo."],
        [],
        ["Yes"],
    ]


def test_evaluate_scores_a_file(place, tmp_path):
    (tmp_path / "a.conll").write_text("Ada\tB-PER\nran\tO\n", "utf-8")
    done = structkd(place, "evaluate", student(place, "exact"), tmp_path / "a.conll")
    assert "1 sentences, 2 words, strict span F1" in done.stdout
    (tmp_path / "b.conll").write_text("B-PER\tNNP\tAda\nO\tVBD\tran\n", "utf-8")
    columns = ("--token-column=-1", "--label-column", 0)
    swapped = structkd(place, "evaluate", student(place, "exact"), tmp_path / "b.conll", *columns)
    assert swapped.stdout.split()[1:] == done.stdout.split()[1:]
    mistaken = structkd(place, "evaluate", student(place, "exact"), tmp_path / "b.conll", "--label-column", "ner")
    assert mistaken.returncode == 1
    assert "found label_column = 'ner' for reader columns; columns have numbers" in mistaken.stderr


def test_corpora_are_listed_and_checked(place, tmp_path):
    assert "wikiann" in structkd(place, "corpora", "list").stdout
    (tmp_path / "ud" / "en").mkdir(parents=True)
    (tmp_path / "ud" / "en" / "dev.tsv").write_text("other\tNOUN\n", "utf-8")
    status = structkd(place, "corpora", "status", "ud", "--root", tmp_path)
    assert status.returncode == 1
    assert "en dev: differs" in status.stdout
    assert "en test: absent" in status.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("distill", "tinny"), "did you mean tiny"),
        (("report", "tiny", "--split", "zero_shot"), "tiny: nothing is scored on zero_shot"),
        (("inspect", "runs"), "runs/manifest.json: not found, nor any shard, but tiny; expected an artifact set"),
        (("verify", "nowhere"), "nowhere/manifest.json: not found, nor anything beside it; check the name"),
        (("evaluate", "runs", "nowhere.conll"), "'nowhere.conll' does not exist"),
        (("tag", "runs", "nowhere.txt"), "'nowhere.txt' does not exist"),
        (("tag", "runs"), "holds no trained tagger"),
        (("corpora", "status", "udd"), "did you mean 'ud'"),
        (("corpora", "fetch", "conll", "--root", "."), "conll"),
        (("corpora", "status", "ud"), "set $STRUCTKD_CORPORA"),
    ],
    ids=lambda value: str(value),
)
def test_an_error_is_short_and_says_what_to_do(place, arguments, message):
    done = structkd(place, *arguments, env={"STRUCTKD_CORPORA": "", "COLUMNS": "200"})
    assert done.returncode in (1, 2)  # 2: the command line itself is wrong
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_brackets_are_text(place):
    assert "[its 95% interval]" in structkd(place, "report", "tiny", "--format", "table").stdout
    assert "[default: (the GPUs, else the cores)]" in structkd(place, "teachers", "--help").stdout
