"""The jobs that write teachers' answers about text: prepare the text once, annotate ranges of shards, commit.

A range takes the text as it was prepared and the teacher as it was trained, so any process can annotate it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from structkd.artifacts.stores.places import Url
from structkd.corpora.prepared import PreparedText, write_prepared
from structkd.corpora.sentences import Text
from structkd.ground.files import clear_temporaries
from structkd.ground.records import Log, SetWritten
from structkd.pipeline.execution.annotating import open_teacher, provenance_of, trained_on
from structkd.pipeline.execution.claims import CLAIM, claimed
from structkd.pipeline.execution.jobs import journal, open_features
from structkd.pipeline.execution.schedule import Job, set_name
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.plan.corpora import Data, describe_limit
from structkd.pipeline.plan.pieces import JOURNAL, TeacherPlan, TextPlan, annotated
from structkd.teachers.annotate import LazyRows, annotate_range, set_parts, shard_count

_RANGES, _SHARDS = 8, 16  # the fewest ranges of a text, and the most shards of a range


@dataclass(frozen=True)
class TextSet:
    """A teacher's set of a text. Its jobs work for the piece `title`; the job of that name makes the teacher."""

    title: str
    experiment: Experiment
    plan: TeacherPlan
    labels: tuple[str, ...]
    split: Text

    @property
    def text(self) -> TextPlan:
        """The text."""
        return self.plan.texts[self.split]

    @property
    def _ranges(self) -> str:
        return f"{self.title}, ranges of {self.split}"

    def ranges(self) -> list[Job]:
        """Return a job for each range of shards; the text must be prepared.

        In a store, machines share a set, and do not see one another's claims: each takes the ranges in an order of its
        own, so that few are annotated twice. What is written is the same.
        """
        parts = split_shards(shard_count(len(PreparedText(self.text.folder)), self.experiment.teacher.annotation))
        if isinstance(self.plan.artifacts[self.split], Url):
            random.SystemRandom().shuffle(parts)
        return [
            Job(self.title, partial(run_range, self, part), name=self._ranges, needs=(self.title,)) for part in parts
        ]

    def commit(self, text: str) -> Job:
        """Return the last job, for after the ranges, which are known when the job `text` is done."""
        return Job(
            self.title, partial(run_commit, self), name=set_name(self.title, self.split), needs=(text, self._ranges)
        )


def split_shards(shards: int) -> list[range]:
    """Split the shards of a text into ranges: at least eight if it has as many shards, of at most 16 shards each.

    So a text keeps several workers busy, and loading the teacher takes little of the time of a long one. The number of
    workers does not matter: commands side by side have the same ranges.
    """
    size = max(1, min(_SHARDS, shards // _RANGES))
    return [range(first, min(first + size, shards)) for first in range(0, shards, size)]


def text_jobs(title: str, sets: Sequence[TextSet]) -> list[Job]:
    """Return the jobs that make some sets of one text; `title` is that of its preparation."""
    first = sets[0]
    commits = [one.commit(title) for one in sets]
    if first.text.done:
        return [*ranges_of(sets), *commits]
    return [Job(title, partial(run_text, first.experiment, first.text), then=partial(ranges_of, sets)), *commits]


def ranges_of(sets: Sequence[TextSet]) -> list[Job]:
    """Return the jobs for all ranges of some sets."""
    return [job for one in sets for job in one.ranges()]


def run_text(experiment: Experiment, text: TextPlan, log: Log) -> None:
    """Prepare a text, unless another process has."""
    with claimed(text.folder / CLAIM):
        if not text.done:
            clear_temporaries(text.folder)
            stream = Data(experiment).stream(text.language, text.split)
            shard_rows = experiment.teacher.annotation.shard_rows
            write_prepared(text.folder, text.language, text.split, stream, shard_rows, log)


def run_range(wanted: TextSet, shards: range, log: Log) -> None:
    """Annotate a range of shards; those that a killed run has written stay."""
    experiment, plan, folder = wanted.experiment, wanted.plan, wanted.plan.artifacts[wanted.split]
    with claimed(plan.folder / f".{wanted.split}-{shards.start:05d}{CLAIM}"):
        if annotated(folder):  # by another process
            return
        text, config = PreparedText(wanted.text.folder), experiment.teacher.annotation
        teacher = open_teacher(experiment, plan, wanted.labels, open_features(plan, _silent))
        parts = set_parts(teacher, folder, config, provenance_of(experiment, plan, [text]))
        train, _ = Data(experiment).load(plan.language, "train")
        rows = LazyRows(text, trained_on(experiment, plan, train))
        annotate_range(teacher, rows, parts, shards, name=plan.name, config=config, log=log)


def run_commit(wanted: TextSet, log: Log) -> None:
    """Write the manifest of a set whose ranges are annotated."""
    experiment, plan, folder = wanted.experiment, wanted.plan, wanted.plan.artifacts[wanted.split]
    with claimed(plan.folder / CLAIM), journal(plan.folder / JOURNAL, log) as told:
        if annotated(folder):
            return
        text, config = PreparedText(wanted.text.folder), experiment.teacher.annotation
        if limited := describe_limit(text, text.limited):
            told(limited)
        teacher = open_teacher(experiment, plan, wanted.labels, open_features(plan, _silent))
        parts = set_parts(teacher, folder, config, provenance_of(experiment, plan, [text]))
        told(SetWritten(folder.name, parts.commit(shard_count(len(text), config))))


def _silent(record: object) -> None:
    pass
