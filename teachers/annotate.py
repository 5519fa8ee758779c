"""Stage one, second half: run a teacher over text and write its answers."""

import time
from collections.abc import Iterator, Sequence, Set
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import overload

import numpy as np
import pyarrow as pa
from jaxtyping import Int64
from pydantic import JsonValue

from structkd.artifacts.ahead import behind
from structkd.artifacts.header import SetHeader
from structkd.artifacts.manifest import Layout
from structkd.artifacts.parts import SetParts
from structkd.artifacts.store_parts import StoreParts, open_parts
from structkd.artifacts.stores.places import Place
from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, Sentence, Sentences
from structkd.ground.records import Annotated, Log
from structkd.runtime.batches import length_batches
from structkd.teachers.answers import ForwardPass, chain_and_hidden, encoded
from structkd.teachers.config import AnnotationConfig
from structkd.teachers.hidden import HiddenSource
from structkd.teachers.sources.base import Passage, TeacherSource

WAITING = 4
"""Row groups whose chains wait for the thread that makes rows: while it writes a shard, about so many are computed."""


@dataclass(frozen=True, slots=True)
class TextRow:
    """A sentence to annotate, at `place` of `corpus`.

    `seen`: True if the teacher was trained on it, None if this is not known.
    """

    sentence_id: int
    corpus: Sentences
    place: int
    seen: bool | None

    @property
    def sentence(self) -> Sentence:
        """The sentence itself."""
        return self.corpus[self.place]


TrainedOn = Set[tuple[str, ...]] | None
"""The words of each sentence that a teacher was trained on; None if this is not known."""


def text_rows(corpora: Sequence[Corpus], trained_on: TrainedOn) -> list[TextRow]:
    """Return the sentences of corpora, one after the other; a `sentence_id` is the place in this sequence."""
    found = [(corpus, place) for corpus in corpora for place in range(len(corpus))]
    return [_row(number, corpus, place, trained_on) for number, (corpus, place) in enumerate(found)]


def _row(number: int, corpus: Sentences, place: int, trained_on: TrainedOn) -> TextRow:
    return TextRow(number, corpus, place, None if trained_on is None else corpus[place].tokens in trained_on)


class LazyRows(Sequence[TextRow]):
    """The rows of `text_rows` for one text, made when they are asked for."""

    def __init__(self, text: Sentences, trained_on: TrainedOn) -> None:
        self._text, self._trained_on = text, trained_on

    def __len__(self) -> int:
        return len(self._text)

    @overload
    def __getitem__(self, place: int) -> TextRow: ...

    @overload
    def __getitem__(self, place: slice) -> list[TextRow]: ...

    def __getitem__(self, place: int | slice) -> TextRow | list[TextRow]:
        if isinstance(place, slice):
            return [self[one] for one in range(len(self))[place]]
        return _row(place, self._text, place, self._trained_on)


def annotate(
    teacher: TeacherSource,
    rows: Sequence[TextRow],
    folder: Place,
    *,
    name: str,
    config: AnnotationConfig,
    provenance: dict[str, JsonValue],
    log: Log,
) -> SetHeader:
    """Write a teacher's artifact set over sentences; `name` is the teacher's name there. Returns the set's header.

    Sentences in finished shards of a killed run are not annotated again.

    Raises:
        ArtifactError: the folder contains another set, or the disk or the store refuses.
        CorpusError: a gold label that the teacher does not have.
        SourceError: the teacher cannot annotate a sentence.
    """
    parts = set_parts(teacher, folder, config, provenance)
    if isinstance(parts, SetParts):  # in a store, nothing is written again
        parts.reopen()
    shards = shard_count(len(rows), config)
    annotate_range(teacher, rows, parts, range(shards), name=name, config=config, log=log)
    parts.commit(shards)
    return parts.header


def set_parts(
    teacher: TeacherSource, folder: Place, config: AnnotationConfig, provenance: dict[str, JsonValue]
) -> SetParts | StoreParts:
    """Return the parts of a teacher's set. Raises ArtifactError if the disk refuses."""
    layout = Layout(shard_rows=config.shard_rows, row_group_rows=config.row_group_rows)
    return open_parts(folder, header_of(teacher, provenance, config), layout)


