"""The batches of an epoch from artifact sets, in an order that depends only on manifests, settings and epoch."""

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, count, dropwhile, pairwise, tee
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int64

from structkd.artifacts.ahead import ahead
from structkd.artifacts.chunks import Chunks
from structkd.artifacts.manifest import RowGroup, Sentences
from structkd.artifacts.ragged import list_lengths
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.sampling import epoch_counts
from structkd.artifacts.schema import REMEDY, ArtifactError
from structkd.corpora.files import digest_json

AHEAD = 8  # row groups that are fetched before they are needed: a store's latency is longer than a student's step
SET_COLUMN = "set"  # a batch mixes teachers; whose header holds for a row, only the stream knows


@dataclass(frozen=True)
class StreamConfig:
    """Settings of the draw of an epoch.

    `batch_tokens` bounds a batch's padded tokens: its longest sentence times its number of sentences.
    A language's share of an epoch is in proportion to n^`sampling_exponent`: 1 keeps the sizes, 0 makes all shares
    equal. `pool_rows` sentences are held at a time; larger pools mix better and need less padding.
    """

    batch_tokens: int
    seed: int
    sampling_exponent: float = 1.0
    pool_rows: int = 8192
    labelled_only: bool = False

    def __post_init__(self) -> None:
        for name, least in {"batch_tokens": 1, "pool_rows": 1, "sampling_exponent": 0}.items():
            if not least <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} is {getattr(self, name)}, expected at least {least}")

    def wanted(self, sentences: Sentences) -> int:
        """Return the number of a language's sentences that the stream may draw."""
        return sentences.labelled if self.labelled_only else sentences.total


@dataclass(frozen=True)
class Share:
    """The share of one of `world` equal processes in every batch: the rows `rank`, `rank + world`, ..."""

    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world:
            raise ValueError(f"rank is {self.rank}, expected 0 to {self.world - 1} for a world of {self.world}")


@dataclass(frozen=True)
class _Unit:
    """A row group with wanted sentences of a language."""

    source: ArtifactSet
    number: int
    shard: int
    group: int

    @property
    def languages(self) -> dict[str, Sentences]:
        described: RowGroup = self.source.manifest.shards[self.shard].row_groups[self.group]
        return described.languages


@dataclass(frozen=True)
class _Draw:
    """Places among a unit's wanted rows of a language, in the order of drawing."""

    unit: _Unit
    language: str
    places: Int64[np.ndarray, "_"]

    def __len__(self) -> int:
        return len(self.places)


def epoch_sentences(sets: Sequence[ArtifactSet], config: StreamConfig) -> int:
    """Return the number of sentences in an epoch over `sets`; it does not depend on the languages' shares."""
    return sum(_available(sets, config).values())


def stream_epoch(
    sets: Sequence[ArtifactSet],
    columns: Collection[str],
    config: StreamConfig,
    epoch: int,
    *,
    start: int = 0,
    share: Share = Share(),
) -> Iterator[pa.Table]:
    """Yield the batches of an epoch: tables of `columns`, `tokens` and `SET_COLUMN`, a row's place in `sets` (int32).

    With an exponent of 1 each sentence occurs once. Otherwise an epoch has the same number of sentences, and languages
    are repeated or cut short. Sentences are mixed within pools of `pool_rows` and batched by length; the batches are
    shuffled. Memory: two pools, a row group for each language, and the bytes of AHEAD row groups.

    `start` is the number of batches to skip; the following batches do not change. For pools that are skipped as a
    whole, only the tokens are read. `share` gives each of several processes its rows of every batch, so that all have
    the same number of batches; a batch smaller than the world is empty for some of them.

    Raises ArtifactError if label sets differ, a set is given twice, or there is nothing to stream.
    """
    _check_sets(sets)
    available = _available(sets, config)
    if not available:
        kind = "labelled sentence" if config.labelled_only else "sentence"
        raise ArtifactError(f"no {kind} in {', '.join(str(one.folder) for one in sets) or 'no artifact set'}")
    shares = epoch_counts(available, config.sampling_exponent)
    wanted = sorted({*columns, "tokens"} - {SET_COLUMN})
    pools = partial(_planned, sets, shares, config, epoch)
    return _batches(pools, wanted, config, epoch, start, share)


