"""Downloads from a server that need not be trusted: whole, checked by SHA-256 if it is known, and of limited size."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pooch
import requests
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from structkd.corpora.sentences import CorpusError
from structkd.ground.files import read_regular

RETRIES = 2
TIMEOUT = 30.0  # seconds without a byte
SLOWEST = 4096  # bytes a second on average, once TIMEOUT is over
_CHUNK = 1 << 16
_REDIRECTIONS = 5


def download(address: str, *, known: str | None, most: int) -> bytes:
    """Download the content of an address.

    Args:
        known: SHA-256 of the content.
        most: largest number of bytes; no more are read.

    Raises:
        CorpusError: the download failed, is not the known content, is too large, compressed, or too slow.
    """
    pooch.get_logger().setLevel("WARNING")  # it writes to the terminal, which is the caller's
    with tempfile.TemporaryDirectory() as scratch:
        store = pooch.create(
            scratch, base_url="", registry={"file": known}, urls={"file": address}, retry_if_failed=RETRIES
        )
        try:
            return read_regular(Path(store.fetch("file", downloader=_Downloader(most))))
        except (OSError, ValueError, _RefusedError) as error:  # of requests, which are OSErrors; for a wrong digest
            raise CorpusError(f"{address}: the download failed: {error}") from error


class _RefusedError(Exception):
    """An error that is not retried: the server will answer the same next time."""


@dataclass(frozen=True)
class _Downloader:
    """A downloader for pooch: it writes the bytes of an address to a file."""

    most: int

    def __call__(self, url: str, output_file: str, store: Any) -> None:
        try:
            with _answer(url) as response:
                response.raise_for_status()
                self._check_headers(response.headers)
                with Path(output_file).open("wb") as file:
                    file.writelines(self._bounded(response.raw))
        except HTTPError as error:
            raise requests.ConnectionError(error) from error  # which pooch tries again

    def _check_headers(self, headers: Any) -> None:
        if (coding := headers.get("Content-Encoding", "identity")) != "identity":
            raise _RefusedError(f"the server sent it compressed ({coding}), unasked; use another mirror")
        length = headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > self.most:
            raise _RefusedError(f"found {length} bytes, expected at most {self.most}; use another mirror")

    def _bounded(self, body: HTTPResponse) -> Iterator[bytes]:
        taken, began = 0, time.monotonic()
        while chunk := body.read1(_CHUNK, decode_content=False):  # not `read`, which waits until a chunk is full
            taken += len(chunk)
            if taken > self.most:
                raise _RefusedError(f"found more than {self.most} bytes, expected at most as many; use another mirror")
            if time.monotonic() - began > TIMEOUT + taken / SLOWEST:
                raise _RefusedError(f"found fewer than {SLOWEST} bytes a second; use another mirror")
            yield chunk


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None: otherwise requests would read the body of the redirection to its end."""


def _answer(url: str) -> requests.Response:
    """Return a server's answer after redirections; the body is not read."""
    session = _Session()
    for _ in range(_REDIRECTIONS + 1):
        # A compressed body could become a thousand times what was sent.
        response = session.get(url, stream=True, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"})
        if not response.is_redirect:
            return response
        response.close()
        url = urljoin(url, response.headers["Location"])
    raise _RefusedError(f"found more than {_REDIRECTIONS} redirections; use another mirror")
