"""Write a set in a process of its own, and be killed on the way: `python -m tests.artifacts.writing FOLDER [N]`.

With N, the process kills itself at the N-th boundary: just before it syncs, renames or removes something, or halfway
through writing a file. Each shard that it begins is a line in the file that $TRACE names.
"""

import os
import signal
import sys
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from structkd.artifacts.writer import ShardWriter
from tests.artifacts.examples import batch, header

SENTENCES, SHARD_ROWS = 14, 4


def write(folder: Path) -> None:
    rows = batch(np.random.default_rng(0), [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7])
    with ShardWriter(folder, header(), shard_rows=SHARD_ROWS, row_group_rows=3) as writer:
        for first in range(writer.rows_kept, SENTENCES):
            writer.write(rows.slice(first, 1))


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(fatal: int) -> None:
    """Die at a boundary; 0 for never."""
    boundaries = count(1)

    def deadly(function, finish):
        def call(*arguments, **options):
            if next(boundaries) == fatal:
                finish(*arguments)
                die()
            return function(*arguments, **options)

        return call

    for name in ("fsync", "replace", "unlink"):
        setattr(os, name, deadly(getattr(os, name), lambda *_: None))
    write_text, write_table = Path.write_text, pq.write_table
    Path.write_text = deadly(write_text, lambda path, text, *_: write_text(path, text[: len(text) // 2], "utf-8"))

    def half(rows, path, *_):
        write_table(rows, path)
        os.truncate(path, path.stat().st_size // 2)

    deadly_table = deadly(write_table, half)

    def traced(rows, path, **options):
        with Path(os.environ["TRACE"]).open("a") as trace:
            trace.write(path.name[1 : len("part-00000.parquet") + 1] + "\n")
        deadly_table(rows, path, **options)

    pq.write_table = traced


if __name__ == "__main__":
    arm(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    write(Path(sys.argv[1]))