def _check_sets(sets: Sequence[ArtifactSet]) -> None:
    for before, one in pairwise(sorted(sets, key=lambda one: one.identity)):
        if one.identity == before.identity:
            raise ArtifactError(f"{before.folder} and {one.folder} hold the same set; give it once")
        if one.labels != before.labels:
            raise ArtifactError(
                f"{before.folder} has the labels {', '.join(before.labels)}\n"
                f"{one.folder} has the labels {', '.join(one.labels)}\n"
                "expected equal names in equal order; run stage one again with the union of the label sets"
            )


def _available(sets: Sequence[ArtifactSet], config: StreamConfig) -> dict[str, int]:
    available: dict[str, int] = {}
    for one in sets:
        for language, sentences in one.manifest.languages.items():
            if wanted := config.wanted(sentences):
                available[language] = available.get(language, 0) + wanted
    return available


def _units(sets: Sequence[ArtifactSet], config: StreamConfig, language: str) -> list[_Unit]:
    """Return the units in an order that depends neither on the order of `sets` nor on their provenance."""
    numbered = sorted(enumerate(sets), key=lambda item: _content_key(item[1]))
    units = [_Unit(one, number, *place) for number, one in numbered for place in one.places()]
    return [unit for unit in units if language in unit.languages and config.wanted(unit.languages[language])]


def _content_key(artifacts: ArtifactSet) -> tuple[Any, ...]:
    """Return a sort key: sets are ordered by their words, then by all columns, then by identity.

    The identity alone would be enough, but it contains the code's digest: a comment would change every student.
    """
    words = artifacts.header.schema.names.index("tokens")
    columns = [group.crc32 for shard in artifacts.manifest.shards for group in shard.row_groups]
    return [checksums[words] for checksums in columns], columns, artifacts.identity


def _draws(units: Sequence[_Unit], config: StreamConfig, epoch: int, language: str) -> Iterator[_Draw]:
    """Yield the wanted rows of a language, pass after pass; each pass has its own order of row groups and rows."""
    for number in count():
        rng = _generator(config.seed, epoch, "language", language, number)
        for place in rng.permutation(len(units)):
            unit = units[place]
            yield _Draw(unit, language, rng.permutation(config.wanted(unit.languages[language])))


class _Cursor:
    """A place in a sequence of draws; it returns any number of further rows."""

    def __init__(self, draws: Iterator[_Draw]) -> None:
        self._draws = draws
        self._rest: _Draw | None = None

    def take(self, rows: int) -> list[_Draw]:
        taken = []
        while rows > 0:
            draw = self._rest or next(self._draws)
            taken.append(replace(draw, places=draw.places[:rows]))
            self._rest = replace(draw, places=draw.places[rows:]) if rows < len(draw) else None
            rows -= len(taken[-1])
        return taken


Pool = tuple[int, list[_Draw]]
"""The number of a pool in its epoch, and what it is made of."""


