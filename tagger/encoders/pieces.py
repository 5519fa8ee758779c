"""Cutting words into subwords, for the windows of an encoder."""

from typing import Any, NoReturn

import torch
from jaxtyping import Float
from torch import Tensor

from structkd.runtime.windows import ALIKE, Frame, WindowGrid, Windows
from structkd.tagger.config import Subword
from structkd.tagger.encoders.pretrained import EncoderError
from structkd.tagger.tokens import TokenBatch

_BLANK = "Ġ"  # as byte-level tokenisers write it
KEPT = 1 << 18  # words whose subwords are remembered at most


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
        self.lead = " " if _drops_blanks(tokenizer) else ""
        self._cuts: dict[str, list[int]] = {}
        bare, whole = (self._cut(["a"], special)[0] for special in (False, True))
        start = next(i for i in range(len(whole)) if whole[i : i + len(bare)] == bare)
        before, after = whole[:start], whole[start + len(bare) :]
        special = len(before) + len(after)
        room = None if window is None else window - special
        self.frame = Frame(tuple(before), tuple(after), tokenizer.pad_token_id or 0, room)
        if room is not None and room < 2:
            raise EncoderError(f"window is {window}, expected at least {special + 2}: {special} are special tokens")

    def _cut(self, words: list[str], special: bool) -> list[list[int]]:
        ids: list[list[int]] = self.tokenizer(
            [[self.lead + word] for word in words],
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
        """Cut a batch and lay it out, see `Frame.windows`. A word without subwords becomes the unknown word.

        Raises:
            EncoderError: a word without subwords if there is no unknown word, or with subwords that the model lacks.
        """
        known = self._remembered(tokens.words)
        cut = [ids or self._unknown(word) for word, ids in zip(tokens.words, known, strict=True)]
        if self.known is not None and (largest := max(map(max, cut), default=0)) >= self.known:
            self._refuse(next(word for word, ids in zip(tokens.words, cut, strict=True) if largest in ids), largest)
        return self.frame.windows(cut, tokens.index.numpy(), tokens.lengths.numpy(), alike)

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


def _drops_blanks(tokenizer: Any) -> bool:
    """True if a byte-level tokeniser would miss the blank before a word."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or backend.pre_tokenizer is None:
        return False
    pieces = [piece for piece, _ in backend.pre_tokenizer.pre_tokenize_str("a a")]
    return pieces[-1].startswith(_BLANK) and not pieces[0].startswith(_BLANK)


def inputs(grid: WindowGrid, device: torch.device) -> dict[str, Tensor]:
    """Return the arguments for a model of transformers."""
    ids, mask = torch.from_numpy(grid.ids), torch.from_numpy(grid.mask)
    return {"input_ids": ids.to(device), "attention_mask": mask.long().to(device)}


def by_word(found: Float[Tensor, "G *S"], windows: Windows, which: Subword) -> Float[Tensor, "W *S"]:
    """Return each word's value from those of its subwords: the first, the last, or the mean.

    Args:
        found: values at all places of the flattened grids, one after the other.
    """
    pieces = found[torch.from_numpy(windows.place).to(found.device)]
    counts = torch.from_numpy(windows.counts).to(found.device)
    ends = counts.cumsum(0)
    if which == "first":
        return pieces[ends - counts]
    if which == "last":
        return pieces[ends - 1]
    owner = torch.repeat_interleave(counts)
    sums = pieces.new_zeros(len(counts), *pieces.shape[1:]).index_add(0, owner, pieces)
    return sums / counts.view(-1, *[1] * (pieces.ndim - 1))
