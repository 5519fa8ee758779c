"""Is a set streamed from a store fast enough? `python -m benchmarks.stores [--tokens 1000000] [--latency 0.05]`.

Words a second from shards to batches: from the disk, and from a server on loopback, in turns. The server is a process
of its own, and waits `latency` seconds before each answer.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.synthetic import write_synthetic
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.stores.places import Place, Url
from structkd.artifacts.stream import StreamConfig, stream_epoch

COLUMNS = {
    "top-wk": ("gold", "paths", "path_weights"),
    "posterior": ("gold", "log_posteriors"),
    "exact": ("gold", "emissions", "log_partition"),
}
ADDRESS = Url("s3://b", "set")
BATCH_TOKENS = 4096


def serve(folder: Path, latency: float, channel: Connection) -> None:
    """Serve the files of a folder as objects until the other end is closed."""
    from tests.artifacts.s3 import s3_server

    def wait(method: str, key: str) -> None:
        time.sleep(latency)

    with s3_server() as bucket:
        bucket.objects |= {f"set/{path.name}": path.read_bytes() for path in folder.iterdir()}
        bucket.fault = wait
        channel.send(bucket.environment)
        channel.poll(None)


@contextmanager
def served(folder: Path, latency: float) -> Iterator[None]:
    """Have the environment name a server of the folder's files."""
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=serve, args=(folder, latency, there))
    process.start()
    os.environ.update(here.recv())
    try:
        yield
    finally:
        here.send(None)
        process.join()


def speed(place: Place, columns: tuple[str, ...]) -> tuple[float, float]:
    """Return words a second of an epoch, and words a second of processor time."""
    one = ArtifactSet.open(place, verify=False)
    began, used = time.perf_counter(), time.process_time()
    for _ in stream_epoch([one], columns, StreamConfig(BATCH_TOKENS, 1), 0):
        pass
    return one.tokens / (time.perf_counter() - began), one.tokens / (time.process_time() - used)


def main(
    tokens: Annotated[int, typer.Option(min=10_000, help="Of the synthetic set.")] = 1_000_000,
    latency: Annotated[float, typer.Option(min=0, help="Seconds before each answer.")] = 0.0,
    rounds: Annotated[int, typer.Option(min=1, help="Of which the best counts.")] = 3,
) -> None:
    """Print the speeds for the columns of three systems."""
    table = Table("system", "disk", "store", "ratio", "disk, CPU", "store, CPU", title="words a second")
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "set"
        write_synthetic(folder, tokens)
        with served(folder, latency):
            for system, columns in COLUMNS.items():
                found = [(speed(folder, columns), speed(ADDRESS, columns)) for _ in range(rounds)]
                (disk, disk_cpu), (store, store_cpu) = (
                    tuple(max(one[place][kind] for one in found) for kind in (0, 1)) for place in (0, 1)
                )
                cells = f"{disk:,.0f}", f"{store:,.0f}", f"{store / disk:.2f}", f"{disk_cpu:,.0f}", f"{store_cpu:,.0f}"
                table.add_row(system, *cells)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
