"""Students and artifact sets go to a hub and come back whole, over a real connection."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from structkd.artifacts.reader import ArtifactSet
from tests.artifacts.examples import write_set
from tests.exported import TEXTS, save_entity_tagger
from tests.pipeline.hub.server import READER, TOKEN, running
from tests.pipeline.tiny import contents, structkd

pytestmark = pytest.mark.long

SET, STUDENT = "datasets/me/answers", "me/student"


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "student"
    save_entity_tagger(folder)
    return folder


@pytest.fixture
def hub():
    with running() as found:
        yield found


@pytest.fixture
def artifacts(tmp_path):
    write_set(tmp_path / "set", sentences={"en": 30, "de": 10})
    return tmp_path / "set"


def settings(hub, folder, token=TOKEN):
    """The environment of a command; a home of its own keeps what the client keeps."""
    return {
        "HF_ENDPOINT": hub.address,
        "HF_HOME": str(folder / "home"),
        "HF_HUB_DISABLE_XET": "1",  # a protocol of its own, which only the Hub speaks
        "HF_HUB_OFFLINE": "",
        "HF_TOKEN": token,
    }


def call(hub, folder, *arguments, token=TOKEN, **variables):
    return structkd(folder, *arguments, env=settings(hub, folder, token) | variables)


def done(hub, folder, *arguments, **options):
    process = call(hub, folder, *arguments, **options)
    assert process.returncode == 0, process.stderr
    return process.stdout


def refused(hub, folder, *arguments, **options):
    process = call(hub, folder, *arguments, **options)
    assert process.returncode == 1, process.stderr
    assert "Traceback" not in process.stderr
    assert TOKEN not in process.stdout + process.stderr
    return process.stderr


def test_a_student_comes_back_as_it_was(hub, student, tmp_path):
    assert "/me/student/commit/" in done(hub, tmp_path, "push", student, STUDENT)
    assert "whole, from commit" in done(hub, tmp_path, "pull", STUDENT, "back", token="")
    assert contents(tmp_path / "back") == contents(student)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert hub.files(STUDENT)["README.md"] == (student / "README.md").read_bytes()
    from structkd.runtime import load

    assert load(tmp_path / "back").tag(TEXTS) == load(student).tag(TEXTS)


def test_a_set_comes_back_as_it_was_under_a_card(hub, artifacts, tmp_path):
    done(hub, tmp_path, "push", artifacts, SET, "--licence", "cc-by-sa-4.0")
    done(hub, tmp_path, "pull", SET, "back")
    assert contents(tmp_path / "back") == contents(artifacts)
    assert ArtifactSet.open(tmp_path / "back").rows == 40
    card = hub.files(SET)["README.md"].decode()
    assert card.startswith('---\nlicense: "cc-by-sa-4.0"\nlanguage: ["de", "en"]\n')
    assert "Answers of a teacher to 40 sentences" in card
    assert hub.files(SET)[".gitattributes"]


@pytest.mark.slow
def test_a_second_push_sends_nothing_again_and_leaves_no_shard_of_another_set(hub, artifacts, tmp_path):
    done(hub, tmp_path, "push", artifacts, SET, "--licence", "other")
    hub.requests.clear()
    done(hub, tmp_path, "push", artifacts, SET, "--licence", "other")
    assert not [path for method, path, _ in hub.requests if method == "PUT" or "/commit/" in path]
    write_set(tmp_path / "less", sentences={"en": 10}, seed=1)
    done(hub, tmp_path, "push", tmp_path / "less", SET, "--licence", "other")
    assert sorted(hub.files(SET)) == [".gitattributes", "README.md", "manifest.json", "part-00000.parquet"]
    done(hub, tmp_path, "pull", SET, "back")
    assert contents(tmp_path / "back") == contents(tmp_path / "less")


@pytest.mark.slow
def test_a_push_is_one_commit(hub, artifacts, tmp_path):
    done(hub, tmp_path, "push", artifacts, SET, "--licence", "other")
    assert len(hub.branches[SET, "main"]) == 2  # the first made the repository


def test_a_killed_pull_goes_on(hub, artifacts, tmp_path):
    done(hub, tmp_path, "push", artifacts, SET, "--licence", "other")
    hub.stalls = "part-00001.parquet"
    command = [Path(sys.executable).with_name("structkd"), "pull", SET, "back"]
    with subprocess.Popen(command, cwd=tmp_path, env=os.environ | settings(hub, tmp_path)) as process:
        hub.stalled.wait()
        process.kill()
    assert not (tmp_path / "back").exists()
    hub.stalls = ""
    hub.requests.clear()
    done(hub, tmp_path, "pull", SET, "back")
    assert contents(tmp_path / "back") == contents(artifacts)
    fetched = [path.rpartition("/")[2] for method, path, _ in hub.requests if method == "GET" and "/resolve/" in path]
    assert fetched == ["part-00001.parquet", "part-00002.parquet"]


@pytest.mark.slow
def test_a_pull_of_another_commit_keeps_nothing_of_the_first(hub, artifacts, tmp_path):
    done(hub, tmp_path, "push", artifacts, SET, "--licence", "other")
    shutil.copytree(artifacts, tmp_path / ".back.pull")  # as an interrupted pull leaves it
    write_set(tmp_path / "less", sentences={"en": 10}, seed=1)
    done(hub, tmp_path, "push", tmp_path / "less", SET, "--licence", "other")
    done(hub, tmp_path, "pull", SET, "back")
    assert contents(tmp_path / "back") == contents(tmp_path / "less")


@pytest.mark.slow
def test_revisions(hub, student, artifacts, tmp_path):
    done(hub, tmp_path, "push", student, STUDENT, "--revision", "v1")
    assert "model.onnx" not in hub.files(STUDENT)
    done(hub, tmp_path, "pull", STUDENT, "back", "--revision", "v1")
    assert contents(tmp_path / "back") == contents(student)
    assert "no such revision" in refused(hub, tmp_path, "pull", STUDENT, "other", "--revision", "v2")
    assert "found no digests.json" in refused(hub, tmp_path, "pull", STUDENT, "other")


@pytest.mark.slow
def test_a_private_repository(hub, student, tmp_path):
    done(hub, tmp_path, "push", student, STUDENT, "--private")
    assert hub.private == {STUDENT}
    assert "no access to it" in refused(hub, tmp_path, "pull", STUDENT, "back", token="")
    done(hub, tmp_path, "pull", STUDENT, "back", token=READER)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["model.onnx", "part-00001.parquet"])
def test_what_was_changed_on_the_way_is_refused_and_fetched_anew(hub, student, artifacts, tmp_path, where):
    source, repo, more = (artifacts, SET, ("--licence", "other")) if "part" in where else (student, STUDENT, ())
    done(hub, tmp_path, "push", source, repo, *more)
    files = hub.files(repo)
    whole, digest = hub.large[files[where]], files[where]
    hub.large[digest] = bytes([whole[0] ^ 1]) + whole[1:]
    assert "SHA-256" in refused(hub, tmp_path, "pull", repo, "back")
    assert not (tmp_path / "back").exists()
    hub.large[digest] = whole
    done(hub, tmp_path, "pull", repo, "back")
    assert contents(tmp_path / "back") == contents(source)


def test_a_damaged_folder_is_not_pushed(hub, student, artifacts, tmp_path):
    shutil.copytree(student, tmp_path / "student")
    (tmp_path / "student" / "model.onnx").write_bytes(b"changed")
    assert "SHA-256" in refused(hub, tmp_path, "push", tmp_path / "student", STUDENT)
    (artifacts / "part-00001.parquet").unlink()
    assert "not found" in refused(hub, tmp_path, "push", artifacts, SET, "--licence", "other")
    assert hub.requests == []


@pytest.mark.slow
def test_refusals_say_what_to_do(hub, student, artifacts, tmp_path):
    def push(*arguments, **options):
        return refused(hub, tmp_path, "push", *arguments, **options)

    def pull(*arguments, **options):
        return refused(hub, tmp_path, "pull", *arguments, **options)

    assert "neither an exported student" in push(tmp_path, STUDENT)
    assert "found no --licence" in push(artifacts, SET)
    assert "names its licence itself" in push(student, STUDENT, "--licence", "mit")
    assert "is a dataset: students go to OWNER/NAME" in push(artifacts, STUDENT, "--licence", "mit")
    assert "expected OWNER/NAME" in push(student, "student")
    assert "found no token" in push(student, STUDENT, token="")
    assert "the server answered 401" in push(student, STUDENT, token="hf_expired")
    assert "take one that may write" in push(student, STUDENT, token=READER)
    assert '"license" must be one of' in push(artifacts, SET, "--licence", "not-a-licence")
    assert "no such repository" in pull("me/nothing", "back")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    assert "expected no such folder" in pull(STUDENT, "there")
    nobody = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    assert "check the network" in pull(STUDENT, "back", **nobody)
    assert "no answer" in pull(STUDENT, "back", HF_HUB_OFFLINE="1")
    assert not (tmp_path / "back").exists()


def test_no_file_has_the_token(hub, student, tmp_path):
    done(hub, tmp_path, "push", student, STUDENT, "--private")
    done(hub, tmp_path, "pull", STUDENT, "back")
    assert not [name for name, content in contents(tmp_path).items() if TOKEN.encode() in content]
    assert any(TOKEN in json.dumps(headers) for _, _, headers in hub.requests)


@pytest.mark.slow
def test_nothing_is_left_in_the_home(hub, student, tmp_path):
    """What the client keeps in its own cache is no copy of the folder."""
    done(hub, tmp_path, "push", student, STUDENT)
    done(hub, tmp_path, "pull", STUDENT, "back")
    assert sum(map(len, contents(tmp_path / "home").values())) < 10_000
