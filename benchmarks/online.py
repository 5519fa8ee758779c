"""Is it worth writing shards? `python -m benchmarks.online [--epochs 5] [--hidden 256]`.

Stage two from shards beside online distillation, which holds the teachers in the student's process and asks them
anew about each batch: forward pass, k best paths, posteriors. Both make the same updates of the same student on the
same batches; each runs in a process of its own, from loading what it needs
to the last update. Teachers are untrained: what they cost does not depend on what they have learnt.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import pyarrow as pa
import torch
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.processes import apart, peak
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows
from structkd.artifacts.stream import StreamConfig, stream_epoch
from structkd.corpora.demo import demo_corpus
from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, Sentence, label_names
from structkd.ground.records import DevScored, Record
from structkd.student.config import DistillConfig, SystemName
from structkd.student.distill import distill
from structkd.student.objectives import Signals
from structkd.tagger.checkpoint import load_tagger, save_tagger
from structkd.tagger.config import TaggerConfig, TrainingConfig
from structkd.tagger.evaluation import EvaluationSet
from structkd.tagger.model import Tagger
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vocabulary import Vocabulary
from structkd.teachers.annotate import annotate, text_rows
from structkd.teachers.config import AnnotationConfig
from structkd.teachers.sources.tagger import TaggerSource

LANGUAGES = ("en", "de", "nl", "es")
SYSTEM: SystemName = "posterior+top-wk"
SEED = 1


@dataclass(frozen=True)
class Run:
    """A student's training: bytes of the peak before anything was loaded and after, and the mean loss."""

    updates: int
    seconds: float
    before: int
    peak: int
    loss: float


def stage_one(folder: Path, sentences: int) -> float:
    """Write a teacher's checkpoint and shards under each language's name; returns the seconds of annotation."""
    corpora = [demo_corpus(language, "train", sentences=sentences, seed=0) for language in LANGUAGES]
    labels, seconds = LabelSet.union(label_names(corpora)), 0.0
    for corpus in corpora:
        torch.manual_seed(SEED)
        words = Vocabulary.build(Counter(word for sentence in corpus for word in sentence.tokens))
        teacher, place = Tagger(TaggerConfig(), words, labels).eval(), folder / corpus.language
        digest = save_tagger(teacher, place / "teacher", {})
        began = time.perf_counter()
        annotate(
            TaggerSource(teacher),
            text_rows([corpus], None),
            place / "set",
            name=corpus.language,
            config=AnnotationConfig(),
            provenance={"weights": digest},
            log=lambda record: None,
        )
        seconds += time.perf_counter() - began
    return seconds


def updates_of(folder: Path, epochs: int) -> int:
    """Return the number of batches in this many epochs."""
    stream = StreamConfig(TrainingConfig().batch_tokens, SEED)
    return sum(1 for epoch in range(epochs) for _ in stream_epoch(_sets(folder), (), stream, epoch))


def train(folder: Path, *, online: bool, updates: int, hidden: int) -> Run:
    """Train a student on what `stage_one` wrote; online, it loads the teachers and reads words and gold labels only."""
    torch.set_num_threads(1)
    before, began, records = peak(), time.perf_counter(), list[Record]()
    sets, config = _sets(folder), DistillConfig()
    one = Corpus("en", "dev", (Sentence(("a",), (sets[0].labels[0],)),))
    _, result = distill(
        sets,
        {"en": EvaluationSet(one, "accuracy", None)},
        system=SYSTEM,
        tagger=TaggerConfig(hidden=hidden),
        training=TrainingConfig(updates=updates, evaluate_every=updates),
        config=config,
        seed=SEED,
        log=records.append,
        signals=AskedTeachers(_teachers(folder), config.k) if online else None,
    )
    (loss,) = (record.loss for record in records if isinstance(record, DevScored))
    return Run(result.updates, time.perf_counter() - began, before, peak(), loss)


def _teachers(folder: Path) -> list[Tagger]:
    return [load_tagger(folder / language / "teacher") for language in LANGUAGES]


def _sets(folder: Path) -> list[ArtifactSet]:
    return [ArtifactSet.open(folder / language / "set") for language in LANGUAGES]


@dataclass(frozen=True)
class AskedTeachers:
    """Signals of teachers in memory: each is asked anew about its sentences, by the place of its set."""

    teachers: Sequence[Tagger]
    k: int

    @property
    def columns(self) -> tuple[str, ...]:
        """None: words and gold labels are enough."""
        return ()

    @torch.no_grad()
    def signals(self, rows: DecodedRows) -> Signals:
        """Posteriors and the k best paths of each sentence, as its shards would have them."""
        (B, T), L, k = rows.mask.shape, len(self.teachers[0].labels), self.k
        log_posteriors, weights = torch.zeros(B, T, L), torch.zeros(B, k)
        paths, counts = torch.zeros(B, k, T, dtype=torch.long), torch.zeros(B, dtype=torch.long)
        for place in np.unique(rows.set_number):
            mine = np.flatnonzero(rows.set_number == place)
            chain = self.teachers[place](TokenBatch.from_arrow(rows.tokens.take(pa.array(mine))))
            longest = chain.emissions.shape[1]
            log_posteriors[mine, :longest] = chain.log_marginals
            paths[mine, :, :longest], log_probs, counts[mine] = chain.kbest(k)
            weights[mine] = log_probs.softmax(1)
        return Signals(
            gold=torch.from_numpy(rows.gold),
            has_gold=torch.from_numpy(rows.has_gold),
            paths=paths,
            weights=weights,
            counts=counts,
            log_posteriors=log_posteriors,
        )


def main(
    sentences: Annotated[int, typer.Option(min=100, help="Of each of the four languages.")] = 1000,
    epochs: Annotated[int, typer.Option(min=1, help="Over them, by the student.")] = 5,
    hidden: Annotated[int, typer.Option(min=1, help="LSTM units of the student; the teachers have 256.")] = 256,
    rounds: Annotated[int, typer.Option(min=1, help="Trainings of each kind, by turns; medians are shown.")] = 3,
) -> None:
    """Print seconds and peak memory of both; one thread."""
    torch.set_num_threads(1)
    table = Table("stage two", "updates", "seconds", "imports, MB", "peak, MB", "mean loss")
    runs: dict[str, list[Run]] = {"from shards": [], "teachers online": []}
    with TemporaryDirectory() as temporary:
        annotation, updates = stage_one(Path(temporary), sentences), updates_of(Path(temporary), epochs)
        for _ in range(rounds):
            for name, found in runs.items():
                online = name == "teachers online"
                found.append(apart(train, Path(temporary), online=online, updates=updates, hidden=hidden))
    seconds = {name: median(run.seconds for run in found) for name, found in runs.items()}
    peaks = {name: median(run.peak for run in found) for name, found in runs.items()}
    for name, found in runs.items():
        before = f"{median(run.before for run in found) / 1e6:.0f}"
        cells = f"{seconds[name]:.1f}", before, f"{peaks[name] / 1e6:.0f}", f"{found[0].loss:.3f}"
        table.add_row(name, str(updates), *cells)
    ratio, memory = (values["from shards"] / values["teachers online"] for values in (seconds, peaks))
    saved = seconds["teachers online"] - seconds["from shards"]
    Console().print(
        table,
        f"from shards: {ratio:.2f} of the time, {memory:.2f} of the memory; annotation took {annotation:.1f} s once, "
        f"a student saves {saved:.1f} s",
        soft_wrap=True,
    )


if __name__ == "__main__":
    typer.run(main)
