"""What a job tells while it runs, as records; a journal is a file of them, a JSON object a line.

A record's class says what happened. In a journal the class is named under the key `event`.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, get_args

from pydantic import TypeAdapter, ValidationError

from structkd.corpora.files import read_regular


@dataclass(frozen=True)
class Started:
    """A job has begun."""

    event: ClassVar[str] = "started"


@dataclass(frozen=True)
class Taken:
    """A job waits, since another process is doing it."""

    event: ClassVar[str] = "taken"
    by: str


@dataclass(frozen=True)
class Finished:
    """A job has ended, its results are in their files."""

    event: ClassVar[str] = "finished"
    seconds: float


@dataclass(frozen=True)
class Updated:
    """A training has made one of its updates."""

    event: ClassVar[str] = "update"
    update: int
    of: int
    """At most so many."""


@dataclass(frozen=True)
class DevScored:
    """A training has scored its tagger on dev."""

    event: ClassVar[str] = "dev"
    update: int
    epoch: int
    loss: float
    """Mean since the last scoring."""
    dev: float
    """The score, in percent."""
    best: float
    """The best one up to here."""
    words_per_second: float


@dataclass(frozen=True)
class Resumed:
    """A training goes on from the state that it had after `update`."""

    event: ClassVar[str] = "resumed"
    update: int
    earlier_code: tuple[str, ...] = ()
    """Digests of other code that trained up to there."""


@dataclass(frozen=True)
class Restarted:
    """A training has a state that it cannot use, and begins again."""

    event: ClassVar[str] = "restarted"
    reason: str


@dataclass(frozen=True)
class VectorsFound:
    """A file of word vectors has `known` of the `words` distinct words that a tagger will see."""

    event: ClassVar[str] = "vectors"
    path: str
    words: int
    known: int


@dataclass(frozen=True)
class Annotated:
    """A teacher, or a frozen encoder, has said what it knows of so many sentences."""

    event: ClassVar[str] = "annotated"
    sentences: int
    of: int


@dataclass(frozen=True)
class SetWritten:
    """An artifact set is finished."""

    event: ClassVar[str] = "set written"
    set: str
    """Its folder's name."""
    seconds: float


@dataclass(frozen=True)
class FeaturesWritten:
    """A frozen encoder's features of a corpus are finished."""

    event: ClassVar[str] = "features"
    split: str
    bytes: int
    seconds: float


@dataclass(frozen=True)
class FeaturesRead:
    """A job reads the features of so many corpora, and does not run the encoder that took `seconds` to make them."""

    event: ClassVar[str] = "features read"
    corpora: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class LeftAside:
    """A file cannot be used, and the job does without it."""

    event: ClassVar[str] = "left aside"
    reason: str


@dataclass(frozen=True)
class LabelsUnknown:
    """So many sentences have a label that no training corpus has; they are annotated without gold."""

    event: ClassVar[str] = "unknown labels"
    split: str
    sentences: int


@dataclass(frozen=True)
class LengthLimited:
    """Some sentences of a corpus are longer than the limit; the fields are those of a `LengthReport`."""

    event: ClassVar[str] = "limited"
    language: str
    split: str
    max_tokens: int
    policy: str
    long_sentences: int
    long_tokens: int
    pieces: int
    dropped_tokens: int
    cut_spans: int


@dataclass(frozen=True)
class CorpusChanged:
    """Reading a corpus's file left lines out or changed labels; see `corpora.sentences.Changes`."""

    event: ClassVar[str] = "changed"
    language: str
    split: str
    comments: int
    repaired: int


@dataclass(frozen=True)
class CorpusSuspected:
    """A corpus looks wrong, although it can be read."""

    event: ClassVar[str] = "suspected"
    language: str
    split: str
    reason: str


Record = (
    Started
    | Taken
    | Finished
    | Updated
    | DevScored
    | Resumed
    | Restarted
    | VectorsFound
    | Annotated
    | SetWritten
    | FeaturesWritten
    | FeaturesRead
    | LeftAside
    | LabelsUnknown
    | LengthLimited
    | CorpusChanged
    | CorpusSuspected
)
Log = Callable[[Record], None]
"""Takes what a job tells."""

_READERS: dict[str, TypeAdapter[Any]] = {kind.event: TypeAdapter(kind) for kind in get_args(Record)}


class RecordError(ValueError):
    """A line that is no record; the message says what was found, and where a file is read what to do."""


def to_json(record: Record) -> str:
    """A record as a line of a journal, without its end."""
    return json.dumps({"event": record.event} | asdict(record), ensure_ascii=False)


def from_json(line: str | bytes) -> Record:
    """The record that `to_json` made a line of. Keys that it does not know are left out.

    Raises RecordError.
    """
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"not JSON ({error})") from None
    event = fields.pop("event", None) if isinstance(fields, dict) else None
    if not isinstance(event, str) or event not in _READERS:
        raise RecordError(f"found {line!r:.80}, expected an object whose event is one of {', '.join(_READERS)}")
    try:
        record: Record = _READERS[event].validate_python(fields)
    except ValidationError as error:
        problem = error.errors()[0]
        raise RecordError(f"{event}: {'.'.join(map(str, problem['loc']))}: {problem['msg'].lower()}") from None
    return record


def read_journal(path: Path) -> list[Record]:
    """A journal's records; none if there is no file. A last line without its end is still being written.

    Raises:
        RecordError: a line that is no record; the message names file and line.
    """
    if not path.is_file():
        return []
    *lines, _ = read_regular(path).split(b"\n")  # not splitlines: JSON's strings may hold other ends of lines
    return [_read(path, number, line) for number, line in enumerate(lines, 1)]


def _read(path: Path, number: int, line: bytes) -> Record:
    try:
        return from_json(line)
    except RecordError as error:
        raise RecordError(f"{path}:{number}: {error}; delete the line, nothing but costs is read from it") from None