def shard_count(rows: int, config: AnnotationConfig) -> int:
    """Return the number of shards of a set."""
    return -(-rows // config.shard_rows)


def annotate_range(
    teacher: TeacherSource,
    rows: Sequence[TextRow],
    parts: SetParts | StoreParts,
    shards: range,
    *,
    name: str,
    config: AnnotationConfig,
    log: Log,
) -> None:
    """Write some shards of a set over all `rows`; those that are recorded and whole stay. Raises as `annotate`.

    The teacher runs in this thread. Another one makes rows and writes shards, up to `WAITING` row groups behind.
    """
    shard_writer = _ShardWriter(parts, teacher.labels, name, config)
    with closing(behind(shard_writer.write, _row_groups(teacher, rows, parts, shards, config), WAITING)) as written:
        for sentences in written:
            log(Annotated(sentences, len(rows), parts.folder.name))


@dataclass(frozen=True)
class _RowGroup:
    """What a teacher says of a row group of shard `shard`; nothing if the whole shard stays.

    `done`: sentences of the range up to its end.
    """

    shard: int
    passes: Sequence[ForwardPass]
    done: int
    ends_shard: bool


def _row_groups(
    teacher: TeacherSource,
    rows: Sequence[TextRow],
    parts: SetParts | StoreParts,
    shards: range,
    config: AnnotationConfig,
) -> Iterator[_RowGroup]:
    done = 0
    for number in shards:
        first = number * config.shard_rows
        last = min(first + config.shard_rows, len(rows))
        if parts.find(number):
            yield _RowGroup(number, (), done + last - first, ends_shard=True)
        else:
            for start, end in _pieces(first, last, config):
                passes = list(_passes(teacher, rows[start:end], config.batch_tokens))
                yield _RowGroup(number, passes, done + end - first, ends_shard=end == last)
        done += last - first


class _ShardWriter:
    """Makes the rows of row groups, in order, and writes the shards that are whole."""

    def __init__(self, parts: SetParts | StoreParts, labels: LabelSet, name: str, config: AnnotationConfig) -> None:
        self._parts, self._schema = parts, parts.header.schema
        self._encoded = partial(encoded, schema=self._schema, labels=labels, teacher=name, config=config)
        self._batches: list[pa.RecordBatch] = []
        self._since = time.perf_counter()

    def write(self, group: _RowGroup) -> int:
        """Add a row group, and write its shard if it is the last one; return the sentences that are done."""
        if group.passes:
            self._batches.append(self._encoded(group.passes))
        if group.ends_shard:
            if self._batches:
                table = pa.Table.from_batches(self._batches, self._schema)
                self._parts.write(group.shard, table, time.perf_counter() - self._since)
            self._batches, self._since = [], time.perf_counter()
        return group.done


def _pieces(first: int, total: int, config: AnnotationConfig) -> Iterator[tuple[int, int]]:
    """Yield the sentences of each row group, from the shard that begins at `first` on.

    The last bits of a score depend on its batch. So batches are formed within a row group, and a run that continues
    after a shard gives the same bytes as one without interruption.
    """
    for shard in range(first, total, config.shard_rows):
        end = min(shard + config.shard_rows, total)
        for group in range(shard, end, config.row_group_rows):
            yield group, min(group + config.row_group_rows, end)


def header_of(teacher: TeacherSource, provenance: dict[str, JsonValue], config: AnnotationConfig) -> SetHeader:
    """Return the header of the teacher's shards: its labels, chain scores, and provenance."""
    return SetHeader(
        labels=teacher.labels.names,
        transitions=tuple(map(tuple, teacher.transitions.tolist())),
        start=tuple(teacher.start.tolist()),
        end=tuple(teacher.end.tolist()),
        posteriors=config.posteriors,
        paths=config.paths,
        hidden=teacher.basis if isinstance(teacher, HiddenSource) else None,
        provenance=provenance,
    )


def _passes(teacher: TeacherSource, rows: Sequence[TextRow], batch_tokens: int) -> Iterator[ForwardPass]:
    """Run the teacher over the rows, in batches of one corpus and similar length."""
    for places in _groups(rows, batch_tokens):
        group = [rows[place] for place in places]
        passage = Passage(group[0].corpus, np.array([row.place for row in group]))
        chain, hidden = chain_and_hidden(teacher, passage)
        yield ForwardPass(
            places, [row.sentence_id for row in group], [row.seen for row in group], passage, chain, hidden
        )


def _groups(rows: Sequence[TextRow], batch_tokens: int) -> Iterator[Int64[np.ndarray, "B"]]:
    """Group places of rows that are annotated together."""
    for _, same in groupby(range(len(rows)), key=lambda place: id(rows[place].corpus)):
        places = np.array(list(same))
        for group in length_batches([len(rows[place].sentence) for place in places], batch_tokens):
            yield places[group]
