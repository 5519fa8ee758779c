"""The rows that an epoch draws, in pools: a function of manifests, settings and epoch. No shard is read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
from jaxtyping import Int64

from structkd.artifacts.manifest import RowGroup, Sentences
from structkd.artifacts.reader import ArtifactSet
from structkd.ground.files import digest_json


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
class Unit:
    """A row group with wanted sentences of a language."""

    source: ArtifactSet
    number: int
    shard: int
    group: int

    @property
    def languages(self) -> dict[str, Sentences]:
        """The row group's sentences by language."""
        described: RowGroup = self.source.manifest.shards[self.shard].row_groups[self.group]
        return described.languages


@dataclass(frozen=True)
class Draw:
    """Places among a unit's wanted rows of a language, in the order of drawing."""

    unit: Unit
    language: str
    places: Int64[np.ndarray, "_"]

    def __len__(self) -> int:
        return len(self.places)


def available_sentences(sets: Sequence[ArtifactSet], config: StreamConfig) -> dict[str, int]:
    """Return the number of sentences of each language that an epoch may draw."""
    available: dict[str, int] = {}
    for one in sets:
        for language, sentences in one.manifest.languages.items():
            if wanted := config.wanted(sentences):
                available[language] = available.get(language, 0) + wanted
    return available


def _units(sets: Sequence[ArtifactSet], config: StreamConfig, language: str) -> list[Unit]:
    """Return the units in an order that depends neither on the order of `sets` nor on their provenance."""
    numbered = sorted(enumerate(sets), key=lambda item: _content_key(item[1]))
    units = [Unit(one, number, *place) for number, one in numbered for place in one.places()]
    return [unit for unit in units if language in unit.languages and config.wanted(unit.languages[language])]


def _content_key(artifacts: ArtifactSet) -> tuple[Any, ...]:
    """Return a sort key: sets are ordered by their words, then by all columns, then by identity.

    The identity alone would be enough, but it contains the code's digest: a comment would change every student.
    """
    words = artifacts.header.schema.names.index("tokens")
    columns = [group.crc32 for shard in artifacts.manifest.shards for group in shard.row_groups]
    return [checksums[words] for checksums in columns], columns, artifacts.identity


def _draws(units: Sequence[Unit], config: StreamConfig, epoch: int, language: str) -> Iterator[Draw]:
    """Yield the wanted rows of a language, pass after pass; each pass has its own order of row groups and rows."""
    for number in count():
        rng = generator(config.seed, epoch, "language", language, number)
        for place in rng.permutation(len(units)):
            unit = units[place]
            yield Draw(unit, language, rng.permutation(config.wanted(unit.languages[language])))


class _Cursor:
    """A place in a sequence of draws; it returns any number of further rows."""

    def __init__(self, draws: Iterator[Draw]) -> None:
        self._draws = draws
        self._rest: Draw | None = None

    def take(self, rows: int) -> list[Draw]:
        taken = []
        while rows > 0:
            draw = self._rest or next(self._draws)
            taken.append(replace(draw, places=draw.places[:rows]))
            self._rest = replace(draw, places=draw.places[rows:]) if rows < len(draw) else None
            rows -= len(taken[-1])
        return taken


Pool = tuple[int, list[Draw]]
"""The number of a pool in its epoch, and what it is made of."""


def planned_pools(
    sets: Sequence[ArtifactSet], shares: dict[str, int], config: StreamConfig, epoch: int
) -> Iterator[Pool]:
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


def generator(seed: int, epoch: int, *stream: str | int) -> np.random.Generator:
    """Return independent random numbers for each stream of each epoch."""
    return np.random.default_rng(int(digest_json([seed, epoch, *stream]), 16))
