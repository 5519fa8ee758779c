"""The batches of an epoch from artifact sets, in an order that depends only on manifests, settings and epoch."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import dropwhile, pairwise

import numpy as np
import pyarrow as pa
from jaxtyping import Int64

from structkd.artifacts.draws import Pool, StreamConfig, available_sentences, generator, planned_pools
from structkd.artifacts.pools import SET_COLUMN, read_pools
from structkd.artifacts.ragged import list_lengths
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.sampling import epoch_counts
from structkd.artifacts.schema import ArtifactError

__all__ = ["SET_COLUMN", "Share", "StreamConfig", "epoch_sentences", "stream_epoch"]


@dataclass(frozen=True)
class Share:
    """The share of one of `world` equal processes in every batch: the rows `rank`, `rank + world`, ..."""

    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world:
            raise ValueError(f"rank is {self.rank}, expected 0 to {self.world - 1} for a world of {self.world}")


def epoch_sentences(sets: Sequence[ArtifactSet], config: StreamConfig) -> int:
    """Return the number of sentences in an epoch over `sets`; it does not depend on the languages' shares."""
    return sum(available_sentences(sets, config).values())


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
    available = available_sentences(sets, config)
    if not available:
        kind = "labelled sentence" if config.labelled_only else "sentence"
        raise ArtifactError(f"no {kind} in {', '.join(str(one.folder) for one in sets) or 'no artifact set'}")
    shares = epoch_counts(available, config.sampling_exponent)
    wanted = sorted({*columns, "tokens"} - {SET_COLUMN})
    pools = partial(planned_pools, sets, shares, config, epoch)
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
    with closing(read_pools(dropwhile(lambda pool: pool[0] < first, pools()), columns, config)) as read:
        for number, pool, drawn in read:
            for places in _cut(pool, drawn, config, epoch, number)[start:]:
                yield pool.take(pa.array(drawn[places[share.rank :: share.world]]))
            start = 0
            del pool  # or the next one would be read beside it
            pa.default_memory_pool().release_unused()


def _skipped(pools: Iterator[Pool], config: StreamConfig, epoch: int, start: int) -> tuple[int, int]:
    """Return the number of the pool with batch `start`, and its place there. A pool's batches depend on its words."""
    number = -1
    with closing(read_pools(pools, ["tokens"], config)) as read:
        for number, pool, drawn in read:
            batches = len(_cut(pool, drawn, config, epoch, number))
            if start < batches:
                return number, start
            start -= batches
    return number + 1, 0


def _cut(
    pool: pa.Table, drawn: Int64[np.ndarray, "N"], config: StreamConfig, epoch: int, number: int
) -> list[Int64[np.ndarray, "_"]]:
    """Return the places in `drawn` of each batch: neighbours by length; ties and batches are in random order."""
    lengths, rng = list_lengths(pool["tokens"].chunk(0))[drawn], generator(config.seed, epoch, "pool", number)
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
