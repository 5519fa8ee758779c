"""Is the memory of stage one flat in the size of text? `python -m benchmarks.text [--sentences 200000] [--times 10]`.

The peak resident memory of preparing a generated text of short sentences, of annotating all its ranges with a tiny
teacher, and of committing the set; each in a process of its own, for a text and for one that is `times` as long. It
also prints the rates from which docs/scale.md computes.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.processes import apart, peak
from structkd.corpora.demo import demo_corpus
from structkd.corpora.sentences import Sentence, Split
from structkd.ground.records import Record
from structkd.pipeline.execution.memory import forget_peak
from structkd.pipeline.execution.ranges import TextSet, run_commit, run_text
from structkd.pipeline.execution.teach import run_teacher, task_labels
from structkd.pipeline.experiment.experiment import Experiment, load_experiment
from structkd.pipeline.plan.pieces import TeacherPlan, make_plan

EXPERIMENT = """
title = "text"
languages = ["en"]

[corpus]
name = "files"
path = "{split}.conll"

[[unlabelled]]
path = "{language}.txt"

[teacher.tagger]
encoders = [{ kind = "words", dim = 16 }]
hidden = 16

[teacher.training]
updates = 20
evaluate_every = 20

[student]
systems = ["exact"]
"""
Step = Callable[[Experiment, TeacherPlan], None]
LABELLED: dict[Split, int] = {"train": 1000, "dev": 100, "test": 100}
ALLOWED = 1.05


@dataclass(frozen=True)
class Cost:
    """Bytes of the peak, and seconds of the processor."""

    peak: int
    seconds: float


def main(
    sentences: Annotated[int, typer.Option(min=1, help="Of the shorter text.")] = 200_000,
    times: Annotated[int, typer.Option(min=2, help="How much longer the other one is.")] = 10,
) -> None:
    """Print the peaks; exit code 1 where the largest of the longer text's is over 5% higher."""
    os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] = "1"  # of the processes to come, see benchmarks.memory
    table = Table("step", "sentences", "peak, MB", "CPU seconds", "sentences/s", "bytes a sentence")
    peaks: dict[str, list[int]] = {}
    for size in (sentences, sentences * times):
        with TemporaryDirectory() as temporary:
            folder = Path(temporary)
            write_inputs(folder, size)
            apart(_step, folder, train)
            for name, (step, files) in STEPS.items():
                cost = apart(_step, folder, step)
                peaks.setdefault(name, []).append(cost.peak)
                made = sum(path.stat().st_size for path in folder.rglob(files)) / size
                cells = f"{cost.peak / 1e6:.1f}", f"{cost.seconds:.1f}", f"{size / cost.seconds:,.0f}", f"{made:.1f}"
                table.add_row(name, f"{size:,}", *cells)
    short, long = (max(of_size) for of_size in zip(*peaks.values(), strict=True))
    growth = long / short
    Console().print(
        table, f"growth of the largest peak {100 * (growth - 1):+.1f}%, at most {100 * (ALLOWED - 1):+.0f}% wanted"
    )
    if growth > ALLOWED:
        raise typer.Exit(1)


def write_inputs(folder: Path, sentences: int) -> None:
    """Write an experiment, its labelled files and its text."""
    (folder / "experiments").mkdir()
    (folder / "experiments" / "text.toml").write_text(EXPERIMENT, "utf-8")
    for split, size in LABELLED.items():
        corpus = demo_corpus("en", split, sentences=size, seed=1)
        blocks = ("".join(f"{word}\t{label}\n" for word, label in _words(sentence)) for sentence in corpus)
        (folder / f"{split}.conll").write_text("\n".join(blocks), "utf-8")
    draws, words = random.Random(1), sorted({word for sentence in corpus for word in sentence.tokens})
    with (folder / "en.txt").open("w", encoding="utf-8") as file:
        for _ in range(sentences):
            file.write(" ".join(draws.choices(words, k=draws.randint(3, 12))) + "\n")


def _words(sentence: Sentence) -> Iterator[tuple[str, str]]:
    return zip(sentence.tokens, sentence.labels or (), strict=True)


def train(experiment: Experiment, teacher: TeacherPlan) -> None:
    """Train the teacher."""
    run_teacher(experiment, teacher, task_labels(experiment), _silent)


def prepare(experiment: Experiment, teacher: TeacherPlan) -> None:
    """Prepare the text."""
    run_text(experiment, teacher.texts["unlabelled"], _silent)


def annotate(experiment: Experiment, teacher: TeacherPlan) -> None:
    """Annotate all ranges, one after the other."""
    for job in _set(experiment, teacher).ranges():
        job.run(_silent)


def commit(experiment: Experiment, teacher: TeacherPlan) -> None:
    """Commit the set."""
    run_commit(_set(experiment, teacher), _silent)


def _set(experiment: Experiment, teacher: TeacherPlan) -> TextSet:
    return TextSet("en", experiment, teacher, task_labels(experiment), "unlabelled")


def _silent(record: Record) -> None:
    pass


STEPS: dict[str, tuple[Step, str]] = {
    "prepare": (prepare, "texts/*/*"),
    "annotate": (annotate, "artifacts/en-unlabelled-*/*.parquet"),
    "commit": (commit, "artifacts/en-unlabelled-*/manifest.json"),
}
"""Each step, and the files that it makes."""


def _step(folder: Path, step: Step) -> Cost:
    """Run a step in this process, which has imported everything before."""
    torch.set_num_threads(1)
    os.chdir(folder)
    experiment = load_experiment("text")
    (teacher,) = make_plan(experiment).teachers
    forget_peak()
    began = time.process_time()
    step(experiment, teacher)
    return Cost(peak(), time.process_time() - began)


if __name__ == "__main__":
    typer.run(main)
