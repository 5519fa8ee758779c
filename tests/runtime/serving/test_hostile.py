"""What a client sends is refused by name, and costs the others nothing."""

import json
import socket
import time
from contextlib import ExitStack, suppress

import pytest

from tests.runtime.serving.client import ask, connected, everything, head, post, records
from tests.runtime.serving.process import SLOW, running


@pytest.fixture(scope="module")
def server():
    with running(body_bytes=200_000, text_characters=1000, texts=5, receive_seconds=1, send_seconds=1) as process:
        yield process


@pytest.fixture(autouse=True)
def unharmed(server):
    yield
    assert [one["text"] for one in records(server, text="still here")] == ["still here"]


def fields(answer):
    error = answer["error"]
    assert error["message"] == f"{error['field']}: found {error['found']}, expected {error['expected']}"
    return error["field"], error["found"], error["expected"]


ALL = "only text, texts, model, k, marginals, threshold"


@pytest.mark.parametrize(
    ("body", "field", "found", "expected"),
    [
        ([], "body", "an array", "an object"),
        ("text", "body", "a string", "an object"),
        ({}, "body", "neither text nor texts", "one of them"),
        ({"text": "a", "texts": []}, "body", "both text and texts", "one of them"),
        ({"text": None}, "text", "null", "a string"),
        ({"text": "a", "model": "other"}, "model", '"other"', "one of spans"),
        ({"text": "a", "model": {}}, "model", "an object", "one of spans"),
        ({"text": "a", "Text": "b"}, '"Text"', "an unknown field", ALL),
        ({"text": "a", "\u001b[2J<b>" + "x" * 99: 1}, '"\\u001b[2J<b>' + "x" * 33 + '..."', "an unknown field", ALL),
        ({"texts": "a"}, "texts", "a string", "an array of strings"),
        ({"texts": ["a", 1]}, "texts[1]", "a number", "a string"),
        ({"texts": ["a"] * 6}, "texts", "6 texts", "at most 5"),
        ({"texts": ["a", "b" * 1001]}, "texts[1]", "1001 characters", "at most 1000"),
        ({"text": "a\ud800"}, "text", "half of a surrogate pair, \\ud800, at character 2", "whole characters"),
        ({"text": "a", "k": True}, "k", "true", "a whole number from 0 to 10"),
        ({"text": "a", "k": 1.5}, "k", "a number", "a whole number from 0 to 10"),
        ({"text": "a", "k": 11}, "k", "11", "a whole number from 0 to 10"),
        ({"text": "a", "k": -1}, "k", "-1", "a whole number from 0 to 10"),
        ({"text": "a", "k": 10**400}, "k", "1" + "0" * 19, "a whole number from 0 to 10"),
        ({"text": "a", "marginals": 1}, "marginals", "a number", "true or false"),
        ({"text": "a", "threshold": "0.5"}, "threshold", "a string", "a number from 0 to 1"),
        ({"text": "a", "threshold": 1.5}, "threshold", "1.5", "a number from 0 to 1"),
    ],
)
def test_a_wrong_field_is_named(server, body, field, found, expected):
    status, answer = post(server, body)
    assert (status, *fields(answer)) == (422, field, found, expected)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "no JSON (Expecting value: line 1, column 1)"),
        (b'{"text": "a"', "no JSON (Expecting ',' delimiter: line 1, column 13)"),
        (b'{"text": "a"}{}', "no JSON (Extra data: line 1, column 14)"),
        (b'{"text": "Z\xfcrich"}', "0xfc at byte 12"),
        ('{"text": "a"}'.encode("utf-16"), "0xff at byte 1"),
        (b'\xef\xbb\xbf{"text": "a"}', "no JSON (Unexpected UTF-8 BOM"),
        (b'{"text": "a", "threshold": NaN}', "no JSON (NaN is no number of JSON)"),
        (b'{"text": "a", "text": "b"}', "no JSON (a field that is given twice)"),
        (b'{"k": 1' + b"0" * 5000 + b"}", "no JSON (an integer of 5001 digits, expected at most 4000)"),
        (b"[" * 199_000, "values that are nested too deeply"),
        (b'{"text":' * 20_000, "values that are nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused(server, body, found):
    status, answer = post(server, body)
    assert status == 400
    assert fields(answer)[1].startswith(found)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Content-Type", "text/plain"),
        ("Content-Type", "application/json; charset=latin-1"),
        ("Content-Type", ""),
        ("Content-Encoding", "gzip"),
    ],
)
def test_another_kind_of_body_is_refused(server, header, value):
    status, answer = post(server, {"text": "a"}, **{header: value})
    assert (status, fields(answer)[0]) == (415, header)


