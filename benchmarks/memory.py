"""Does memory stay flat? `python -m benchmarks.memory [--tokens 1000000] [--times 10]`.

The peak resident memory of a student run over a corpus and over one that is `times` as long. Each run is a process of
its own and trains a small student for one whole epoch, so that the reader, the vocabulary and the training loop pass
over every sentence. Kernels that oneDNN keeps for each size of batch, up to 1024 of them and some 20 MB, are left out:
the longer corpus has more updates, and so fills that store further.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.processes import apart, peak
from benchmarks.reader import batch_sizes, update_times
from benchmarks.synthetic import write_synthetic
from structkd.artifacts.reader import ArtifactSet
from structkd.student.config import SystemName
from structkd.tagger.config import TaggerConfig, TrainingConfig, WordsConfig

SYSTEM: SystemName = "posterior+top-wk"
SMALL = TaggerConfig(encoders=(WordsConfig(dim=4, dropout=0.0),), hidden=4, dropout=0.0)
ALLOWED = 1.05


@dataclass(frozen=True)
class Run:
    """One student run: bytes of the peak, before training and after it, and how far and long it went."""

    words: int
    updates: int
    before: int
    peak: int
    seconds: float


def run(folder: Path) -> Run:
    """Train over every batch of an epoch of the set in `folder`, in this process."""
    torch.set_num_threads(1)
    training = TrainingConfig()
    before, began = peak(), time.perf_counter()
    sizes = list(batch_sizes([ArtifactSet.open(folder)], SYSTEM, training))
    training = training.model_copy(update={"updates": len(sizes), "evaluate_every": len(sizes)})
    times = update_times(folder, SYSTEM, SMALL, training)
    return Run(sum(sizes), len(times), before, peak(), time.perf_counter() - began)


def main(
    tokens: Annotated[int, typer.Option(min=1, help="Of the shorter corpus.")] = 1_000_000,
    times: Annotated[int, typer.Option(min=2, help="How much longer the other one is.")] = 10,
) -> None:
    """Print both peaks; exit code 1 where the longer corpus takes over 5% more."""
    table = Table("words", "updates", "imports, MB", "peak, MB", "seconds")
    runs = []
    os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] = "1"  # of the processes to come
    with TemporaryDirectory() as temporary:
        for size in (tokens, tokens * times):
            folder = Path(temporary) / str(size)
            write_synthetic(folder, size)
            runs.append(one := apart(run, folder))
            cells = f"{one.before / 1e6:.1f}", f"{one.peak / 1e6:.1f}", f"{one.seconds:.0f}"
            table.add_row(f"{one.words:,}", f"{one.updates:,}", *cells)
    growth = runs[1].peak / runs[0].peak
    Console().print(table, f"growth {100 * (growth - 1):+.1f}%, at most {100 * (ALLOWED - 1):+.0f}% wanted")
    if growth > ALLOWED:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
