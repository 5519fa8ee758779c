"""Best label sequences, and the probability of each of their labels."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from structkd.runtime.batches import length_batches
from structkd.tagger.model import Tagger
from structkd.tagger.tokens import TokenBatch

BATCH_TOKENS = 4096


@dataclass(frozen=True)
class Prediction:
    """A sentence's best label sequence; `probabilities` are the labels' true marginals q(y_i | x)."""

    labels: tuple[str, ...]
    probabilities: tuple[float, ...]


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


def predict(tagger: Tagger, sentences: Sequence[Sequence[str]]) -> list[Prediction]:
    """Return the best label sequence of each sentence and its labels' marginal probabilities, in order."""
    found: dict[int, Prediction] = {}
    with _predicting(tagger):
        for places, tokens in token_batches(sentences):
            chain = tagger(tokens)
            marginals = chain.marginals
            paths = chain.viterbi()
            chosen = marginals.gather(2, paths[..., None])[..., 0].tolist()
            rows = zip(places.tolist(), paths.tolist(), chosen, tokens.lengths.tolist(), strict=True)
            for place, path, probabilities, n in rows:
                found[place] = Prediction(tagger.labels.decode(path[:n]), tuple(probabilities[:n]))
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
