"""Subwords of sentences in windows that an encoder reads at once, by array operations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
ALIKE = 1.5


@dataclass(frozen=True)
class WindowGrid:
    """Windows that are read in one pass: `ids` [N, S] with special subwords, `mask` [N, S], false at padding."""

    ids: Ints
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class Windows:
    """Subwords of a batch in windows, with special tokens, and the place of each subword's vector.

    Sentences with the same number of words can have very different numbers of subwords: a link has dozens. So windows
    of similar length are read together, and not padded to the longest of the batch.
    """

    grids: tuple[WindowGrid, ...]
    place: Ints
    """[P], the place of each subword, in the order of sentences, in the flattened grids, one after the other."""
    counts: Ints
    """[words], the number of subwords of each word, in the same order."""


@dataclass(frozen=True)
class Frame:
    """What stands around the subwords of a window: ids of special subwords before and after them, and of padding.

    `room` is the number of other subwords that fit in a window; None if there is no limit.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    pad: int
    room: int | None

    def windows(self, cut: Sequence[Sequence[int]], index: Ints, lengths: Ints, alike: float = ALIKE) -> Windows:
        """Lay out a batch.

        A sentence that does not fit is read in windows that overlap by half. A subword takes its vector from the window
        in which it is farthest from a cut. Nothing is left out.

        Args:
            cut: the subwords of each distinct word, one or more.
            index: [B, T], the distinct word at each place.
            lengths: [B], words in each sentence, 1 or more.
            alike: largest padded size of a window divided by its own size; beyond it, another pass is made.
        """
        sizes = np.fromiter(map(len, cut), np.int64, len(cut))
        vocabulary, first = np.concatenate([np.array(ids, np.int64) for ids in cut]), np.cumsum(sizes) - sizes
        shown = index[np.arange(index.shape[1]) < lengths[:, None]]
        counts = sizes[shown]
        ids = vocabulary[np.repeat(first[shown], counts) + _ranges(counts)]
        totals = np.add.reduceat(counts, np.cumsum(lengths) - lengths)
        return self._laid_out(ids, totals, counts, alike)

    def _laid_out(self, ids: Ints, totals: Ints, counts: Ints, alike: float) -> Windows:
        room = int(totals.max()) if self.room is None else self.room
        stride = max(1, room // 2)
        per = 1 + np.maximum(0, -((room - totals) // stride))  # windows of each sentence
        number, step = np.repeat(np.arange(len(totals)), per), _ranges(per)
        sizes = np.minimum(totals[number] - step * stride, room)
        begins = (np.cumsum(totals) - totals)[number] + step * stride
        grids, first, offset = [], np.zeros(len(sizes), np.int64), 0
        for rows in groups_alike(sizes, alike):
            grid = self._grid(ids, begins[rows], sizes[rows])
            first[rows] = offset + grid.ids.shape[1] * np.arange(len(rows)) + len(self.before)
            offset += grid.ids.size
            grids.append(grid)
        at, owner = _ranges(totals), np.repeat(np.arange(len(totals)), totals)
        window = np.clip((at - (room - stride + 1) // 2) // stride, 0, per[owner] - 1)
        row = (np.cumsum(per) - per)[owner] + window
        return Windows(tuple(grids), first[row] + at - window * stride, counts)

    def _grid(self, ids: Ints, begins: Ints, sizes: Ints) -> WindowGrid:
        """Return the windows of `sizes` subwords that begin at `begins` among all."""
        before, after, room = len(self.before), len(self.after), int(sizes.max())
        laid = np.full((len(sizes), before + room + after), self.pad, np.int64)
        laid[:, :before] = self.before
        body = laid[:, before : before + room]
        body[np.arange(room) < sizes[:, None]] = ids[np.repeat(begins, sizes) + _ranges(sizes)]
        for place, special in enumerate(self.after):
            laid[np.arange(len(sizes)), before + sizes + place] = special
        mask = np.arange(laid.shape[1]) < before + sizes[:, None] + after
        return WindowGrid(laid, mask)


def groups_alike(sizes: Ints, most: float) -> Iterator[Ints]:
    """Group places of windows by similar size, the largest first: none is padded to more than `most` times its size."""
    order = np.argsort(-sizes, kind="stable")
    falling = -sizes[order]
    begin = 0
    while begin < len(order):
        end = int(np.searchsorted(falling, falling[begin] / most, "right"))
        yield order[begin:end]
        begin = end


def _ranges(sizes: Ints) -> Ints:
    """Return 0, 1, ... up to each size, one after the other."""
    found: Ints = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return found