def _planned(sets: Sequence[ArtifactSet], shares: dict[str, int], config: StreamConfig, epoch: int) -> Iterator[Pool]:
    """Yield pools; each has the same part of every language's share, to within a sentence. Empty ones are left out."""
    cursors = {
        language: _Cursor(_draws(_units(sets, config, language), config, epoch, language))
        for language in sorted(shares)
    }
    pools = -(-sum(shares.values()) // config.pool_rows)
    for number in range(pools):
        parts = {
            language: share * (number + 1) // pools - share * number // pools for language, share in shares.items()
        }
        draws = [draw for language, cursor in cursors.items() for draw in cursor.take(parts[language])]
        if draws:
            yield number, draws


def _batches(
    pools: Callable[[], Iterator[Pool]],
    columns: Sequence[str],
    config: StreamConfig,
    epoch: int,
    start: int,
    share: Share,
) -> Iterator[pa.Table]:
    """Yield the batches from `start` on."""
    first, start = _skipped(pools(), config, epoch, start) if start else (0, 0)
    with closing(_read_pools(dropwhile(lambda pool: pool[0] < first, pools()), columns, config)) as read:
        for number, pool, drawn in read:
            for places in _cut(pool, drawn, config, epoch, number)[start:]:
                yield pool.take(pa.array(drawn[places[share.rank :: share.world]]))
            start = 0
            del pool  # or the next one would be read beside it
            pa.default_memory_pool().release_unused()


def _skipped(pools: Iterator[Pool], config: StreamConfig, epoch: int, start: int) -> tuple[int, int]:
    """Return the number of the pool with batch `start`, and its place there. A pool's batches depend on its words."""
    number = -1
    with closing(_read_pools(pools, ["tokens"], config)) as read:
        for number, pool, drawn in read:
            batches = len(_cut(pool, drawn, config, epoch, number))
            if start < batches:
                return number, start
            start -= batches
    return number + 1, 0


def _read_pools(
    pools: Iterator[Pool], columns: Sequence[str], config: StreamConfig
) -> Generator[tuple[int, pa.Table, Int64[np.ndarray, "N"]]]:
    """Yield number, table and drawn places of each pool, see `_Reader`; what it is read from is fetched ahead."""
    pools, planned = tee(pools)
    with closing(ahead(partial(_fetch, columns=columns, config=config), _needed(planned), AHEAD)) as fetched:
        reader = _Reader(fetched, columns, config)
        for number, draws in pools:
            yield number, *reader.read(draws)


def _needed(pools: Iterator[Pool]) -> Iterator[_Draw]:
    """Yield the draws for which a `_Reader` needs another row group."""
    last: dict[str, _Unit] = {}
    for _, draws in pools:
        for draw in draws:
            if last.get(draw.language) is not draw.unit:
                last[draw.language] = draw.unit
                yield draw


class _Reader:
    """A reader of pools; it keeps each language's last row group, because the next pool begins with its rest."""

    def __init__(self, fetched: Iterator[Chunks], columns: Sequence[str], config: StreamConfig) -> None:
        self._fetched, self._columns, self._config = fetched, columns, config
        self._kept: dict[str, tuple[_Unit, pa.Table]] = {}

    def read(self, draws: Sequence[_Draw]) -> tuple[pa.Table, Int64[np.ndarray, "N"]]:
        """Return a table in one chunk that contains all drawn rows and others, and the places of the drawn rows in
        it."""
        tables = [self._rows(draw.unit, draw.language) for draw in draws]
        starts = accumulate(map(len, tables[:-1]), initial=0)
        places = [first + draw.places for first, draw in zip(starts, draws, strict=True)]
        return pa.concat_tables(tables).combine_chunks(), np.concatenate(places)

    def _rows(self, unit: _Unit, language: str) -> pa.Table:
        before = self._kept.get(language)
        if before is None or before[0] is not unit:
            rows = _wanted_rows(next(self._fetched).decode(), unit, self._columns, self._config, language)
            self._kept[language] = before = unit, rows
        return before[1]


def _fetch(draw: _Draw, columns: Sequence[str], config: StreamConfig) -> Chunks:
    """Read the columns of a row group by which its wanted rows are chosen, and `columns`."""
    unit = draw.unit
    mixed, partly = len(unit.languages) > 1, _is_partly_wanted(unit, config, draw.language)
    needed = {*columns, *(["language"] if mixed else []), *(["gold"] if partly else [])}
    return unit.source.fetch(unit.shard, unit.group, sorted(needed))


def _is_partly_wanted(unit: _Unit, config: StreamConfig, language: str) -> bool:
    return config.labelled_only and unit.languages[language].unlabelled > 0


def _wanted_rows(rows: pa.Table, unit: _Unit, columns: Sequence[str], config: StreamConfig, language: str) -> pa.Table:
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


def _cut(
    pool: pa.Table, drawn: Int64[np.ndarray, "N"], config: StreamConfig, epoch: int, number: int
) -> list[Int64[np.ndarray, "_"]]:
    """Return the places in `drawn` of each batch: neighbours by length; ties and batches are in random order."""
    lengths, rng = list_lengths(pool["tokens"].chunk(0))[drawn], _generator(config.seed, epoch, "pool", number)
    order = np.lexsort((rng.random(len(lengths)), lengths))
    ascending = lengths[order]
    batches = []
    start = 0
    while start < len(order):
        candidates = ascending[start : start + max(1, config.batch_tokens // int(ascending[start]))]
        padded = candidates * np.arange(1, len(candidates) + 1)
        stop = start + max(1, int(np.searchsorted(padded, config.batch_tokens, side="right")))
        batches.append(order[start:stop])
        start = stop
    return [batches[place] for place in rng.permutation(len(batches))]


def _generator(seed: int, epoch: int, *stream: str | int) -> np.random.Generator:
    """Return independent random numbers for each stream of each epoch."""
    return np.random.default_rng(int(digest_json([seed, epoch, *stream]), 16))
