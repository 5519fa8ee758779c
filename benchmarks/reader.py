"""Does the reader keep up? `python -m benchmarks.reader [--tokens 1000000]`.

Words a second of the reader alone, from shards to tensors, beside those of a default student's training steps, which
include the reading; and how long a student run takes to its first update, imports not counted.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.synthetic import write_synthetic
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.stream import StreamConfig, stream_epoch
from structkd.corpora.sentences import Corpus, Sentence
from structkd.ground.records import Record, Updated
from structkd.student.batches import student_batch
from structkd.student.config import DistillConfig, SystemName
from structkd.student.distill import distill
from structkd.student.objectives import SYSTEMS
from structkd.student.signals import ShardSignals
from structkd.tagger.config import TaggerConfig, TrainingConfig
from structkd.tagger.evaluation import EvaluationSet

COMPARED: tuple[SystemName, ...] = ("baseline", "emission", "top-wk", "posterior", "posterior+top-wk", "exact")
SEED = 1
WARM_UP = 5  # updates


def batch_sizes(sets: Sequence[ArtifactSet], system: SystemName, training: TrainingConfig) -> Iterator[int]:
    """Read an epoch to tensors as a student run does, and give each batch's words."""
    source = ShardSignals(system, [one.header for one in sets], DistillConfig().k, torch.device("cpu"))
    stream = StreamConfig(training.batch_tokens, SEED, labelled_only=SYSTEMS[system].loss is None)
    for rows in stream_epoch(sets, ("tokens", "gold", *source.columns), stream, 0):
        yield student_batch(rows, source).words


def update_times(folder: Path, system: SystemName, tagger: TaggerConfig, training: TrainingConfig) -> list[float]:
    """Seconds from the start of a student run to the end of each of its updates."""
    times: list[float] = []
    began = time.perf_counter()

    def log(record: Record) -> None:
        if isinstance(record, Updated):
            times.append(time.perf_counter() - began)

    one = ArtifactSet.open(folder)
    dev = {"en": EvaluationSet(Corpus("en", "dev", (Sentence(("en0",), (one.labels[0],)),)), "accuracy", None)}
    config = DistillConfig(lambda_last=0.5)
    distill([one], dev, system=system, tagger=tagger, training=training, config=config, seed=SEED, log=log)
    return times


def main(
    tokens: Annotated[int, typer.Option(min=100_000, help="Of the synthetic artifact set.")] = 1_000_000,
    updates: Annotated[int, typer.Option(min=10, help="Training steps to time, of each system.")] = 60,
) -> None:
    """Print both speeds for the systems."""
    torch.set_num_threads(1)
    training = TrainingConfig(updates=updates, evaluate_every=updates)
    table = Table("system", "reader", "training", "ratio", "first update, s", title="words a second, one thread")
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "set"
        words = write_synthetic(folder, tokens)
        one = ArtifactSet.open(folder)
        update_times(folder, "baseline", TaggerConfig(hidden=1), training)  # torch imports more at its first update
        for system in COMPARED:
            began = time.perf_counter()
            sizes = list(batch_sizes([one], system, training))
            reading = sum(sizes) / (time.perf_counter() - began)
            times = update_times(folder, system, TaggerConfig(), training)
            trained = sum(sizes[WARM_UP:updates]) / (times[-1] - times[WARM_UP - 1])
            table.add_row(system, f"{reading:,.0f}", f"{trained:,.0f}", f"{reading / trained:.0f}", f"{times[0]:.2f}")
    Console().print(table, f"{words:,} words")


if __name__ == "__main__":
    typer.run(main)