def test_other_paths_and_methods_are_refused(server):
    status, headers, body = ask(server, "GET", "/tag")
    assert (status, headers["Allow"], fields(json.loads(body))[0]) == (405, "POST", "method")
    for path in ("/tag/", "/nowhere", "/../page.py", "/%2e%2e/page.py", "/static/page.js"):
        status, _, body = ask(server, "GET", path)
        assert (status, fields(json.loads(body))[0]) == (404, "path")
        assert "expected one of /tag, /health, /models, /openapi.json, /metrics, /" in body.decode()


def test_a_declared_length_is_refused_before_the_body_is_sent(server):
    with connected(server) as raw:
        raw.sendall(head(10**18))
        assert raw.recv(1000).startswith(b"HTTP/1.1 413 ")
        raw.sendall(b"x" * 10_000)  # is read and thrown away, for a time
        everything(raw)


def test_a_body_without_end_is_refused_and_then_cut_off(server):
    with connected(server) as raw:
        raw.sendall(head(1).replace(b"Content-Length: 1", b"Transfer-Encoding: chunked"))
        answer = b""
        raw.settimeout(0.01)
        with suppress(ConnectionResetError, BrokenPipeError):
            while True:
                with suppress(TimeoutError):
                    raw.sendall(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
                    answer += raw.recv(1000)
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("sent", [b"", b"POST", head(100)[:-2]])
def test_a_slow_head_is_cut_off_while_others_are_served(server, sent):
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(server)) for _ in range(50)]
        for raw in slow:
            raw.sendall(sent)
        records(server, text="another")
        assert [everything(raw) for raw in slow] == [b""] * 50


def test_a_slow_body_is_refused_while_others_are_served(server):
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(server)) for _ in range(50)]
        for raw in slow:
            raw.sendall(head(100) + b'{"text"')
        records(server, text="another")
        for raw in slow:
            answer = everything(raw)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert fields(json.loads(answer.partition(b"\r\n\r\n")[2]))[:2] == ("body", "7 bytes")


def test_clients_that_leave_are_forgotten(server):
    """Half-closed and closed, before, within and after the body: their requests are not tagged for nobody."""
    body = json.dumps({"text": SLOW}).encode()
    began = time.monotonic()
    for sent in (b"", head(len(body)), head(len(body)) + body[:5], head(len(body)) + body):
        for _ in range(10):
            with connected(server) as raw:
                raw.sendall(sent)
                raw.shutdown(socket.SHUT_WR)
                assert everything(raw) == b""
    records(server, text="after them")
    assert time.monotonic() - began < 0.5 * 10  # ten slow texts, each tagged for half a second


def test_pipelined_requests_are_answered_in_order(server):
    bodies = [json.dumps({"text": text}).encode() for text in (SLOW, "two", "three")]
    with connected(server) as raw:
        raw.sendall(b"".join(head(len(body)) + body for body in bodies))
        found = b""
        while found.count(b"HTTP/1.1 200 ") < 3 or not found.endswith(b"}"):
            found += raw.recv(65536)
    assert found.index(SLOW.encode()) < found.index(b'"two"') < found.index(b'"three"')


def test_a_client_that_does_not_read_is_cut_off():
    """It takes the only connection, so others are served when it is gone."""
    body = json.dumps({"texts": ["a " * 500] * 5, "k": 10, "marginals": True}).encode()
    with running(connections=1, send_seconds=1) as server, connected(server) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.sendall((head(len(body)) + body) * 30)
        raw.recv(1)
        while ask(server, "GET", "/health")[0] == 503:
            pass


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02\x00\x01\x00" * 9, b"GET / HTTP/9\r\n\r\n", b"x" * 100_000])
def test_what_is_no_http_is_refused(server, sent):
    with connected(server) as raw:
        raw.sendall(sent)
        assert everything(raw)[:13] in (b"HTTP/1.1 400 ", b"")


def test_connections_beyond_the_limit_are_turned_away():
    with running(connections=3) as server, ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(connected(server))
        with connected(server) as raw:
            assert everything(raw).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        stack.close()
        while ask(server, "GET", "/health")[0] != 200:
            pass
