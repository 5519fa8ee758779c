"""How fast an experiment's jobs are here, from a few updates of a teacher and a student and a hundred sentences."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import torch

from structkd.artifacts.reader import ArtifactSet
from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Split
from structkd.ground.records import Record, Updated
from structkd.pipeline.execution.teach import task_labels
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.pieces import Plan, annotated
from structkd.student.distill import distill
from structkd.tagger.config import TrainingConfig
from structkd.tagger.evaluation import EvaluationSet
from structkd.tagger.model import Tagger
from structkd.teachers.annotate import annotate, text_rows
from structkd.teachers.sources.tagger import TaggerSource
from structkd.teachers.train import train_teacher

T = TypeVar("T")
_FEW, _MANY = 6, 60  # updates
_QUICK = 6.0  # seconds that many updates may take
_SENTENCES = 100


@dataclass(frozen=True)
class Pace:
    """Costs on one thread."""

    teacher_update: float
    """Seconds."""
    student_update: float
    """Seconds."""
    sentence: float
    """Seconds of annotation."""
    sentence_bytes: float
    """Of an artifact set."""


@dataclass(frozen=True)
class Estimate:
    """What the open work of an experiment takes at most: trainings can stop earlier."""

    seconds: float
    """Of all jobs, one after the other."""
    bytes: float
    """Of artifact sets."""


def measure(experiment: Experiment) -> Pace:
    """Train and annotate for a moment, in a temporary folder. For teachers that are trained here.

    Raises:
        CorpusError, EncoderError, VectorFileError: an unusable corpus or encoder.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as a worker has
    try:
        with TemporaryDirectory(prefix="structkd-check-") as folder:
            return _measure(experiment, Path(folder))
    finally:
        torch.set_num_threads(threads)


def _measure(experiment: Experiment, folder: Path) -> Pace:
    data, language = Data(experiment), experiment.languages[0]
    train = data.load(language, "train")[0]
    judge = EvaluationSet(replace(train, sentences=train.sentences[:1]), data.metric, data.scheme)
    labels = LabelSet(task_labels(experiment))
    teacher, student = experiment.teacher, experiment.student

    def teach(updates: int, clock: _Clock) -> Tagger:
        return train_teacher(
            train,
            judge,
            labels,
            tagger=teacher.tagger.in_language(language),
            training=_short(teacher.training, updates),
            seed=1,
            log=clock,
            device=experiment.torch_device(),
        )[0]

    def learn(updates: int, clock: _Clock) -> None:
        taught = [system for system in student.systems if system != "baseline"]
        distill(
            [ArtifactSet.open(folder)],
            {language: judge},
            system=(taught or student.systems)[0],
            tagger=student.tagger,
            training=_short(student.training, updates),
            config=student.distill,
            seed=1,
            log=clock,
            device=experiment.torch_device(),
        )

    teacher_update, tagger = _timed(teach)
    began, few = time.perf_counter(), replace(train, sentences=train.sentences[:_SENTENCES])
    source, rows = TaggerSource(tagger), text_rows([few], None)
    annotate(source, rows, folder, name="t", config=teacher.annotation, provenance={}, log=lambda record: None)
    sentence = (time.perf_counter() - began) / len(few)
    size = sum(path.stat().st_size for path in folder.glob("*.parquet")) / len(few)
    return Pace(teacher_update, _timed(learn)[0], sentence, size)


def _timed(training: Callable[[int, "_Clock"], T]) -> tuple[float, T]:
    """Return the seconds of an update, and what a training returns: of a few updates, or of many if they are quick."""
    clock = _Clock()
    found = training(_FEW, clock)
    if clock.seconds * _MANY < _QUICK:
        clock = _Clock()
        found = training(_MANY, clock)
    return clock.seconds, found


def estimate(plan: Plan, pace: Pace, sentences: Mapping[tuple[str, Split], int]) -> Estimate:
    """Return the cost of the unfinished pieces.

    Args:
        sentences: numbers of sentences by language and split.
    """
    teaching, training = plan.experiment.teacher.training, plan.experiment.student.training
    seconds = size = 0.0
    for teacher in plan.teachers:
        if not teacher.local and teacher.taggers == (teacher,):
            seconds += teaching.updates * teaching.accumulate * pace.teacher_update
        open_sets: list[Split] = [split for split, folder in teacher.artifacts.items() if not annotated(folder)]
        if teacher.held_out and not annotated(teacher.held_out):
            open_sets += ["dev", "test"]
        rows = sum(sentences.get((teacher.language, split), 0) for split in open_sets)
        seconds += rows * pace.sentence
        size += rows * pace.sentence_bytes
    waiting = sum(not student.done for student in plan.students)
    return Estimate(seconds + waiting * training.updates * training.accumulate * pace.student_update, size)


def _short(training: TrainingConfig, updates: int) -> TrainingConfig:
    return training.model_copy(update={"updates": updates, "warmup": 0, "accumulate": 1, "evaluate_every": updates})


class _Clock:
    """A log that measures the time between updates."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, record: Record) -> None:
        if isinstance(record, Updated):
            self.times.append(time.perf_counter())

    @property
    def seconds(self) -> float:
        """Seconds of an update: the mean of the second half, because the first ones prepare kernels."""
        counted = self.times[len(self.times) // 2 :]
        return (counted[-1] - counted[0]) / (len(counted) - 1)
