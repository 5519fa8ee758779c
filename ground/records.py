"""Records of a running job. A journal is a file of records, one JSON object per line.

A record's class names the event. In a journal, the key `event` contains the class.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, get_args

from pydantic import TypeAdapter, ValidationError

from structkd.ground.files import read_regular


@dataclass(frozen=True)
class Started:
    """A job has begun."""

    event: ClassVar[str] = "started"


@dataclass(frozen=True)
class Taken:
    """A job waits because another process is doing it."""

    event: ClassVar[str] = "taken"
    by: str


@dataclass(frozen=True)
class Finished:
    """A job has ended, and its results are in their files."""

    event: ClassVar[str] = "finished"
    seconds: float


@dataclass(frozen=True)
class Updated:
    """A training has made one of its updates."""

    event: ClassVar[str] = "update"
    update: int
    of: int
    """The largest possible number of updates."""


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
    """The best score so far."""
    words_per_second: float


@dataclass(frozen=True)
class Resumed:
    """A training continues from its state after `update`."""

    event: ClassVar[str] = "resumed"
    update: int
    earlier_code: tuple[str, ...] = ()
    """Digests of other code that trained before."""
    earlier_ranks: int | None = None
    """The number of processes that trained before, if it was another: dropout then draws other numbers."""


@dataclass(frozen=True)
class Restarted:
    """A training found a state that it cannot use, and starts again."""

    event: ClassVar[str] = "restarted"
    reason: str


@dataclass(frozen=True)
class VectorsFound:
    """A file of word vectors contains `known` of the `words` distinct words that a tagger will see."""

    event: ClassVar[str] = "vectors"
    path: str
    words: int
    known: int


@dataclass(frozen=True)
class Annotated:
    """A teacher or a frozen encoder has processed this many sentences."""

    event: ClassVar[str] = "annotated"
    sentences: int
    of: int
    """The sentences of the whole set or corpus, of which this job may do a part."""
    set: str = ""
    """The name of its folder, if it is an artifact set."""


@dataclass(frozen=True)
class Prepared:
    """This many sentences of a text are converted and limited; how many it has is not known before its end."""

    event: ClassVar[str] = "prepared"
    sentences: int


@dataclass(frozen=True)
class SetWritten:
    """An artifact set is finished."""

    event: ClassVar[str] = "set written"
    set: str
    """The name of its folder."""
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
    """A job reads the features of this many corpora in place of running the encoder, which took `seconds`."""

    event: ClassVar[str] = "features read"
    corpora: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class LeftAside:
    """A file cannot be used; the job continues without it."""

    event: ClassVar[str] = "left aside"
    reason: str


@dataclass(frozen=True)
class LabelsUnknown:
    """This many sentences have a label that no training corpus has; they are annotated without gold."""

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
    """The reader of a corpus left lines out or changed labels; see `corpora.sentences.Changes`."""

    event: ClassVar[str] = "changed"
    language: str
    split: str
    comments: int
    repaired: int


@dataclass(frozen=True)
class CorpusSuspected:
    """A corpus is readable but looks wrong."""

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
    | Prepared
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
"""A function that takes a job's records."""

_READERS: dict[str, TypeAdapter[Any]] = {kind.event: TypeAdapter(kind) for kind in get_args(Record)}


class RecordError(ValueError):
    """A line that is not a record; the message says what was found, and for a file what to do."""


def to_json(record: Record) -> str:
    """Return a record as a line of a journal, without line end."""
    return json.dumps({"event": record.event} | asdict(record), ensure_ascii=False)


def from_json(line: str | bytes) -> Record:
    """Return the record of a line made by `to_json`. Unknown keys are left out.

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
    """Read a journal's records; none if there is no file. A last line without line end is still being written.

    Raises:
        RecordError: a line that is not a record; the message names file and line.
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
