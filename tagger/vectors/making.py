"""Static word vectors from a pretrained encoder, as a file that `tagger.vectors.files` opens."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32

from structkd.ground.files import atomic_path
from structkd.runtime.batches import length_batches
from structkd.tagger.components import principal_components
from structkd.tagger.config import TransformerConfig
from structkd.tagger.encoders.transformer import TransformerBody
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vectors.index import VectorFileError

_BATCH = 4096  # words in a pass, padding included


def word_vectors(
    encoder: TransformerConfig, sentences: Sequence[Sequence[str]], others: Iterable[str], dim: int
) -> tuple[list[str], Float32[np.ndarray, "W D"]]:
    """Return the words of the sentences, the most frequent first, then `others`; and a vector for each.

    A word's vector is the mean of the encoder's vectors at its occurrences; one of the `others` is encoded by itself,
    as model2vec does. Vectors are reduced to their first `dim` principal components, and divided by one number so that
    components have a mean square of 1. Words with white space are left out: the file could not tell where they end.

    Raises:
        EncoderError: an unusable encoder.
        VectorFileError: the encoder's vectors have fewer than `dim` dimensions.
    """
    body = TransformerBody(encoder).eval()
    if (size := len(body.layers) * body.dim) < dim:
        raise VectorFileError(f"{encoder.model}: its vectors have {size} dimensions, fewer than {dim}; lower --dim")
    counts: dict[str, int] = {}
    for word in (word for sentence in sentences for word in sentence):
        counts[word] = counts.get(word, 0) + 1
    known = sorted(counts, key=lambda word: -counts[word])
    words = [*known, *(word for word in dict.fromkeys(others) if word not in counts)]
    places = {word: place for place, word in enumerate(words)}
    every = [*sentences, *((word,) for word in words[len(known) :])]
    sums = np.zeros((len(words), size), np.float32)
    for group in length_batches([len(sentence) for sentence in every], _BATCH):
        _add(sums, places, body, [every[place] for place in group])
    means = sums / np.array([counts.get(word, 1) for word in words], np.float32)[:, None]
    kept = [place for place, word in enumerate(words) if len(word.split()) == 1]
    return [words[place] for place in kept], _reduced(means[kept], dim)


@torch.no_grad()
def _add(
    sums: Float32[np.ndarray, "W S"], places: dict[str, int], body: TransformerBody, batch: Sequence[Sequence[str]]
) -> None:
    tokens = TokenBatch.from_sentences(batch)
    inside = torch.arange(tokens.index.shape[1]) < tokens.lengths[:, None]
    found = body(tokens).flatten(2)[inside].float().numpy()
    rows = np.array([places[word] for word in tokens.words])[tokens.index[inside].numpy()]
    np.add.at(sums, rows, found)


def _reduced(vectors: Float32[np.ndarray, "W S"], dim: int) -> Float[np.ndarray, "W D"]:
    centred = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    reduced = centred @ principal_components(centred.T @ centred / len(centred), dim).T
    scaled: Float32[np.ndarray, "W D"] = (reduced / np.sqrt(np.square(reduced).mean())).astype(np.float32)
    return scaled


def write_word2vec(path: Path, words: Sequence[str], vectors: Float32[np.ndarray, "W D"]) -> None:
    """Write a binary file of word2vec, atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(f"{len(words)} {vectors.shape[1]}\n".encode())
        for word, vector in zip(words, vectors.astype("<f4"), strict=True):
            file.write(word.encode() + b" " + vector.tobytes() + b"\n")
