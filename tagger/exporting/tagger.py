"""A trained tagger as a graph, and what the runtime must know beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import onnx
from torch import nn

from structkd.runtime.inputs import INDEX, LENGTHS
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
class Exported:
    """A tagger's graph, the settings from which the runtime makes each encoder's inputs, and tokenisers by file."""

    model: onnx.ModelProto
    encoders: list[Settings]
    tokenizers: dict[str, str]


def export_graph(
    tagger: Tagger, vocabulary: Vocabulary, rows: int = 0, text: Sequence[str] | None = None, *, int8: bool = False
) -> Exported:
    """Return a tagger's graph: emissions [B, T, L] from ids of distinct words, their places, and lengths.

    Args:
        vocabulary: the tagger's, or its most frequent words.
        rows: rows of a file of vectors that are kept beside those of the vocabulary: its first.
        text: words whose subwords are kept of a pretrained encoder's; None for all subwords.
        int8: keep tables of vectors in 8 bits.

    Raises:
        ExportError: an encoder that cannot be exported.
    """
    graph = Graph(int8=int8)
    parts = _Parts(graph, vocabulary, rows, text, turned=tagger.context is not None)
    for place, encoder in enumerate(tagger.encoder.encoders):
        parts.add(encoder, place)
    vectors = parts.joined()
    if tagger.context is not None:
        vectors = bilstm(graph, tagger.context, vectors, graph.input(LENGTHS, "B"))
    emissions = graph.linear(vectors, array(tagger.projection.weight), array(tagger.projection.bias))
    model = graph.model(emissions, ["B", "T", len(tagger.labels)], EMISSIONS)
    return Exported(model, parts.settings, parts.tokenizers)


@dataclass
class _Parts:
    """The encoders of a tagger in a graph. Words are at places [T, B] if `turned`, else [B, T]."""

    graph: Graph
    vocabulary: Vocabulary
    rows: int
    text: Sequence[str] | None
    turned: bool
    settings: list[Settings] = field(default_factory=list)
    tokenizers: dict[str, str] = field(default_factory=dict)
    vectors: list[tuple[str, bool]] = field(default_factory=list)
    """Vectors of distinct words [W, D], or, if true, of the words at their places."""

    def add(self, encoder: nn.Module, place: int) -> None:
        """Add an encoder, by its place among the tagger's."""
        graph, words = self.graph, self.vocabulary.words
        match encoder:
            case WordEmbeddings():
                self._add(word_embeddings(graph, encoder, len(words)), {"kind": "words"})
            case CharacterCNN():
                self._add(character_cnn(graph, encoder), {"kind": "characters"})
            case CharacterLSTM():
                self._add(character_lstm(graph, encoder), {"kind": "characters"})
            case HashedNgrams():
                self._add(*hashed_ngrams(graph, encoder, f"ngrams.{place}"))
            case StaticVectors():
                self._add(*static_vectors(graph, encoder, f"static.{place}", words, self.rows))
            case _:
                from structkd.tagger.exporting import transformer  # reads what belongs to an extra

                assert isinstance(encoder, transformer.Pretrained)
                vectors, settings, tokenizer = transformer.transformer(
                    graph, encoder, place, self.text, turned=self.turned
                )
                self._add(vectors, settings, placed=True)
                self.tokenizers[settings["tokenizer"]] = tokenizer

    def _add(self, vectors: str, settings: Settings, *, placed: bool = False) -> None:
        self.settings.append(settings)
        self.vectors.append((vectors, placed))

    def joined(self) -> str:
        """Return all vectors side by side; those of words alone are put together before they go to their places."""
        graph, index = self.graph, self.graph.input(INDEX, "B", "T")
        found = []
        for placed, some in groupby(self.vectors, key=lambda one: one[1]):
            vectors = _side_by_side(graph, [name for name, _ in some])
            places = graph.op("Transpose", index, perm=[1, 0]) if self.turned else index
            found.append(vectors if placed else graph.op("Gather", vectors, places))
        return _side_by_side(graph, found)


def _side_by_side(graph: Graph, vectors: list[str]) -> str:
    return graph.op("Concat", *vectors, axis=-1) if len(vectors) > 1 else vectors[0]
