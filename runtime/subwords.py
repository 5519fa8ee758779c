"""Words as subwords of a pretrained encoder, by its `tokenizer.json`, without transformers."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .inputs import Feed, WordBatch
from .windows import Frame, Windows

_KEPT = 1 << 16  # words whose subwords are remembered at most


class SubwordWindows:
    """Subwords in windows, and the place of each word's vector among those of the windows.

    Inputs of the graph, each followed by `place`: `ids` and `mask` [N, S]; for the first or last subword, `at` [B, T],
    the place of the word's vector. For the mean, `at` [P], the place of each subword's vector, `owner` [P], its word
    among all words, `counts` [words], and `order` [B, T], the word at each place.

    Args:
        tokenizer: the content of `tokenizer.json`.
        place: of the encoder among the tagger's.
        lead: precedes each word.
        unknown: the subword of a word that the tokeniser cuts into nothing; None if there is none.
        which: the subword whose vector the word takes.

    Raises:
        ImportError: tokenizers is not installed.
    """

    def __init__(
        self,
        tokenizer: str,
        place: int,
        frame: Frame,
        *,
        lead: str,
        unknown: int | None,
        which: Literal["first", "last", "mean"],
    ) -> None:
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise ImportError(
                "the tagger has a pretrained encoder, which needs the package tokenizers; install it with: "
                "pip install tokenizers"
            ) from None
        self._tokenizer: Any = Tokenizer.from_str(tokenizer)
        self._place, self._frame, self._lead, self._unknown, self._which = place, frame, lead, unknown, which
        self._cuts: dict[str, list[int]] = {}

    def sizes(self, batch: WordBatch) -> NDArray[np.int64]:
        """Return the number of subwords of each sentence: [B]."""
        sizes: NDArray[np.int64] = np.array([len(ids) for ids in self._cut(batch.words)])
        inside = np.arange(batch.index.shape[1]) < batch.lengths[:, None]
        found: NDArray[np.int64] = (sizes[batch.index] * inside).sum(axis=1)
        return found

    def __call__(self, batch: WordBatch) -> Feed:
        """See `Input`."""
        laid = self._frame.windows(self._cut(batch.words), batch.index, batch.lengths, np.inf)
        (grid,) = laid.grids
        feed: Feed = {"ids": grid.ids, "mask": grid.mask.astype(np.int64)}
        feed |= self._means(batch, laid) if self._which == "mean" else {"at": self._ends(batch, laid)}
        return {f"{name}.{self._place}": value for name, value in feed.items()}

    def _ends(self, batch: WordBatch, laid: Windows) -> NDArray[np.int64]:
        ends = np.cumsum(laid.counts)
        return _spread(batch, laid.place[ends - (laid.counts if self._which == "first" else 1)])

    @staticmethod
    def _means(batch: WordBatch, laid: Windows) -> Feed:
        words = np.arange(len(laid.counts))
        order = _spread(batch, words)
        return {"at": laid.place, "owner": np.repeat(words, laid.counts), "counts": laid.counts, "order": order}

    def _cut(self, words: Sequence[str]) -> list[list[int]]:
        if new := [word for word in words if word not in self._cuts]:
            if len(self._cuts) + len(new) > _KEPT:
                self._cuts, new = {}, list(words)
            given = [[self._lead + word] for word in new]
            found = self._tokenizer.encode_batch_fast(given, is_pretokenized=True, add_special_tokens=False)
            for word, one in zip(new, found, strict=True):
                self._cuts[word] = one.ids or self._nothing(word)
        return [self._cuts[word] for word in words]

    def _nothing(self, word: str) -> list[int]:
        if self._unknown is None:
            raise ValueError(
                f"the word {word!r}: the tokeniser cuts it into nothing and has no unknown subword to read instead; "
                "take the word out of the text, or replace it"
            )
        return [self._unknown]


def _spread(batch: WordBatch, values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Put a value of each word at its place [B, T]; 0 at padding."""
    spread = np.zeros(batch.index.shape, np.int64)
    spread[np.arange(batch.index.shape[1]) < batch.lengths[:, None]] = values
    return spread
