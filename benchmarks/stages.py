"""The cost of the stages beyond the bare minimum of their work: `python -m benchmarks.stages [--rounds 5]`.

Stage one's annotation (k best, posteriors, writing) beside the bare forward pass of the same teacher over the same
batches; and a student's updates with each system beside the gold-only ones from the same shards, reading included.
Annotation makes and writes its rows in a thread behind the forward passes. So it is measured by the clock, which needs
two idle cores, in processor time of all threads, and in that of the thread with the forward passes alone: what an
idle second core leaves of the cost.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.reader import WARM_UP, update_times
from benchmarks.synthetic import write_synthetic
from structkd.corpora.demo import demo_corpus
from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, Sentence, label_names
from structkd.runtime.batches import length_batches
from structkd.student.objectives import SYSTEMS
from structkd.tagger.config import TaggerConfig, TrainingConfig
from structkd.tagger.model import Tagger
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vocabulary import Vocabulary
from structkd.teachers.annotate import annotate, text_rows
from structkd.teachers.config import AnnotationConfig
from structkd.teachers.sources.tagger import TaggerSource

WANTED = 1.15
CLOCKS = {"clock": time.perf_counter, "processor": time.process_time, "forward thread": time.thread_time}
SENTENCES = 2048


def annotation(rounds: int) -> dict[str, float]:
    """Annotation's time over the forward pass's, by three clocks, for teachers of two sizes."""
    corpus, config, ratios = demo_corpus("en", "train", sentences=SENTENCES, seed=0), AnnotationConfig(), {}
    groups = [
        corpus.sentences[first : first + config.row_group_rows] for first in range(0, SENTENCES, config.row_group_rows)
    ]
    words = Vocabulary.build(Counter(word for sentence in corpus for word in sentence.tokens))
    labels = LabelSet.union(label_names([corpus]))
    for hidden in (128, 512):
        teacher = Tagger(TaggerConfig(hidden=hidden), words, labels).eval()
        with TemporaryDirectory() as temporary:
            tasks = {
                "forward": partial(forward, teacher, groups, config.batch_tokens),
                "annotation": partial(_annotate, teacher, corpus, Path(temporary), config),
            }
            turns = [{name: _taken(task) for name, task in tasks.items()} for _ in range(rounds + 1)][1:]
        for place, clock in enumerate(CLOCKS):
            forward_time, all_time = (median(turn[name][place] for turn in turns) for name in tasks)
            ratios[f"annotation, {hidden} LSTM units, {clock}"] = all_time / forward_time
    return ratios


def _taken(task: Callable[[], None]) -> list[float]:
    begun = [clock() for clock in CLOCKS.values()]
    task()
    return [clock() - first for clock, first in zip(CLOCKS.values(), begun, strict=True)]


def _annotate(teacher: Tagger, corpus: Corpus, folder: Path, config: AnnotationConfig) -> None:
    with TemporaryDirectory(dir=folder) as fresh:
        rows = text_rows([corpus], None)
        annotate(
            TaggerSource(teacher), rows, Path(fresh), name="en", config=config, provenance={}, log=lambda record: None
        )


@torch.inference_mode()
def forward(teacher: Tagger, groups: Sequence[Sequence[Sentence]], batch_tokens: int) -> None:
    """Emissions of all sentences, in the batches that annotation makes."""
    for group in groups:
        for places in length_batches([len(sentence) for sentence in group], batch_tokens):
            teacher(TokenBatch.from_sentences(group[place].tokens for place in places))


def objectives(rounds: int, updates: int) -> dict[str, float]:
    """Each system's time for the same updates over the baseline's, of which all sentences have gold labels."""
    training = TrainingConfig(updates=updates, evaluate_every=updates)
    taken: dict[str, list[float]] = {system: [] for system in SYSTEMS}
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "set"
        write_synthetic(folder, 200_000, labelled=1.0)
        for _ in range(rounds):
            for system in SYSTEMS:
                times = update_times(folder, system, TaggerConfig(), training)  # type: ignore[arg-type]
                taken[system].append(times[-1] - times[WARM_UP - 1])
    baseline = median(taken["baseline"])
    return {f"updates, {system}": median(seconds) / baseline for system, seconds in taken.items()}


def main(
    rounds: Annotated[int, typer.Option(min=3, help="Rounds over all tasks; the ratios are of medians.")] = 5,
    updates: Annotated[int, typer.Option(min=10, help="Of each student.")] = 40,
) -> None:
    """Print the ratios; one thread."""
    torch.set_num_threads(1)
    table = Table("what", "ratio", f"at most {WANTED} wanted")
    for name, ratio in (annotation(rounds) | objectives(rounds, updates)).items():
        table.add_row(name, f"{ratio:.2f}", "yes" if ratio <= WANTED else "no")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
