"""The small distribution: its wheel needs none of the main package, and works beside it."""

import json
import os
import re
import signal
import subprocess
import sys
import tomllib
import urllib.request
import venv
import zipfile
from email import message_from_bytes

import pytest

import structkd.runtime
from tests.exported import TEXTS, save_entity_tagger
from tests.runtime.wheels import OWN, ROOT, build_wheel, unpack

pytestmark = pytest.mark.long

REFUSING = """
import sys

class Refusal:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {refused!r}:
            raise AssertionError(f"imports {{name}}")

sys.meta_path.insert(0, Refusal())
"""
EVERYTHING = """
import importlib, pkgutil
import structkd_runtime

for module in pkgutil.walk_packages(structkd_runtime.__path__, "structkd_runtime."):
    if not module.name.endswith(("spacy", "__main__")):
        importlib.import_module(module.name)
from structkd_runtime.command import main
main(["tag", *sys.argv[1:]])
"""
BESIDE = """
import sys
import structkd.runtime, structkd.runtime.records, structkd_runtime.records

(one,) = structkd.runtime.load(sys.argv[1]).tag(["Ada flew to Oslo."])
(other,) = structkd_runtime.load(sys.argv[1]).tag(["Ada flew to Oslo."])
print(structkd.runtime.records.record(one) == structkd_runtime.records.record(other), len(one.entities))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory):
    """A folder with the package, as pip would install it."""
    return unpack(wheel, tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    """The folder of an exported tagger."""
    folder = tmp_path_factory.mktemp("exported") / "entities"
    save_entity_tagger(folder)
    return folder


def arguments(site, *command):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {
        "args": [sys.executable, *map(str, command)],
        "env": environment | {"PYTHONPATH": str(site)},
        "cwd": "/",
    }


def run(site, *command, **options):
    return subprocess.run(**arguments(site, *command), capture_output=True, text=True, **options)


def project(path):
    return tomllib.loads((ROOT / path).read_text("utf-8"))["project"]


def packages(path):
    return {re.match(r"[\w-]+", line)[0].replace("-", "_") for line in project(path)["dependencies"]}


def test_the_wheel_has_every_file_of_the_package(wheel):
    folder = wheel.parents[1] / "source"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    files = {name for name in files - OWN if not name.startswith(("build/", "structkd_runtime.egg-info/"))}
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = message_from_bytes(archive.read(next(name for name in names if name.endswith("/METADATA"))))
    found = {name for name in names if ".dist-info/" not in name}
    assert found == {f"structkd_runtime/{name}" for name in files}
    assert {"structkd_runtime/py.typed", "structkd_runtime/serving/static/page.html"} < found
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert metadata["Version"] == structkd.runtime.__version__


def test_it_needs_nothing_of_the_main_package(site, tagger, tmp_path):
    refused = {*packages("pyproject.toml"), "structkd"} - packages("runtime/pyproject.toml")
    assert {"torch", "pyarrow", "pydantic", "polars", "typer"} <= refused
    (tmp_path / "lines.txt").write_text(f"{TEXTS[0]}\n", "utf-8")
    done = run(site, "-c", REFUSING.format(refused=refused) + EVERYTHING, tagger, tmp_path / "lines.txt")
    assert done.returncode == 0, done.stderr
    assert [one["text"] for one in json.loads(done.stdout)["entities"]] == ["Ada", "New York"]


def test_it_works_beside_the_main_package(site, tagger):
    done = run(os.pathsep.join([str(site), str(ROOT)]), "-c", BESIDE, tagger)
    assert done.stdout == "True 2\n", done.stderr


def test_spacy_finds_the_component_by_its_entry_point(site, tagger):
    pytest.importorskip("spacy", reason="spaCy is not installed")
    lines = (
        "import spacy, sys",
        "nlp = spacy.blank('xx')",
        "nlp.add_pipe('structkd', config={'model': sys.argv[1]})",
        "print(*nlp('Ada flew to New York.').ents, type(nlp.get_pipe('structkd')).__module__, sep='|')",
    )
    done = run(site, "-c", "\n".join(lines), tagger)
    assert done.stdout == "Ada|New York|structkd_runtime.spacy\n", done.stderr


def test_tag_answers_a_line_before_the_next_is_written(site, tagger):
    command = arguments(site, "-m", "structkd_runtime", "tag", tagger, "--k", 2, "--marginals")
    with subprocess.Popen(**command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        for text in ("Ada ran.", "", "Zo\u00eb met Oslo"):
            process.stdin.write(f"{text}\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            assert answer["text"] == text
            assert len(answer["marginals"]) == len(answer["tokens"])
            assert len(answer.get("labelings", ())) == (2 if text else 0)
        process.stdin.close()
        assert process.wait() == 0


def test_tag_has_the_options_of_a_person(site, tagger, tmp_path):
    (tmp_path / "text").write_bytes("\ufeffNew York.\r\nOslo".encode())
    split = run(site, "-m", "structkd_runtime", "tag", tagger, tmp_path / "text")
    assert [json.loads(line)["tokens"] for line in split.stdout.splitlines()] == [["New", "York", "."], ["Oslo"]]
    whole = run(site, "-m", "structkd_runtime", "tag", tagger, tmp_path / "text", "--tokenised", "--threshold", "1")
    assert [json.loads(line)["tokens"] for line in whole.stdout.splitlines()] == [["New", "York."], ["Oslo"]]
    assert not any(json.loads(line)["entities"] for line in whole.stdout.splitlines())
    assert run(site, "-m", "structkd_runtime", "--version").stdout == f"{structkd.runtime.__version__}\n"


def test_it_leaves_nothing_in_the_home(site, tagger, tmp_path):
    """Onnxruntime keeps a number for its telemetry there unless it is told not to."""
    command = arguments(site, "-m", "structkd_runtime", "tag", tagger)
    command["env"] = {"HOME": str(tmp_path), "PYTHONPATH": str(site)}
    done = subprocess.run(**command, input="Ada\n", capture_output=True, text=True)
    assert json.loads(done.stdout)["text"] == "Ada"
    assert done.stderr == ""
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(
    ("command", "text", "message"),
    [
        (("tag", "nowhere"), "", "structkd-runtime: nowhere: no exported tagger"),
        (("tag", "{tagger}", "--max-characters", "3"), "long\n", "standard input:1: 4 characters, at most 3"),
        (("tag", "{tagger}", "nowhere"), "", "nowhere: no such file"),
        (("tag", "{tagger}", "--threshold", "2"), "", "argument --threshold: found '2', expected a number from 0 to 1"),
        (
            ("serve", "{tagger}", "--port", "http"),
            "",
            "argument --port: found 'http', expected a number from 0 to 65535",
        ),
        (("serve", "{tagger}", "{tagger}"), "", "two taggers have the name entities"),
    ],
)
def test_faults_are_messages(site, tagger, command, text, message):
    done = run(site, "-m", "structkd_runtime", *(part.format(tagger=tagger) for part in command), input=text)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_nobody_reads_the_answers(site, tagger):
    command = arguments(site, "-m", "structkd_runtime", "tag", tagger)
    with subprocess.Popen(**command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        process.stdin.write(b"Ada\n")
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


def test_serve_answers_and_stops_when_told(site, tagger):
    command = arguments(site, "-m", "structkd_runtime", "serve", f"small={tagger}", "--port", 0)
    with subprocess.Popen(**command, stderr=subprocess.PIPE, text=True) as process:
        address = re.search(r"http://\S+\d", process.stderr.readline())[0]
        body = json.dumps({"model": "small", "text": "Ada flew to Oslo."}).encode()
        request = urllib.request.Request(f"{address}/tag", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            assert b"Oslo" in answer.read()
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0


@pytest.mark.slow
def test_it_is_installed_from_a_registry_into_an_empty_environment(wheel, tagger, tmp_path):
    venv.create(tmp_path, with_pip=True)
    bin_ = tmp_path / "bin"
    done = subprocess.run([bin_ / "pip", "install", "--quiet", f"{wheel}[segmentation,serve]"], capture_output=True)
    assert done.returncode == 0, done.stderr
    tag = subprocess.run(
        [bin_ / "structkd-runtime", "tag", tagger], input="Ada met 東京.\n", capture_output=True, text=True
    )
    assert json.loads(tag.stdout)["tokens"] == ["Ada", "met", "東京", "."]
