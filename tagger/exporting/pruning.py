"""A tokeniser with the subwords of some text alone, as a task's words need a fifth of a multilingual vocabulary."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from structkd.tagger.exporting.faults import ExportError


def pruned(tokenizer: str, words: Sequence[str], lead: str) -> tuple[str, NDArray[np.int64]]:
    """Return a tokeniser with the special subwords and those of `words`, and the places that its subwords had before.

    It cuts `words` as before. Other words may be cut otherwise, most of them into more subwords.

    Args:
        tokenizer: the content of a tokenizer.json with a Unigram model.
        lead: precedes each word.

    Raises:
        ExportError: another kind of tokeniser, or words that would be cut otherwise.
    """
    before = json.loads(tokenizer)
    kind = before["model"]["type"]
    if kind != "Unigram":
        raise ExportError(f"found a tokeniser of type {kind}, expected Unigram; leave out --subwords")
    cuts = _cuts(Tokenizer.from_str(tokenizer), words, lead)
    after, places = _without(before, {piece for pieces in cuts for piece in pieces})
    content = json.dumps(after, ensure_ascii=False)
    differ = sum(a != b for a, b in zip(cuts, _cuts(Tokenizer.from_str(content), words, lead), strict=True))
    if differ:
        raise ExportError(f"{differ} of {len(words)} words would be cut otherwise; leave out --subwords")
    return content, np.array(places)


def _cuts(tokenizer: Tokenizer, words: Sequence[str], lead: str) -> list[list[str]]:
    given = [[lead + word] for word in words]
    return [one.tokens for one in tokenizer.encode_batch(given, is_pretokenized=True, add_special_tokens=False)]


def _without(tokenizer: dict[str, Any], used: set[str]) -> tuple[dict[str, Any], list[int]]:
    """The least probable subword is kept: what is unknown is scored by it. Special ones keep their places."""
    vocabulary, special = tokenizer["model"]["vocab"], tokenizer["added_tokens"]
    used = used | {one["content"] for one in special} | {min(vocabulary, key=lambda entry: entry[1])[0]}
    places = [place for place, (piece, _) in enumerate(vocabulary) if piece in used]
    if any(one["id"] >= len(places) or places[one["id"]] != one["id"] for one in special):
        raise ExportError("special subwords would change their places, expected them first; leave out --subwords")
    return tokenizer | {"model": tokenizer["model"] | {"vocab": [vocabulary[place] for place in places]}}, places
