"""Encoders that are tables of vectors, as parts of a graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto

from structkd.tagger.encoders.ngrams import HashedNgrams
from structkd.tagger.encoders.static import StaticVectors
from structkd.tagger.exporting.graph import Graph
from structkd.tagger.exporting.layers import array


def hashed_ngrams(graph: Graph, encoder: HashedNgrams, name: str) -> tuple[str, dict[str, Any]]:
    """Return vectors [W, D] of distinct words, and the settings for the runtime."""
    config = encoder.config
    table = np.pad(array(encoder.buckets.weight), ((0, 1), (0, 0)))  # padding is a row of zeros
    rows = graph.input(name, "W", f"G.{name}")
    padding = graph.op("Equal", rows, graph.constant(config.buckets, np.int64))
    shown = graph.op("Cast", graph.op("Not", padding), to=TensorProto.FLOAT)
    counts = graph.op("ReduceSum", shown, graph.constant([1], np.int64), keepdims=1)
    total = graph.op("ReduceSum", graph.rows(table, rows), graph.constant([1], np.int64), keepdims=0)
    settings = {"kind": "ngrams", "buckets": config.buckets, "min_n": config.min_n, "max_n": config.max_n}
    return graph.op("Div", total, counts), settings


def static_vectors(
    graph: Graph, encoder: StaticVectors, name: str, vocabulary: Sequence[str], rows: int
) -> tuple[str, dict[str, Any]]:
    """Return vectors [W, D] of distinct words, and the settings for the runtime."""
    words, vectors = encoder.table(vocabulary, rows)
    table = np.pad(vectors, ((1, 0), (0, 0)))  # a word without a vector gets zeros
    settings = {"kind": "static", "words": words, "lowercase": encoder.config.lowercase}
    return graph.rows(table, graph.input(name, "W")), settings
