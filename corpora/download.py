"""Takes a file from a server that need not be trusted: whole, of a known SHA-256 if there is one, and bounded."""

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

from structkd.corpora.files import read_regular
from structkd.corpora.sentences import CorpusError

RETRIES = 2
TIMEOUT = 30.0  # seconds without a byte
SLOWEST = 4096  # bytes a second on average, once TIMEOUT is over
_CHUNK = 1 << 16
_REDIRECTIONS = 5


def download(address: str, *, known: str | None, most: int) -> bytes:
    """The content of an address.

    Args:
        known: its SHA-256.
        most: the bytes that it may have; no more are taken.

    Raises:
        CorpusError: the download failed, is not the known content, too large, compressed, or too slow.
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
    """What is not tried again: a server that sends this once will do so the next time."""


@dataclass(frozen=True)
class _Downloader:
    """Writes an address's bytes to a file, as pooch calls it."""

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
        """None: requests would read the redirection's body to its end, whoever asks for its target."""


def _answer(url: str) -> requests.Response:
    """What a server answers, redirections aside; none of the body is read."""
    session = _Session()
    for _ in range(_REDIRECTIONS + 1):
        # A compressed body could become a thousand times what was sent.
        response = session.get(url, stream=True, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"})
        if not response.is_redirect:
            return response
        response.close()
        url = urljoin(url, response.headers["Location"])
    raise _RefusedError(f"found more than {_REDIRECTIONS} redirections; use another mirror")
