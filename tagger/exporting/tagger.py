"""A trained tagger as a graph, and what the runtime must know beside it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import onnx

from structkd.runtime.inputs import INDEX, LENGTHS
from structkd.tagger.encoders.base import Encoder
from structkd.tagger.encoders.characters import CharacterCNN, CharacterLSTM
from structkd.tagger.encoders.ngrams import HashedNgrams
from structkd.tagger.encoders.static import StaticVectors
from structkd.tagger.encoders.words import WordEmbeddings
from structkd.tagger.exporting.graph import Graph
from structkd.tagger.exporting.layers import array, bilstm, character_cnn, character_lstm, word_embeddings
from structkd.tagger.exporting.tables import hashed_ngrams, static_vectors
from structkd.tagger.model import Tagger
from structkd.tagger.vocabulary import Vocabulary

EMISSIONS = "emissions"
Settings = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """An encoder in the graph: its vectors, and the settings from which the runtime makes its inputs.

    The vectors are of distinct words [W, D], or if `placed` of the words at their places.
    """

    vectors: str
    settings: Settings
    placed: bool = False


@dataclass(frozen=True)
class Exported:
    """A tagger's graph, the settings of its encoders, and other files by name."""

    model: onnx.ModelProto
    encoders: list[Settings]
    files: dict[str, bytes] = field(default_factory=dict)


def export_graph(tagger: Tagger, vocabulary: Vocabulary, rows: int = 0, *, int8: bool = False) -> Exported:
    """Return a tagger's graph: emissions [B, T, L] from ids of distinct words, their places, and lengths.

    Args:
        vocabulary: the tagger's, or its most frequent words.
        rows: rows of a file of vectors that are kept beside those of the vocabulary: its first.
        int8: keep tables of vectors in 8 bits.
    """
    graph, files = Graph(int8=int8), dict[str, bytes]()
    index = graph.input(INDEX, "B", "T")
    turned = tagger.context is not None
    places = graph.op("Transpose", index, perm=[1, 0]) if turned else index
    parts = [_part(graph, encoder, place, vocabulary, rows) for place, encoder in enumerate(tagger.encoder.encoders)]
    vectors = _joined(graph, parts, places)
    if tagger.context is not None:
        vectors = bilstm(graph, tagger.context, vectors, graph.input(LENGTHS, "B"))
    projection = tagger.projection
    emissions = graph.linear(vectors, array(projection.weight), array(projection.bias))
    model = graph.model(emissions, ["B", "T", len(tagger.labels)], EMISSIONS)
    return Exported(model, [part.settings for part in parts], files)


def _joined(graph: Graph, parts: Iterable[Part], places: str) -> str:
    """Put vectors side by side; those of words alone are put together before they go to their places."""
    found = []
    for placed, some in groupby(parts, key=lambda part: part.placed):
        names = [part.vectors for part in some]
        vectors = graph.op("Concat", *names, axis=-1) if len(names) > 1 else names[0]
        found.append(vectors if placed else graph.op("Gather", vectors, places))
    return graph.op("Concat", *found, axis=-1) if len(found) > 1 else found[0]


def _part(graph: Graph, encoder: Encoder, place: int, vocabulary: Vocabulary, rows: int) -> Part:
    match encoder:
        case WordEmbeddings():
            return Part(word_embeddings(graph, encoder, len(vocabulary.words)), {"kind": "words"})
        case CharacterCNN():
            return Part(character_cnn(graph, encoder), {"kind": "characters"})
        case CharacterLSTM():
            return Part(character_lstm(graph, encoder), {"kind": "characters"})
        case HashedNgrams():
            return Part(*hashed_ngrams(graph, encoder, f"ngrams.{place}"))
        case StaticVectors():
            return Part(*static_vectors(graph, encoder, f"static.{place}", vocabulary.words, rows))
        case _:
            raise NotImplementedError
