"""`structkd serve` answers as `structkd tag` does, and ends as a service manager expects."""

import json
import signal
import sys
from pathlib import Path

import pytest

from structkd.runtime.records import record
from structkd.tagger.texts import load_text_tagger
from tests.pipeline.tiny import structkd
from tests.pipeline.untrained import save_untrained
from tests.runtime.serving.client import connected, get, head, post, records
from tests.runtime.serving.process import running, stopped

pytestmark = pytest.mark.long

STRUCTKD = Path(sys.executable).with_name("structkd")
TEXTS = ["Ada flew to Oslo.", "", "Oslo"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("taggers")
    save_untrained(place / "one")
    save_untrained(place / "two", labels=("O", "S-PER", "S-LOC"))
    return place


def serving(folders, *arguments):
    return running(command=[STRUCTKD, "serve", "--port", 0, *arguments])


def test_taggers_are_served_by_name(folders):
    with serving(folders, folders / "one", f"second={folders / 'two'}") as server:
        assert [model["name"] for model in get(server, "/models")["models"]] == ["one", "second"]
        for name, folder in {"one": "one", "second": "two"}.items():
            alone = [record(one) for one in load_text_tagger(folders / folder).tag(TEXTS)]
            assert records(server, texts=TEXTS, model=name) == json.loads(json.dumps(alone))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_finishes_what_has_begun_with_exit_code_0(folders, number):
    body = b'{"text": "Ada"}'
    with serving(folders, folders / "one") as server, connected(server) as raw:
        raw.sendall(head(len(body)) + body[:5])
        get(server, "/health")
        server.send_signal(number)
        assert "finishes what has begun" in server.stderr.readline()
        raw.sendall(body[5:])
        assert raw.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert server.wait(60) == 0
        assert server.stderr.read() == ""


def test_a_second_signal_ends_it_at_once(folders):
    with serving(folders, folders / "one") as server, connected(server) as raw:
        raw.sendall(head(100))
        get(server, "/health")
        server.send_signal(signal.SIGTERM)
        server.stderr.readline()
        assert stopped(server) == 128 + signal.SIGTERM


def test_limits_are_options(folders):
    with serving(folders, folders / "one", "--max-body", 99, "--max-characters", 5, "--max-texts", 1) as server:
        assert post(server, {"text": "a" * 99})[1]["error"]["expected"] == "at most 99"
        assert post(server, {"text": "a" * 6})[1]["error"]["expected"] == "at most 5"
        assert post(server, {"texts": ["a", "b"]})[1]["error"]["expected"] == "at most 1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["one", "one"], "two taggers have the name one; give one as NAME=one"),
        (["x=one", "two", "x=two"], "two taggers have the name x"),
        (["nowhere"], "nowhere"),
        (["one", "--host", "192.0.2.1"], "cannot listen at 192.0.2.1, port 8000"),
    ],
)
def test_what_cannot_be_served_is_an_error(folders, arguments, message):
    done = structkd(folders, "serve", *arguments)
    assert done.returncode in (1, 2)
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
