"""How the cost of both stages grows: `python -m benchmarks.stage_growth [--most 1000000] [--out PNG]`.

Words a second of processor time and peak memory, each in a process of its own, as one size grows and the others stay:
words, languages (of as many words together), labels, sentence length. Teachers and student are small and untrained, so
that the parts around the LSTM show. Sentences are cut from one long tape of words, which takes no time.
"""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import torch
import typer

from benchmarks.processes import apart, peak
from benchmarks.reader import WARM_UP, batch_sizes
from structkd.artifacts.reader import ArtifactSet
from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, Sentence, Split
from structkd.ground.extras import needs
from structkd.ground.records import Record, Updated
from structkd.pipeline.execution.memory import forget_peak
from structkd.student.config import DistillConfig, SystemName
from structkd.student.distill import distill
from structkd.tagger.config import TaggerConfig, TrainingConfig, WordsConfig
from structkd.tagger.evaluation import EvaluationSet
from structkd.tagger.model import Tagger
from structkd.tagger.vocabulary import Vocabulary
from structkd.teachers.annotate import LazyRows, annotate
from structkd.teachers.config import AnnotationConfig
from structkd.teachers.sources.tagger import TaggerSource

TAPE, FORMS = 200_000, 5_000
SYSTEM: SystemName = "posterior+top-wk"
TAGGER = TaggerConfig(encoders=(WordsConfig(dim=32),), hidden=64)
TRAINING = TrainingConfig(updates=60, evaluate_every=60, batch_tokens=1000)


@dataclass(frozen=True)
class Case:
    """The sizes of a run; `words` are those of all languages together."""

    words: int = 200_000
    languages: int = 4
    labels: int = 9
    length: int = 20


AXES: dict[str, tuple[int, ...]] = {
    "words": (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000),
    "languages": (1, 4, 16, 64),
    "labels": (3, 17, 50, 100, 200),
    "length": (5, 20, 80, 320, 500),
}


@dataclass(frozen=True)
class Cost:
    """Words a second of the processor, and bytes of the peak."""

    speed: float
    peak: int


class Tape:
    """The sentences of one language of a case."""

    def __init__(self, case: Case, language: int) -> None:
        draws = np.random.default_rng(language)
        forms = np.minimum(draws.zipf(1.2, TAPE), FORMS)
        self._words = [f"{language}-{form}" for form in forms]
        self._labels = [f"L{label}" for label in forms % case.labels]
        self._length, self._count = case.length, case.words // (case.languages * case.length)
        self.language = f"x{language}"
        self.split: Split = "unlabelled"

    @property
    def vocabulary(self) -> Vocabulary:
        """All words."""
        return Vocabulary.build(Counter(self._words))

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int) -> Sentence:
        first = place * self._length % (TAPE - self._length)
        part = slice(first, first + self._length)
        return Sentence(tuple(self._words[part]), tuple(self._labels[part]))


def write_set(case: Case, folder: Path, language: int) -> float:
    """Annotate a language with an untrained teacher; return the seconds of the processor."""
    torch.set_num_threads(1)
    torch.manual_seed(language)
    text = Tape(case, language)
    teacher = Tagger(TAGGER, text.vocabulary, LabelSet(tuple(f"L{label}" for label in range(case.labels))))
    rows = LazyRows(text, None)
    place, began = folder / text.language, time.process_time()
    annotate(
        TaggerSource(teacher.eval()),
        rows,
        place,
        name="x",
        config=AnnotationConfig(),
        provenance={"language": text.language},
        log=_silent,
    )
    return time.process_time() - began


def first_stage(case: Case, folder: Path) -> Cost:
    """Annotate all languages, one after the other."""
    with TemporaryDirectory() as other:
        write_set(replace(case, words=4000), Path(other), 0)  # what torch and pyarrow do at their first call
    forget_peak()
    seconds = sum(write_set(case, folder, language) for language in range(case.languages))
    return Cost(case.words / seconds, peak())


