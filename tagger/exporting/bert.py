"""Encoders of BERT's and RoBERTa's build as parts of a graph, in onnxruntime's fused operators."""

from typing import Any

import numpy as np
from onnx import TensorProto
from torch import nn

from structkd.tagger.exporting.graph import FUSED, Graph
from structkd.tagger.exporting.layers import array

KINDS = ("bert", "roberta", "xlm-roberta", "camembert")
_FROM_IDS = ("roberta", "xlm-roberta", "camembert")  # positions count subwords that are no padding


def is_plain(model: Any) -> bool:
    """True for a model that `bert_states` can write."""
    size = model.config
    return (
        size.model_type in KINDS
        and size.hidden_act == "gelu"
        and getattr(size, "position_embedding_type", "absolute") in (None, "absolute")
        and not getattr(size, "is_decoder", False)
    )


def bert_states(graph: Graph, model: Any, subwords: np.ndarray | slice, ids: str, mask: str) -> list[str]:
    """Return the states [N, S, D] of all layers, the embeddings first.

    Args:
        subwords: those that are kept of the model's, by their ids there.
        ids, mask: [N, S], subwords, and 1 at those that are no padding.
    """
    states = [_embeddings(graph, model, subwords, ids)]
    short = graph.op("Cast", mask, to=TensorProto.INT32)
    for layer in model.encoder.layer:
        attended = _attention(graph, layer.attention, states[-1], short, model.config.num_attention_heads)
        inner = layer.intermediate.dense
        wide = graph.op("MatMul", attended, graph.constant(array(inner.weight).T))
        wide = graph.op("BiasGelu", wide, graph.constant(array(inner.bias)), domain=FUSED)
        states.append(_added(graph, layer.output, wide, attended))
    return states


def _embeddings(graph: Graph, model: Any, subwords: np.ndarray | slice, ids: str) -> str:
    tables = model.embeddings
    words = graph.rows(array(tables.word_embeddings.weight)[subwords], ids)
    positions = array(tables.position_embeddings.weight) + array(tables.token_type_embeddings.weight)[0]
    vectors = graph.op("Add", words, graph.op("Gather", graph.constant(positions), _positions(graph, model, ids)))
    return _normed(graph, tables.LayerNorm, vectors)


def _positions(graph: Graph, model: Any, ids: str) -> str:
    ones = graph.op("Sub", ids, ids)
    ones = graph.op("Add", ones, graph.constant(1, np.int64))
    first = -1
    if model.config.model_type in _FROM_IDS:
        first = model.embeddings.padding_idx
        padding = graph.op("Equal", ids, graph.constant(first, np.int64))
        ones = graph.op("Cast", graph.op("Not", padding), to=TensorProto.INT64)
    counted = graph.op("Mul", graph.op("CumSum", ones, graph.constant(1, np.int64)), ones)
    return graph.op("Add", counted, graph.constant(first, np.int64))


def _attention(graph: Graph, attention: Any, states: str, mask: str, heads: int) -> str:
    own = attention.self
    parts = (own.query, own.key, own.value)
    weight = np.concatenate([array(part.weight).T for part in parts], 1)
    bias = np.concatenate([array(part.bias) for part in parts])
    given = (states, graph.constant(weight), graph.constant(bias), mask)
    return _added(graph, attention.output, graph.op("Attention", *given, domain=FUSED, num_heads=heads), states)


def _added(graph: Graph, part: Any, vectors: str, residual: str) -> str:
    """A linear layer, the residual connection, and layer normalisation.

    onnxruntime's fused operator for the last two takes five times as long on a CPU; see `open_session`.
    """
    found = graph.linear(vectors, array(part.dense.weight), array(part.dense.bias))
    return _normed(graph, part.LayerNorm, graph.op("Add", found, residual))


def _normed(graph: Graph, norm: nn.LayerNorm, vectors: str) -> str:
    weights = [graph.constant(array(tensor)) for tensor in (norm.weight, norm.bias)]
    return graph.op("LayerNormalization", vectors, *weights, axis=-1, epsilon=norm.eps)
