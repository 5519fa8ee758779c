"""Fetching, against a real server on loopback: a file arrives whole and right, or not at all."""

import gzip
import json
import os
import socket
import struct
import threading
from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from structkd.corpora import catalog, download, fetch
from structkd.corpora.catalog import corpora_root, load, source_path, status
from structkd.corpora.columns import read_columns
from structkd.corpora.conllu import read_conllu
from structkd.corpora.origins import origin_path, read_origin
from structkd.corpora.sentences import CorpusError, Sentence
from structkd.ground.files import digest_bytes, digest_file


def treebank(*sentences):
    lines = []
    for words in sentences:
        lines += [f"{place}\t{word}\tx\tNOUN\t_\t_\t0\troot\t_\t_" for place, word in enumerate(words, 1)] + [""]
    return ("\n".join(lines) + "\n").encode()


GOOD = treebank(["یک", "20 000"], ["دو"])


class Server(ThreadingHTTPServer):
    """Answers with `content[path]`; a path's first `faults` are used up before."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.faults, self.requests = {}, defaultdict(list), []
        self.stopping = threading.Event()
        self.address = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """A connection that a test breaks on purpose is no news."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        faults = self.server.faults[self.path]
        fault = faults.pop(0) if faults else None
        content = self.server.content.get(self.path)
        if content is None:
            self.send_error(404)
            return
        if callable(content):
            content(self)
            return
        if fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if fault == "truncate" else content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.stopping.set()
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_digests_and_no_waiting(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    for module in (catalog, fetch):
        monkeypatch.setattr(module, "DIGESTS", {})


FA = "/UD_Persian-Seraji/r2.5/fa_seraji-ud-{}.conllu"
SL = "/UD_Slovenian-SST/r2.5/sl_sst-ud-{}.conllu"


def serve(server, pattern, **contents):
    for split, content in contents.items():
        server.content[pattern.format(split)] = content


def get(server, root, name="conllu", languages=("fa",), **options):
    return fetch.fetch(name, root, languages=languages, base_url=server.address, **options)


def files(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def know(monkeypatch, **digests):
    for module in (catalog, fetch):
        monkeypatch.setattr(module, "DIGESTS", {f"conllu/fa/{split}.conllu": sha for split, sha in digests.items()})


def test_treebanks_arrive_as_released(server, tmp_path):
    serve(server, FA, train=GOOD, dev=GOOD, test=GOOD)
    seen = []
    paths = get(server, tmp_path, progress=seen.append)
    assert paths == seen == [tmp_path / f"conllu/fa/{split}.conllu" for split in ("train", "dev", "test")]
    assert all(path.read_bytes() == GOOD for path in paths)
    assert files(tmp_path / "conllu/fa") == sorted(
        f"{split}.conllu{end}" for split in ("train", "dev", "test") for end in ("", ".origin.json")
    )
    assert {file.state for file in status("conllu", tmp_path) if file.language == "fa"} == {"present"}


def test_what_was_downloaded_is_recorded(server, tmp_path):
    serve(server, FA, train=GOOD, dev=GOOD, test=GOOD)
    path = get(server, tmp_path)[0]
    record = json.loads(origin_path(path).read_text("utf-8"))
    assert record["address"] == server.address + FA.format("train")
    assert record["sha256"] == record["downloaded_sha256"] == digest_bytes(GOOD)
    assert len(record["date"]) == 10


def test_a_file_is_as_readable_as_any_other(server, tmp_path):
    serve(server, FA, train=GOOD, dev=GOOD, test=GOOD)
    plain = tmp_path / "plain"
    plain.touch()
    assert get(server, tmp_path)[0].stat().st_mode == plain.stat().st_mode


def test_files_that_are_there_are_not_downloaded_again(server, tmp_path):
    serve(server, FA, train=GOOD, dev=GOOD, test=GOOD)
    first = get(server, tmp_path)
    assert len(server.requests) == 3
    assert get(server, tmp_path) == first
    assert len(server.requests) == 3


def test_tags_are_made_from_the_release(server, tmp_path):
    serve(server, FA, train=GOOD, dev=GOOD, test=GOOD)
    path = get(server, tmp_path, "ud")[0]
    assert path == tmp_path / "ud/fa/train.tsv"
    assert path.read_text("utf-8") == "یک\tNOUN\n20\u00a0000\tNOUN\n\nدو\tNOUN\n\n"
    assert load("ud", "fa", "train", root=tmp_path)[1] == Sentence(("دو",), ("NOUN",))
    origin = read_origin(path)
    assert (origin.address, origin.downloaded_sha256) == (server.address + FA.format("train"), digest_bytes(GOOD))
    assert origin.sha256 == digest_file(path)
    assert {file.state for file in status("ud", tmp_path) if file.language == "fa"} == {"present"}


def test_a_treebank_without_dev_gives_a_tenth_of_its_train(server, tmp_path):
    words = [[f"w{place}"] for place in range(57)]
    serve(server, SL, train=treebank(*words), test=GOOD)
    paths = get(server, tmp_path, "ud", ("sl",))
    train, dev, test = (read_columns(path).sentences for path in paths)
    assert (len(train), len(dev), len(test)) == (52, 5, 2)
    released = read_conllu(tmp_path / "conllu/sl/train.conllu").sentences
    assert sorted(train + dev, key=released.index) == list(released)
    for part in (train, dev):
        assert [*part] == sorted(part, key=released.index)
    assert fetch.carve_dev(released) == (train, dev)
    assert "no dev: a tenth of its train" in read_origin(paths[1]).note
    assert not source_path("conllu", "sl", "train", tmp_path).with_name("dev.conllu").exists()


def test_a_server_that_dies_midway_is_asked_again(server, tmp_path):
    serve(server, FA, train=GOOD, dev=GOOD, test=GOOD)
    server.faults[FA.format("train")] = ["truncate", "reset"]
    assert get(server, tmp_path)[0].read_bytes() == GOOD
    assert len(server.requests) == 5


@pytest.mark.parametrize("known", [True, False])
def test_a_body_cut_short_leaves_nothing(server, tmp_path, monkeypatch, known):
    serve(server, FA, train=GOOD)
    if known:
        know(monkeypatch, train=digest_bytes(GOOD))
    server.faults[FA.format("train")] = ["truncate"] * 9
    with pytest.raises(CorpusError, match=r"fa_seraji-ud-train\.conllu: the download failed"):
        get(server, tmp_path)
    assert len(server.requests) == 3
    assert files(tmp_path) == []


def test_bytes_that_are_not_the_known_ones_leave_nothing(server, tmp_path, monkeypatch):
    serve(server, FA, train=treebank(["other"]))
    know(monkeypatch, train=digest_bytes(GOOD))
    with pytest.raises(CorpusError, match="the download failed: SHA256 hash of downloaded file"):
        get(server, tmp_path)
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>not found, politely</html>\n\n", "what came is not a treebank"),
        (GOOD[:-1], "the file ends inside a sentence"),
        (b"", "what came is not a treebank"),
    ],
)
def test_bytes_that_are_no_treebank_leave_nothing(server, tmp_path, content, message):
    serve(server, FA, train=content)
    with pytest.raises(CorpusError, match=message):
        get(server, tmp_path)
    assert files(tmp_path) == []


