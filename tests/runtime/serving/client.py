"""A client that says what it likes."""

import http.client
import json
import socket


def ask(process, method, path, body=None, headers=None):
    """Status, headers and body of an answer, from a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def get(process, path):
    """The JSON of a path."""
    status, _, body = ask(process, "GET", path)
    assert status == 200, body
    return json.loads(body)


def post(process, body, **headers):
    """Status and JSON of an answer to `POST /tag`; `body` is bytes, or an object for JSON."""
    given = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _, answer = ask(process, "POST", "/tag", given, {"Content-Type": "application/json"} | headers)
    return status, json.loads(answer)


def records(process, **body):
    """The records of an answer."""
    status, answer = post(process, body)
    assert status == 200, answer
    return answer["records"]


def connected(process):
    """A raw connection."""
    return socket.create_connection(("127.0.0.1", process.port), timeout=60)


def head(length):
    """The head of `POST /tag` with a body of `length` bytes."""
    return (
        f"POST /tag HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def everything(raw):
    """What comes over a raw connection until the server closes it; a reset closes it, too."""
    found = b""
    try:
        while part := raw.recv(65536):
            found += part
    except ConnectionResetError:
        pass
    return found
