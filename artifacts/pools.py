"""Reading the pools of an epoch: row groups are fetched ahead, and their wanted rows laid side by side."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import accumulate, tee

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int64

from structkd.artifacts.ahead import ahead
from structkd.artifacts.chunks import Chunks
from structkd.artifacts.draws import Draw, Pool, StreamConfig, Unit
from structkd.artifacts.schema import REMEDY, ArtifactError

AHEAD = 8  # row groups that are fetched before they are needed: a store's latency is longer than a student's step
SET_COLUMN = "set"  # a batch mixes teachers; whose header holds for a row, only the stream knows


def read_pools(
    pools: Iterator[Pool], columns: Sequence[str], config: StreamConfig
) -> Generator[tuple[int, pa.Table, Int64[np.ndarray, "N"]]]:
    """Yield number, table and drawn places of each pool, see `_Reader`; what it is read from is fetched ahead."""
    pools, planned = tee(pools)
    with closing(ahead(partial(_fetch, columns=columns, config=config), _needed(planned), AHEAD)) as fetched:
        reader = _Reader(fetched, columns, config)
        for number, draws in pools:
            yield number, *reader.read(draws)


def _needed(pools: Iterator[Pool]) -> Iterator[Draw]:
    """Yield the draws for which a `_Reader` needs another row group."""
    last: dict[str, Unit] = {}
    for _, draws in pools:
        for draw in draws:
            if last.get(draw.language) is not draw.unit:
                last[draw.language] = draw.unit
                yield draw


class _Reader:
    """A reader of pools; it keeps each language's last row group, because the next pool begins with its rest."""

    def __init__(self, fetched: Iterator[Chunks], columns: Sequence[str], config: StreamConfig) -> None:
        self._fetched, self._columns, self._config = fetched, columns, config
        self._kept: dict[str, tuple[Unit, pa.Table]] = {}

    def read(self, draws: Sequence[Draw]) -> tuple[pa.Table, Int64[np.ndarray, "N"]]:
        """Return a table in one chunk that contains all drawn rows and others, and the places of the drawn rows in
        it."""
        tables = [self._rows(draw.unit, draw.language) for draw in draws]
        starts = accumulate(map(len, tables[:-1]), initial=0)
        places = [first + draw.places for first, draw in zip(starts, draws, strict=True)]
        return pa.concat_tables(tables).combine_chunks(), np.concatenate(places)

    def _rows(self, unit: Unit, language: str) -> pa.Table:
        before = self._kept.get(language)
        if before is None or before[0] is not unit:
            rows = _wanted_rows(next(self._fetched).decode(), unit, self._columns, self._config, language)
            self._kept[language] = before = unit, rows
        return before[1]


def _fetch(draw: Draw, columns: Sequence[str], config: StreamConfig) -> Chunks:
    """Read the columns of a row group by which its wanted rows are chosen, and `columns`."""
    unit = draw.unit
    mixed, partly = len(unit.languages) > 1, _is_partly_wanted(unit, config, draw.language)
    needed = {*columns, *(["language"] if mixed else []), *(["gold"] if partly else [])}
    return unit.source.fetch(unit.shard, unit.group, sorted(needed))


def _is_partly_wanted(unit: Unit, config: StreamConfig, language: str) -> bool:
    return config.labelled_only and unit.languages[language].unlabelled > 0


def _wanted_rows(rows: pa.Table, unit: Unit, columns: Sequence[str], config: StreamConfig, language: str) -> pa.Table:
    """Return the rows of a row group that belong to the language and may be drawn."""
    if len(unit.languages) > 1:
        rows = rows.filter(pc.equal(rows["language"].cast(pa.string()), language))
    if _is_partly_wanted(unit, config, language):
        rows = rows.filter(rows["gold"].is_valid())
    expected = config.wanted(unit.languages[language])
    if len(rows) != expected:
        raise ArtifactError(
            f"{unit.source.folder / unit.source.manifest.shards[unit.shard].file}: row group {unit.group} has "
            f"{len(rows)} sentences of {language}, expected {expected} by the manifest; {REMEDY}"
        )
    number = pa.array(np.full(len(rows), unit.number, np.int32))
    return rows.select(columns).append_column(SET_COLUMN, number)