def test_a_missing_file_is_an_error_and_what_came_before_stays(server, tmp_path):
    serve(server, FA, train=GOOD)
    with pytest.raises(CorpusError, match=r"fa_seraji-ud-dev\.conllu: the download failed: 404"):
        get(server, tmp_path)
    assert files(tmp_path) == ["conllu/fa/train.conllu", "conllu/fa/train.conllu.origin.json"]


def endless(chunk, *headers, gap=0.0, status=200):
    """A body that never ends, until the other side has had enough."""

    def answer(handler):
        handler.send_response(status)
        for header in headers:
            handler.send_header(*header)
        handler.end_headers()
        with suppress(OSError):
            while not handler.server.stopping.wait(gap):
                handler.wfile.write(chunk)

    return answer


def whole(content, *headers, status=200):
    def answer(handler):
        handler.send_response(status)
        for header in headers:
            handler.send_header(*header)
        handler.end_headers()
        with suppress(OSError):
            handler.wfile.write(content)

    return answer


CHUNKED = ("Transfer-Encoding", "chunked")
BOMB = gzip.compress(bytes(1 << 27))
HOSTILE = {
    "endless": (endless(bytes(1 << 16)), "found more than 1048576 bytes"),
    "endless, chunked": (endless(b"10000\r\n" + bytes(1 << 16) + b"\r\n", CHUNKED), "found more than 1048576 bytes"),
    "endless lines without a sentence": (endless(b"# a comment\n" * 999), "found more than 1048576 bytes"),
    "a length beyond the bound": (
        endless(bytes(9), ("Content-Length", "9" * 30)),
        "found 9{30} bytes, expected at most",
    ),
    "a length that is a lie": (endless(bytes(1 << 16), ("Content-Length", "-1")), "found more than 1048576 bytes"),
    "no number for a length": (endless(bytes(1 << 16), ("Content-Length", "all")), "found more than 1048576 bytes"),
    "a length beyond the body": (whole(GOOD, ("Content-Length", "9999")), "the download failed: .*IncompleteRead"),
    "a length short of the body": (
        whole(GOOD, ("Content-Length", "40")),
        "not a treebank|inside a sentence",
    ),
    "a gzip bomb": (whole(BOMB, ("Content-Encoding", "gzip")), "compressed .gzip., unasked"),
    "a gzip bomb without a name": (whole(BOMB), "what came is not a treebank"),
    "a redirection with an endless body": (
        endless(bytes(1 << 16), ("Location", "/nowhere"), status=302),
        "the download failed: 404",
    ),
    "redirections in a circle": (
        lambda handler: whole(b"", ("Location", handler.path), ("Content-Length", "0"), status=302)(handler),
        "found more than 5 redirections",
    ),
    "a redirection to a file": (whole(b"", ("Location", "file:///etc/passwd"), status=302), "the download failed"),
    "slow": (endless(b"#", ("Content-Length", "9999"), gap=0.01), "found fewer than 4096 bytes a second"),
    "slow, chunked": (endless(b"1\r\n#\r\n", CHUNKED, gap=0.01), "found fewer than 4096 bytes a second"),
    "one slow chunk": (endless(b"fffff\r\n#", CHUNKED, gap=0.01), "found fewer than 4096 bytes a second"),
    "silent": (endless(b"", ("Content-Length", "9999"), gap=0.01), "the download failed: .*[Tt]imed? ?out"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_server_is_left_before_it_has_sent_too_much(server, tmp_path, monkeypatch, kind):
    answer, message = HOSTILE[kind]
    server.content[FA.format("train")] = answer
    known = catalog.entry("conllu")
    monkeypatch.setattr(fetch, "entry", lambda name: replace(catalog.entry(name), largest_bytes=1 << 20))
    assert known.largest_bytes == 1 << 26
    if "slow" in kind or kind == "silent":
        monkeypatch.setattr(download, "TIMEOUT", 0.2)
    with pytest.raises(CorpusError, match=message):
        get(server, tmp_path)
    assert files(tmp_path) == []


def test_a_redirection_to_the_file_is_followed(server, tmp_path):
    serve(server, FA, dev=GOOD, test=GOOD)
    server.content[FA.format("train")] = whole(b"", ("Location", "/elsewhere"), ("Content-Length", "0"), status=302)
    server.content["/elsewhere"] = GOOD
    assert get(server, tmp_path)[0].read_bytes() == GOOD


def test_no_server_is_an_error(tmp_path):
    with Server() as gone:
        address = gone.address
    with pytest.raises(CorpusError, match="the download failed"):
        fetch.fetch("conllu", tmp_path, languages=["fa"], base_url=address)
    assert files(tmp_path) == []


def test_a_later_download_must_be_what_was_recorded(server, tmp_path):
    serve(server, FA, train=GOOD, dev=GOOD, test=GOOD)
    path = get(server, tmp_path)[0]
    path.unlink()
    serve(server, FA, train=treebank(["changed"]))
    with pytest.raises(CorpusError, match="SHA256"):
        get(server, tmp_path)
    assert not path.exists()
    serve(server, FA, train=GOOD)
    assert get(server, tmp_path)[0].read_bytes() == GOOD


@pytest.mark.parametrize("name", ["ud", "conllu"])
def test_a_file_in_the_way_is_never_overwritten(server, tmp_path, name):
    serve(server, FA, train=GOOD, dev=GOOD, test=GOOD)
    mine = source_path(name, "fa", "train", tmp_path)
    mine.parent.mkdir(parents=True)
    mine.write_text("mine", "utf-8")
    with pytest.raises(CorpusError, match="move it away"):
        get(server, tmp_path, name)
    assert mine.read_text("utf-8") == "mine"


def test_a_corpus_that_is_not_free_says_where_it_is_and_where_it_goes(tmp_path):
    with pytest.raises(CorpusError) as caught:
        fetch.fetch("conll", tmp_path)
    for part in ("may not be passed on", "https://www.clips", f"{tmp_path}/conll/{{language}}/{{split}}.tsv"):
        assert part in str(caught.value)


def test_an_unknown_language_is_an_error_before_anything_is_downloaded(server, tmp_path):
    with pytest.raises(CorpusError, match="no language 'xx'"):
        get(server, tmp_path, languages=("fa", "xx"))
    assert server.requests == []


@pytest.mark.slow
@pytest.mark.skipif(
    not os.environ.get("STRUCTKD_CORPORA"), reason="reads the real corpora; set STRUCTKD_CORPORA to their folder"
)
@pytest.mark.parametrize("language", ["en", "fr", "sl", "ta"])
def test_the_released_treebanks_become_the_catalogued_files(server, tmp_path, monkeypatch, language):
    """Served from the real files: digests of downloads and of what is made of them are the catalog's."""
    monkeypatch.undo()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    splits = catalog.entry("conllu").splits_of(language)
    stem = catalog.entry("conllu").treebanks[language]
    for split in splits:
        real = source_path("conllu", language, split, corpora_root())
        if not real.is_file():
            pytest.skip(f"{real} is not there")
        server.content[f"/{stem}-{split}.conllu"] = real.read_bytes()
    for path in get(server, tmp_path, "ud", (language,)):
        assert digest_file(path) == catalog.DIGESTS[str(path.relative_to(tmp_path))]
