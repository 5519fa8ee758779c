"""Layers of a tagger as parts of a graph; each function is the twin of a module of `structkd.tagger`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto
from torch import Tensor, nn

from structkd.runtime.alphabet import PAD_CHARACTER
from structkd.runtime.inputs import CHARACTERS, WORDS
from structkd.tagger.bilstm import BiLSTM
from structkd.tagger.encoders.characters import CharacterCNN, CharacterLSTM
from structkd.tagger.encoders.words import WordEmbeddings
from structkd.tagger.exporting.graph import Graph


def array(tensor: Tensor) -> np.ndarray:
    """Return the values of a weight."""
    return tensor.detach().float().cpu().numpy()


def word_embeddings(graph: Graph, encoder: WordEmbeddings, words: int) -> str:
    """Return vectors [W, D] of distinct words; only the first `words` of the vocabulary are known."""
    return graph.rows(array(encoder.embedding.weight)[: words + 1], graph.input(WORDS, "W"))


def character_cnn(graph: Graph, encoder: CharacterCNN) -> str:
    """Return vectors [W, D] of distinct words."""
    characters = graph.input(CHARACTERS, "W", "C")
    letters = graph.op("Transpose", graph.rows(array(encoder.embedding.weight), characters), perm=[0, 2, 1])
    convolution = encoder.convolution
    assert convolution.bias is not None
    weights = [graph.constant(array(tensor)) for tensor in (convolution.weight, convolution.bias)]
    features = graph.op("Conv", letters, *weights, pads=[1, 1])
    padding = graph.op("Unsqueeze", _padding(graph, characters), graph.constant([1], np.int64))
    features = graph.op("Where", padding, graph.constant(-np.inf, np.float32), features)
    return graph.op("ReduceMax", features, graph.constant([2], np.int64), keepdims=0)


def character_lstm(graph: Graph, encoder: CharacterLSTM) -> str:
    """Return vectors [W, D] of distinct words."""
    characters = graph.input(CHARACTERS, "W", "C")
    inside = graph.op("Cast", graph.op("Not", _padding(graph, characters)), to=TensorProto.INT32)
    lengths = graph.op("ReduceSum", inside, graph.constant([1], np.int64), keepdims=0)
    lengths = graph.op("Max", lengths, graph.constant(1, np.int32))
    letters = graph.rows(array(encoder.characters.weight), graph.op("Transpose", characters, perm=[1, 0]))
    _, last = _lstm(graph, letters, lengths, [encoder.ahead, encoder.back])
    return _side_by_side(graph, last, [1, 0, 2])


def bilstm(graph: Graph, context: BiLSTM, vectors: str, lengths: str) -> str:
    """Return [B, T, H] from vectors [T, B, D]; padding comes out as zeros."""
    short = graph.op("Cast", lengths, to=TensorProto.INT32)
    layers = list(zip(context.ahead, context.back, strict=True))
    for number, pair in enumerate(layers, 1):
        states, _ = _lstm(graph, vectors, short, pair)  # [T, 2, B, H]
        vectors = _side_by_side(graph, states, [0, 2, 1, 3] if number < len(layers) else [2, 0, 1, 3])
    return vectors


def _padding(graph: Graph, characters: str) -> str:
    return graph.op("Equal", characters, graph.constant(PAD_CHARACTER, np.int64))


def _side_by_side(graph: Graph, states: str, order: list[int]) -> str:
    """Bring the two directions before the last axis, and join them."""
    turned = graph.op("Transpose", states, perm=order)
    return graph.op("Reshape", turned, graph.constant([0] * (len(order) - 2) + [-1], np.int64))


def _lstm(graph: Graph, vectors: str, lengths: str, directions: Sequence[Any]) -> list[str]:
    """Return all states and the last ones of a forward and a backward LSTM: [T, 2, B, H] and [2, B, H].

    ONNX turns each sequence by its own length, so no padding is read, as in the modules.
    """
    parts = [
        [_gates(getattr(lstm, name)) for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")]
        for lstm in directions
    ]
    weights = [np.stack([part[place] for part in parts]) for place in range(2)]
    biases = np.stack([np.concatenate(part[2:]) for part in parts])
    given = [graph.constant(value) for value in (*weights, biases)]
    hidden = directions[0].hidden_size
    return graph.ops("LSTM", vectors, *given, lengths, outputs=2, direction="bidirectional", hidden_size=hidden)


def _gates(weight: nn.Parameter) -> np.ndarray:
    """Order gates as ONNX does, from torch's input, forget, cell, output to input, output, forget, cell."""
    i, f, c, o = np.split(array(weight), 4)
    return np.concatenate([i, o, f, c])
