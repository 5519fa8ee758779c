"""Text on disk as teachers read it: converted, limited, drawn, and in shards of which one at a time is in memory.

A folder contains `part-00000.parquet ...` with one column, `tokens`, and `text.json`, written last, with the shards'
digests. What is written depends on the sentences alone.
"""

from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache
from itertools import islice
from pathlib import Path

from structkd.corpora.lengths import LengthReport
from structkd.corpora.sentences import NO_CHANGES, CorpusDigest, CorpusError, Sentence, Split
from structkd.corpora.sources.base import Stream
from structkd.ground.faults import FileError
from structkd.ground.files import atomic_path, digest_bytes, digest_file, read_regular
from structkd.ground.records import Log, Prepared
from structkd.ground.sealed import SealError, read_sealed, write_sealed

TEXT = "text.json"
_VERSION = 1


def write_prepared(folder: Path, language: str, split: Split, stream: Stream, shard_rows: int, log: Log) -> None:
    """Write the sentences of a stream, which have no labels. The log gets their number after each shard.

    Raises FileError if the disk refuses, and what the stream raises.
    """
    digest, shards, sentences = CorpusDigest(language, split), list[str](), 0
    reports: list[LengthReport] = []

    def read() -> Iterator[Sentence]:
        reports.append((yield from stream))

    reading = read()
    while batch := list(islice(reading, shard_rows)):
        for sentence in batch:
            digest.add(sentence)
        shards.append(_write_shard(folder / _file(len(shards)), batch))
        sentences += len(batch)
        log(Prepared(sentences))
    content = {
        "version": _VERSION,
        "language": language,
        "split": split,
        "shard_rows": shard_rows,
        "sentences": sentences,
        "digest_of_sentences": digest.value,
        "limited": asdict(reports[0]),
        "shards": shards,
    }
    write_sealed(folder / TEXT, content)


def _file(number: int) -> str:
    return f"part-{number:05d}.parquet"


def _write_shard(path: Path, sentences: list[Sentence]) -> str:
    """Write one shard; return its SHA-256."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tokens = pa.array([sentence.tokens for sentence in sentences], pa.list_(pa.string()))
    with atomic_path(path) as temporary:
        pq.write_table(pa.table({"tokens": tokens}), temporary, compression="zstd")
        return digest_file(temporary)


class PreparedText:
    """Text that `write_prepared` has written, by place; the last shard that was read stays in memory.

    Raises CorpusError, also as it reads, if a file is missing or damaged; the message says what to do.
    """

    changes = NO_CHANGES

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            found = read_sealed(folder / TEXT)
        except (SealError, FileError) as error:
            raise CorpusError(f"{error}; {self._remedy}") from error
        if found["version"] != _VERSION:
            raise CorpusError(
                f"{folder / TEXT}: version {found['version']}, this program reads {_VERSION}; {self._remedy}"
            )
        self.language: str = found["language"]
        self.split: Split = found["split"]
        self.digest: str = found["digest_of_sentences"]
        self.limited = LengthReport(**found["limited"])
        self._sentences, self._shard_rows = int(found["sentences"]), int(found["shard_rows"])
        self._shards: list[str] = found["shards"]
        self._read = lru_cache(maxsize=1)(self._read_shard)

    @property
    def _remedy(self) -> str:
        return f"delete the folder {self.folder}: the next run prepares the text again"

    def __len__(self) -> int:
        return self._sentences

    def __getitem__(self, place: int) -> Sentence:
        return self._read(place // self._shard_rows)[place % self._shard_rows]

    def _read_shard(self, number: int) -> list[Sentence]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.folder / _file(number)
        try:
            data = read_regular(path)
        except FileError as error:
            raise CorpusError(f"{error}; or {self._remedy}") from error
        if digest_bytes(data) != self._shards[number]:
            raise CorpusError(f"{path}: SHA-256 is not the one in {TEXT}; {self._remedy}")
        rows = pq.read_table(pa.BufferReader(data), use_threads=False)["tokens"].to_pylist()
        return [Sentence(tuple(tokens)) for tokens in rows]
