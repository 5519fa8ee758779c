"""Parquet as input and output of `structkd tag`: row groups pass by, and no file is in memory."""

import base64
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from itertools import repeat
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from structkd.corpora.sentences import CorpusError
from structkd.ground.files import check_regular
from structkd.pipeline.tagging.answers import answer
from structkd.pipeline.tagging.items import TOGETHER, Chunk, Item, Reading, check_names, from_value
from structkd.runtime.tagging import Tagged, Wanted

_GROUP = 1 << 24  # bytes of rows in a row group that is written, about
_WORDS = pa.list_(pa.string())
_ENTITY = pa.struct(
    [
        ("type", pa.string()),
        ("text", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("probability", pa.float64()),
    ]
)
_TYPES = {
    "text": pa.string(),
    "tokens": _WORDS,
    "offsets": pa.list_(pa.list_(pa.int32())),
    "labels": _WORDS,
    "probabilities": pa.list_(pa.float64()),
    "entities": pa.list_(_ENTITY),
    "labelings": pa.list_(pa.struct([("labels", _WORDS), ("probability", pa.float64())])),
}
JSON = "json"
"""The column of Parquet that has the JSON object in which an input came."""


def read_parquet(path: Path, reading: Reading) -> Iterator[Chunk]:
    """Yield the texts, or the lists of words, in a column; each with its row.

    Raises CorpusError for no Parquet, no such column, or something else in it; with the row, counted from 0.
    """
    check_regular(path)
    size = path.stat().st_size
    try:
        with pq.ParquetFile(path) as file:
            known = _known(path, file.schema_arrow, reading)
            yield Chunk([], 0, file.schema_arrow.empty_table(), known)
            done = 0
            for batch in file.iter_batches(TOGETHER):
                rows = pa.Table.from_batches([batch])
                items = _items(path, done, rows, reading)
                done += len(items)
                yield Chunk(items, size * done / file.metadata.num_rows, rows, known)
    except pa.ArrowException as error:
        raise CorpusError(f"{path}: not a readable Parquet file: {error}") from error


def _known(path: Path, schema: pa.Schema, reading: Reading) -> frozenset[str]:
    """Return the fields of the answer that the column has."""
    if schema.names.count(reading.field) != 1:
        names = ", ".join(map(repr, schema.names))
        raise CorpusError(f"{path}: no column {reading.field!r}, found {names}; name the one with the text: --column")
    kind = schema.field(reading.field).type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    known = frozenset(("tokens" if is_list else "text", reading.field))
    try:
        check_names(schema.names, known, reading)
    except ValueError as error:
        raise CorpusError(f"{path}: {error}") from None
    return known


def _items(path: Path, before: int, rows: pa.Table, reading: Reading) -> list[Item]:
    found = []
    objects = map(_as_json, rows.to_pylist()) if reading.as_json else repeat("")
    for row, (value, fields) in enumerate(zip(rows[reading.field].to_pylist(), objects, strict=False), before):
        try:
            found.append(replace(from_value(value, reading), json=fields))
        except ValueError as error:
            raise CorpusError(f"{path}: row {row}: column {reading.field!r}: {error}") from None
    return found


def _as_json(fields: dict[str, Any]) -> str:
    return json.dumps(_plain(fields), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Return what JSON can hold: dates in ISO 8601, bytes in base64, null for NaN and infinities."""
    match value:
        case dict():
            return {str(name): _plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case bytes():
            return base64.b64encode(value).decode()
        case float():
            return value if math.isfinite(value) else None
        case datetime() | date() | time():
            return value.isoformat()
        case None | bool() | int() | str():
            return value
        case _:
            return str(value)


class ParquetOutput:
    """An output with a row for each input: the input's columns, and those of the answer.

    Args:
        sink: a file that is written from its beginning; a pipe will do.
    """

    def __init__(self, sink: IO[bytes], wanted: Wanted, under: str | None) -> None:
        self._sink, self._wanted, self._under = sink, wanted, under
        self._writer: pq.ParquetWriter = None
        self._waiting: list[pa.Table] = []

    def write(self, chunk: Chunk, found: Sequence[Tagged]) -> None:
        """Add answers."""
        table = self._table(chunk, found)
        if self._waiting and table.schema != self._waiting[0].schema:
            raise CorpusError("found files with different columns; Parquet has the same in all rows: tag each alone")
        self._waiting.append(table)
        if sum(one.nbytes for one in self._waiting) > _GROUP:
            self._flush()

    def close(self) -> None:
        """Write the end of the file."""
        if not self._waiting:  # nothing was read
            self.write(Chunk([], 0), [])
        self._flush()
        self._writer.close()

    def _table(self, chunk: Chunk, found: Sequence[Tagged]) -> pa.Table:
        types = {name: kind for name, kind in _TYPES.items() if name not in chunk.known}
        if not self._wanted.k:
            del types["labelings"]
        answers = pa.Table.from_pylist([answer(one, self._wanted, chunk.known) for one in found], pa.schema(types))
        if self._under:
            answers = pa.table({self._under: answers.to_struct_array()})
        before: Any = chunk.rows
        if before is None and chunk.items and chunk.items[0].json:
            before = pa.table({JSON: [item.json for item in chunk.items]})
        if before is None:
            return answers
        for place, field in enumerate(answers.schema):
            before = before.append_column(field, answers.column(place))
        return before

    def _flush(self) -> None:
        table = pa.concat_tables(self._waiting)
        self._writer = self._writer or pq.ParquetWriter(self._sink, table.schema)
        self._writer.write_table(table)
        self._waiting = [table.slice(0, 0)]
