"""Cutting words into subwords, and subwords into windows for an encoder, by array operations."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Int64
from torch import Tensor

from structkd.tagger.config import Subword
from structkd.tagger.encoders.pretrained import EncoderError
from structkd.tagger.tokens import TokenBatch

_BLANK = "Ġ"  # as byte-level tokenisers write it
KEPT = 1 << 18  # words whose subwords are remembered at most
ALIKE = 1.5


@dataclass(frozen=True)
class WindowGrid:
    """Windows that are read in one pass."""

    ids: Int[Tensor, "N S"]
    mask: Bool[Tensor, "N S"]

    def inputs(self, device: torch.device) -> dict[str, Tensor]:
        """The arguments for a model of transformers."""
        return {"input_ids": self.ids.to(device), "attention_mask": self.mask.long().to(device)}


@dataclass(frozen=True)
class Windows:
    """Subwords of a batch in windows, with special tokens, and the place of each subword's vector.

    Sentences with the same number of words can have very different numbers of subwords: a link has dozens. So windows
    of similar length are read together, and not padded to the longest of the batch.
    """

    grids: tuple[WindowGrid, ...]
    place: Int[Tensor, "P"]
    """The place of each subword, in the order of sentences, in the flattened grids, one after the other."""
    counts: Int[Tensor, "W"]
    """The number of subwords of each word, in the same order."""


class Pieces:
    """A tokeniser that cuts each word by itself, as a pre-tokenised sentence is cut.

    Args:
        tokenizer: a tokeniser of transformers.
        limit: subwords and special tokens that the model takes at once; None if it has no limit.
        window: a smaller limit; None for the model's.
        known: number of subwords with embeddings in the model; None if it has no table of them.

    Raises:
        EncoderError: a window beyond the limit, or without room for two subwords.
    """

    def __init__(self, tokenizer: Any, limit: int | None, window: int | None = None, known: int | None = None) -> None:
        self.tokenizer, self.known = tokenizer, known
        if limit is not None and window is not None and window > limit:
            raise EncoderError(f"window is {window}, but the model takes {limit} subwords at once")
        window = window or limit
        self._lead = " " if _drops_blanks(tokenizer) else ""
        self._cuts: dict[str, list[int]] = {}
        bare, whole = (self._cut(["a"], special)[0] for special in (False, True))
        start = next(i for i in range(len(whole)) if whole[i : i + len(bare)] == bare)
        self.before, self.after = whole[:start], whole[start + len(bare) :]
        special = len(self.before) + len(self.after)
        self.room = None if window is None else window - special
        if self.room is not None and self.room < 2:
            raise EncoderError(f"window is {window}, expected at least {special + 2}: {special} are special tokens")

    def _cut(self, words: list[str], special: bool) -> list[list[int]]:
        ids: list[list[int]] = self.tokenizer(
            [[self._lead + word] for word in words],
            is_split_into_words=True,
            add_special_tokens=special,
            truncation=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )["input_ids"]
        return ids

    def _remembered(self, words: list[str]) -> list[list[int]]:
        """Return the subwords of words. Each word is cut once and remembered, because it returns in every epoch."""
        if new := [word for word in words if word not in self._cuts]:
            if len(self._cuts) + len(new) > KEPT:
                self._cuts, new = {}, words
            self._cuts.update(zip(new, self._cut(new, False), strict=True))
        return [self._cuts[word] for word in words]

    def windows(self, tokens: TokenBatch, alike: float = ALIKE) -> Windows:
        """Cut a batch into windows. A word without subwords becomes the unknown word.

        A sentence that does not fit is read in windows that overlap by half. A subword takes its vector from the window
        in which it is farthest from a cut. Nothing is left out.

        Args:
            alike: largest padded size of a window divided by its own size; beyond it, another pass is made.

        Raises:
            EncoderError: a word without subwords if there is no unknown word, or with subwords that the model lacks.
        """
        known = self._remembered(tokens.words)
        cut = [ids or self._unknown(word) for word, ids in zip(tokens.words, known, strict=True)]
        sizes = np.fromiter(map(len, cut), np.int64, len(cut))
        vocabulary, first = np.concatenate([np.array(ids, np.int64) for ids in cut]), np.cumsum(sizes) - sizes
        if self.known is not None and len(vocabulary) and vocabulary.max() >= self.known:
            largest = int(vocabulary.argmax())
            word = tokens.words[int(np.searchsorted(first, largest, "right")) - 1]
            self._refuse(word, int(vocabulary[largest]))
        lengths = tokens.lengths.numpy()
        shown = tokens.index.numpy()[np.arange(tokens.index.shape[1]) < lengths[:, None]]
        counts = sizes[shown]
        ids = vocabulary[np.repeat(first[shown], counts) + _ranges(counts)]
        totals = np.add.reduceat(counts, np.cumsum(lengths) - lengths)
        return self._laid_out(ids, totals, counts, alike)

    def _unknown(self, word: str) -> list[int]:
        if self.tokenizer.unk_token_id is None:
            raise EncoderError(
                f"the word {word!r}: the tokeniser cuts it into nothing and has no unknown subword to read instead; "
                "take the word out of the corpus, or replace it"
            )
        return [self.tokenizer.unk_token_id]

    def _refuse(self, word: str, subword: int) -> NoReturn:
        piece = self.tokenizer.convert_ids_to_tokens(subword)
        raise EncoderError(
            f"the tokeniser gave subword {subword} ({piece!r}) of the word {word!r}, but the model has {self.known}; "
            "expected a model and a tokeniser that belong together"
        )

    def _laid_out(
        self, ids: Int64[np.ndarray, "P"], totals: Int64[np.ndarray, "B"], counts: np.ndarray, alike: float
    ) -> Windows:
        room = int(totals.max()) if self.room is None else self.room
        stride = max(1, room // 2)
        per = 1 + np.maximum(0, -((room - totals) // stride))  # windows of each sentence
        number, step = np.repeat(np.arange(len(totals)), per), _ranges(per)
        sizes = np.minimum(totals[number] - step * stride, room)
        begins = (np.cumsum(totals) - totals)[number] + step * stride
        grids, first, offset = [], np.zeros(len(sizes), np.int64), 0
        for rows in _alike(sizes, alike):
            grid = self._grid(ids, begins[rows], sizes[rows])
            first[rows] = offset + grid.ids.shape[1] * np.arange(len(rows)) + len(self.before)
            offset += grid.ids.numel()
            grids.append(grid)
        at, owner = _ranges(totals), np.repeat(np.arange(len(totals)), totals)
        window = np.clip((at - (room - stride + 1) // 2) // stride, 0, per[owner] - 1)
        row = (np.cumsum(per) - per)[owner] + window
        place = first[row] + at - window * stride
        return Windows(tuple(grids), torch.from_numpy(place), torch.from_numpy(counts))

    def _grid(
        self, ids: Int64[np.ndarray, "P"], begins: Int64[np.ndarray, "N"], sizes: Int64[np.ndarray, "N"]
    ) -> WindowGrid:
        """Return the windows of `sizes` subwords that begin at `begins` among all."""
        before, after, room = len(self.before), len(self.after), int(sizes.max())
        laid = np.full((len(sizes), before + room + after), self.tokenizer.pad_token_id or 0, np.int64)
        laid[:, :before] = self.before
        body = laid[:, before : before + room]
        body[np.arange(room) < sizes[:, None]] = ids[np.repeat(begins, sizes) + _ranges(sizes)]
        for place, special in enumerate(self.after):
            laid[np.arange(len(sizes)), before + sizes + place] = special
        mask = np.arange(laid.shape[1]) < before + sizes[:, None] + after
        return WindowGrid(torch.from_numpy(laid), torch.from_numpy(mask))


def _alike(sizes: Int64[np.ndarray, "N"], most: float) -> Iterator[Int64[np.ndarray, "M"]]:
    """Group places of windows by similar size, the largest first: none is padded to more than `most` times its size."""
    order = np.argsort(-sizes, kind="stable")
    falling = -sizes[order]
    begin = 0
    while begin < len(order):
        end = int(np.searchsorted(falling, falling[begin] / most, "right"))
        yield order[begin:end]
        begin = end


def _drops_blanks(tokenizer: Any) -> bool:
    """True if a byte-level tokeniser would miss the blank before a word."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or backend.pre_tokenizer is None:
        return False
    pieces = [piece for piece, _ in backend.pre_tokenizer.pre_tokenize_str("a a")]
    return pieces[-1].startswith(_BLANK) and not pieces[0].startswith(_BLANK)


def by_word(pieces: Float[Tensor, "P *S"], counts: Int[Tensor, "W"], which: Subword) -> Float[Tensor, "W *S"]:
    """Return each word's value from its `counts` subwords: the first, the last, or the mean."""
    ends = counts.cumsum(0)
    if which == "first":
        return pieces[ends - counts]
    if which == "last":
        return pieces[ends - 1]
    owner = torch.repeat_interleave(counts)
    sums = pieces.new_zeros(len(counts), *pieces.shape[1:]).index_add(0, owner, pieces)
    return sums / counts.view(-1, *[1] * (pieces.ndim - 1))


def _ranges(sizes: Int64[np.ndarray, "N"]) -> Int64[np.ndarray, "M"]:
    """Return 0, 1, ... up to each size, one after the other."""
    found: np.ndarray = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return found
