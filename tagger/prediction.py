"""Best label sequences of whole corpora."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from structkd.runtime.batches import length_batches
from structkd.tagger.model import Tagger
from structkd.tagger.tokens import TokenBatch

BATCH_TOKENS = 4096
PlacedBatch = tuple[np.ndarray, TokenBatch]


def token_batches(sentences: Sequence[Sequence[str]], batch_tokens: int = BATCH_TOKENS) -> list[PlacedBatch]:
    """Return batches of similar length, each with its sentences' places."""
    places = length_batches([len(words) for words in sentences], batch_tokens)
    return [(group, TokenBatch.from_sentences(sentences[place] for place in group)) for group in places]


def best_labels(tagger: Tagger, batches: Sequence[PlacedBatch]) -> list[tuple[str, ...]]:
    """Return the best label sequence of each sentence, in the order of their places."""
    found: dict[int, tuple[str, ...]] = {}
    with _predicting(tagger):
        for places, tokens in batches:
            paths, lengths = tagger(tokens).viterbi().tolist(), tokens.lengths.tolist()
            decoded = (tagger.labels.decode(path[:n]) for path, n in zip(paths, lengths, strict=True))
            found.update(zip(places.tolist(), decoded, strict=True))
    return [found[place] for place in range(len(found))]


@contextmanager
def _predicting(tagger: Tagger) -> Iterator[None]:
    """Switch dropout and gradients off in the block; restore the tagger afterwards."""
    was_training = tagger.training
    tagger.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        tagger.train(was_training)
