"""A small S3 server on loopback, for tests: objects in memory, and a queue of faults.

It speaks what a store needs: GET, HEAD, PUT with If-None-Match, ranges and lists; also as Google Cloud Storage says it.
Signatures are not checked.
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from structkd.artifacts.stores.objects import _client

SECRET, KEY = "a-very-secret-key", "AKIDEXAMPLE"


@dataclass
class Bucket:
    """The objects of bucket `b`, and what goes wrong: `fault` gets method and key, and returns a fault's name."""

    port: int = 0
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    fault: Callable[[str, str], str | None] = lambda method, key: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def write_account(self, path: Path) -> None:
        """Write what Google's client needs to find this server, and to ask nobody for a token."""
        place = {"gcs_base_url": f"http://127.0.0.1:{self.port}", "disable_oauth": True}
        path.write_text(json.dumps(place | {"client_email": "", "private_key": "", "private_key_id": ""}))

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bucket = Bucket(self.server_address[1])


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """`cut` sends half of the body; `drop` does what is asked and sends nothing."""
        if self.fault == "drop":
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.fault == "cut":
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        elif self.command != "HEAD":
            self.wfile.write(body)

    def error(self, status: int, code: str) -> None:
        # As real servers do, this says more than a log should: the key and what was signed.
        said = self.headers.get("Authorization", "")
        self.answer(status, f"<Error><Code>{code}</Code><Message>{KEY} {SECRET} {said}</Message></Error>".encode())

    def begin(self) -> tuple[Bucket, str, dict[str, list[str]], bytes]:
        parts, bucket = urlsplit(self.path), self.server.bucket
        name, _, key = unquote(parts.path)[1:].partition("/")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with bucket.lock:
            bucket.requests.append((self.command, key))
        self.fault = bucket.fault(self.command, key) if name == "b" else "NoSuchBucket"
        return bucket, key, parse_qs(parts.query, keep_blank_values=True), body

    def refused(self) -> bool:
        errors = {"NoSuchKey": 404, "NoSuchBucket": 404, "AccessDenied": 403, "InternalError": 500}
        if self.fault in errors:
            self.error(errors[self.fault], self.fault)
        return self.fault in errors

    def do_GET(self) -> None:
        bucket, key, query, _ = self.begin()
        if self.refused():
            return
        if "list-type" in query:
            prefix = query.get("prefix", [""])[0]
            with bucket.lock:
                found = {name: len(one) for name, one in bucket.objects.items() if name.startswith(prefix)}
            listed = "".join(
                f"<Contents><Key>{escape(name)}</Key><Size>{size}</Size><ETag>e</ETag>"
                "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
                for name, size in sorted(found.items())
                if "delimiter" not in query or "/" not in name[len(prefix) :]
            )
            xml = f"<ListBucketResult><IsTruncated>false</IsTruncated>{listed}</ListBucketResult>"
            self.answer(200, xml.encode())
        elif key not in bucket.objects:
            self.error(404, "NoSuchKey")
        else:
            self.send_object(bucket.objects[key])

    def send_object(self, body: bytes) -> None:
        headers = {"ETag": f'"{hash(body):x}"', "Last_Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not asked:
            self.answer(200, body, **headers)
            return
        first, last = int(asked[1]), min(int(asked[2]), len(body) - 1)
        if first >= len(body):
            self.error(416, "InvalidRange")
        else:
            headers["Content_Range"] = f"bytes {first}-{last}/{len(body)}"
            self.answer(206, body[first : last + 1], **headers)

    def do_PUT(self) -> None:
        bucket, key, _, body = self.begin()
        if self.refused():
            return
        with bucket.lock:
            new = self.headers.get("If-None-Match") == "*" or self.headers.get("x-goog-if-generation-match") == "0"
            exists = key in bucket.objects and new
            if not exists and self.fault != "lose":
                bucket.objects[key] = body
        if exists:
            self.error(412, "PreconditionFailed")
        else:
            self.answer(200, ETag='"e"')

    def log_message(self, *_: object) -> None: ...


@contextmanager
def s3_server() -> Iterator[Bucket]:
    """A server with the bucket `b`."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.bucket
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def s3_environment(monkeypatch) -> Iterator[Bucket]:
    """A server, and an environment that leads to it."""
    with s3_server() as found:
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        _client.cache_clear()
        yield found
    _client.cache_clear()


def once(fault, *wanted):
    """A fault of the first request with this method and this part of the key."""
    left = Counter({wanted: 1})

    def choose(method, key):
        if left[wanted] and method == wanted[0] and wanted[1] in key:
            left[wanted] -= 1
            return fault
        return None

    return choose


def always(fault, method="", part=""):
    return lambda one, key: fault if method in one and part in key else None
