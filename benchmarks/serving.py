"""The server under load: `python -m benchmarks.serving [FOLDER] [--requests 2000] [--many 100000]`.

A real server, `structkd serve`, and clients in a process of their own that keep their connections open and send one
text of the demo corpus a request. Beside it, in the same run, the same texts are tagged without a server, one by one
and all at once. All answers are compared with those; probabilities may differ by one in the fourth digit, because
rounding depends on which texts are tagged together. The server's resident memory is read before and after many
requests.
"""

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from rich.table import Table

from benchmarks.processes import apart
from benchmarks.untrained import LANGUAGES, untrained
from structkd.corpora.demo import demo_corpus
from structkd.pipeline.commands.console import make_console
from structkd.runtime.records import record
from structkd.tagger.opening import open_tagger

CONNECTIONS = (1, 8, 64)


@dataclass(frozen=True)
class Load:
    """What the clients saw."""

    seconds: float
    milliseconds: tuple[float, ...]
    """Of each request."""
    wrong: int

    @property
    def cells(self) -> tuple[str, str, str]:
        """Requests a second, and the median and the 99th percentile of a request's milliseconds."""
        p50, p99 = np.percentile(self.milliseconds, (50, 99))
        return f"{len(self.milliseconds) / self.seconds:,.0f}", f"{p50:.2f}", f"{p99:.2f}"


def texts_of(count: int) -> list[str]:
    """Return sentences of the demo corpus, of all languages in turn."""
    corpora = [demo_corpus(language, "test", sentences=count // len(LANGUAGES), seed=0) for language in LANGUAGES]
    return [" ".join(sentence.tokens) for row in zip(*corpora, strict=True) for sentence in row]


@contextmanager
def served(folder: Path) -> Iterator[tuple[int, int]]:
    """Start a server; yield its port and its process id."""
    command = [sys.executable, "-m", "structkd", "serve", "--port", "0", f"model={folder}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        found = re.search(r":(\d+);", process.stderr.readline())
        assert found
        try:
            yield int(found[1]), process.pid
        finally:
            process.terminate()


def alone(folder: Path, texts: Sequence[str]) -> tuple[list[dict[str, Any]], Load, float]:
    """Tag without a server; returns the records, the load of one text after the other, and texts a second at once."""
    torch.set_num_threads(1)
    tagger = open_tagger(folder)
    tagger.tag(texts[:100])
    taken, records, began = [], [], time.perf_counter()
    for text in texts:
        before = time.perf_counter()
        records.append(record(tagger.tag([text])[0]))
        taken.append(1e3 * (time.perf_counter() - before))
    load = Load(time.perf_counter() - began, tuple(taken), 0)
    began = time.perf_counter()
    json.dumps([record(one) for one in tagger.tag(texts)])
    return records, load, len(texts) / (time.perf_counter() - began)


def load(port: int, texts: Sequence[str], expected: Sequence[dict[str, Any]], connections: int, requests: int) -> Load:
    """Send requests over connections that each wait for an answer before the next request."""
    bodies = [json.dumps({"text": text}).encode() for text in texts]
    taken: list[float] = []
    wrong: list[int] = []

    def client(first: int) -> None:
        connection = HTTPConnection("127.0.0.1", port)
        for number in range(first, requests, connections):
            before = time.perf_counter()
            connection.request("POST", "/tag", bodies[number % len(bodies)], {"Content-Type": "application/json"})
            answer = connection.getresponse().read()
            taken.append(1e3 * (time.perf_counter() - before))
            if not _same(json.loads(answer)["records"][0], expected[number % len(bodies)]):
                wrong.append(number)
        connection.close()

    threads = [threading.Thread(target=client, args=(first,)) for first in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Load(time.perf_counter() - began, tuple(taken), len(wrong) + requests - len(taken))


def _same(found: Any, expected: Any) -> bool:
    """True for equal JSON; fractions may differ by one in the fourth digit."""
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(_same(found[name], expected[name]) for name in expected)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(_same, found, expected))
    return abs(found - expected) < 1.5e-4 if isinstance(expected, float) else bool(found == expected)


def _resident(process: int) -> float:
    """Megabytes of a process."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text("ascii"))
    assert found
    return int(found[1]) / 1e3


def main(
    folder: Annotated[
        Path | None,
        typer.Argument(help="A trained or exported tagger.", show_default="one that nobody has trained"),
    ] = None,
    requests: Annotated[int, typer.Option(min=100, help="For each number of connections.")] = 2000,
    many: Annotated[int, typer.Option(min=0, help="Over which memory is measured, at 64 connections.")] = 100_000,
) -> None:
    """Print requests a second and milliseconds a request. Linux."""
    if folder:
        measure(folder, requests, many)
    else:
        with untrained() as made:
            measure(made.exported, requests, many)


def measure(folder: Path, requests: int, many: int) -> None:
    """Measure a server of one tagger, see `main`."""
    texts = texts_of(1000)
    words = sum(len(text.split()) for text in texts) / len(texts)
    table = Table("", "texts a second", "p50, ms", "p99, ms", "wrong answers")
    expected, one, together = apart(alone, folder, texts)
    table.add_row("without a server, one by one", *one.cells, "-")
    table.add_row("without a server, 1000 at once", f"{together:,.0f}", "-", "-", "-")
    with served(folder) as (port, process):
        load(port, texts, expected, 8, 1000)
        for connections in CONNECTIONS:
            found = apart(load, port, texts, expected, connections, requests)
            table.add_row(f"served, {connections} connections", *found.cells, str(found.wrong))
        before = _resident(process)
        if many:
            found = apart(load, port, texts, expected, CONNECTIONS[-1], many)
            table.add_row(f"served, {CONNECTIONS[-1]} connections, {many:,} requests", *found.cells, str(found.wrong))
        after = _resident(process)
    console = make_console()
    console.print(
        table,
        f"{words:.0f} words a text; the server's memory: {before:.1f} MB after {1000 + 3 * requests:,} requests, "
        f"{after:.1f} MB after {many:,} more",
        soft_wrap=True,
    )


if __name__ == "__main__":
    typer.run(main)