def second_stage(case: Case, folder: Path) -> Cost:
    """Train a student for some updates on the sets."""
    torch.set_num_threads(1)
    sets = [ArtifactSet.open(path) for path in sorted(folder.iterdir())]
    dev = {"x0": EvaluationSet(Corpus("x0", "dev", (Tape(case, 0)[0],)), "accuracy", None)}
    sizes = list(islice(cycle(batch_sizes(sets, SYSTEM, TRAINING)), TRAINING.updates))  # each epoch has all words
    times: list[float] = []

    def log(record: Record) -> None:
        if isinstance(record, Updated):
            times.append(time.process_time())

    forget_peak()
    distill(sets, dev, system=SYSTEM, tagger=TAGGER, training=TRAINING, config=DistillConfig(), seed=1, log=log)
    return Cost(sum(sizes[WARM_UP:]) / (times[-1] - times[WARM_UP - 1]), peak())


def side_by_side(case: Case, workers: int) -> float:
    """Words a second by the clock of a first stage by so many processes."""
    with TemporaryDirectory() as folder, ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(write_set, replace(case, words=4000), Path(folder, "warm")), range(4)))  # imports
        began = time.perf_counter()
        list(pool.map(partial(write_set, case, Path(folder, "sets")), range(case.languages)))
        return case.words / (time.perf_counter() - began)


def _silent(record: Record) -> None:
    pass


@dataclass(frozen=True)
class Row:
    """A size on an axis, and what both stages cost."""

    axis: str
    size: int
    annotation: Cost
    training: Cost

    def __str__(self) -> str:
        one, two = self.annotation, self.training
        cells = (one.speed, one.peak / 1e6, two.speed, two.peak / 1e6)
        return f"| {self.axis} | {self.size:,} | " + " | ".join(f"{cell:,.0f}" for cell in cells) + " |"


def measured(most: int) -> Iterator[Row]:
    """Measure all sizes, but no text of more than so many words."""
    for axis, sizes in AXES.items():
        for size in sizes:
            case = replace(Case(), **{axis: size})
            if case.words <= most:
                with TemporaryDirectory() as folder:
                    yield Row(
                        axis, size, apart(first_stage, case, Path(folder)), apart(second_stage, case, Path(folder))
                    )


def plot(rows: list[Row], path: Path) -> None:
    """Speed above, memory below, a column an axis. Raises ImportError with what to install."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(f"the plot {needs('matplotlib', 'bench')}") from None
    figure = Figure(figsize=(11, 5), layout="constrained")
    panels = figure.subplots(2, len(AXES), sharex="col", sharey="row")
    for (speed, memory), axis in zip(panels.T, AXES, strict=True):
        of_axis = [row for row in rows if row.axis == axis]
        sizes = [row.size for row in of_axis]
        for name, costs in (
            ("annotation", [row.annotation for row in of_axis]),
            ("training", [row.training for row in of_axis]),
        ):
            speed.plot(sizes, [cost.speed for cost in costs], marker=".", label=name)
            memory.plot(sizes, [cost.peak / 1e6 for cost in costs], marker=".", label=name)
        speed.set(xscale="log")
        memory.set(xscale="log", xlabel=axis)
    for panel, name in zip(panels[:, 0], ("words a second", "peak memory, MB"), strict=True):
        panel.set(ylabel=name)
        panel.set_ylim(bottom=0)  # of its row
    panels[0, 0].legend()
    figure.savefig(path, dpi=110)


def main(
    most: Annotated[int, typer.Option(help="Leave out longer texts: words.")] = 1_000_000,
    out: Annotated[Path | None, typer.Option(help="Write the plot there, a PNG.")] = None,
) -> None:
    """Measure, and print a table in Markdown."""
    base, rows = Case(), []
    typer.echo(f"{base.words:,} words, {base.languages} languages, {base.labels} labels, sentences of {base.length}.\n")
    typer.echo("| axis | size | annotation, words/s | peak, MB | training, words/s | peak, MB |")
    typer.echo("| --- | ---: | ---: | ---: | ---: | ---: |")
    for row in measured(most):
        rows.append(row)
        typer.echo(str(row))
    for workers in (1, 2):
        typer.echo(f"\nannotation by {workers} processes: {side_by_side(base, workers):,.0f} words/s by the clock")
    if out:
        plot(rows, out)


if __name__ == "__main__":
    typer.run(main)
