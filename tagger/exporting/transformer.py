"""Pretrained encoders, frozen or fine-tuned, as parts of a graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto

from structkd.tagger.encoders.transformer import FineTuned, Frozen, Mix, TransformerBody
from structkd.tagger.exporting.bert import KINDS, bert_states, is_plain
from structkd.tagger.exporting.faults import ExportError
from structkd.tagger.exporting.graph import Graph
from structkd.tagger.exporting.layers import array
from structkd.tagger.exporting.pruning import pruned

Pretrained = FineTuned | Frozen


def transformer(
    graph: Graph, encoder: Pretrained, place: int, text: Sequence[str] | None, *, turned: bool
) -> tuple[str, dict[str, Any], str]:
    """Return vectors of the words of a batch, the settings for the runtime, and the content of its tokenizer.json.

    Args:
        place: of the encoder among the tagger's.
        text: words whose subwords are kept; None for all subwords.
        turned: return [T, B, D] and not [B, T, D].
    """
    body = TransformerBody(encoder.config).eval() if isinstance(encoder, Frozen) else encoder.body
    _check(body)
    ids, mask = (graph.input(f"{name}.{place}", f"N.{place}", f"S.{place}") for name in ("ids", "mask"))
    tokenizer = _tokenizer(body)
    kept: np.ndarray | slice = slice(None)
    if text is not None:
        tokenizer, kept = pruned(tokenizer, text, body.pieces.lead)
    states = bert_states(graph, body.model, kept, ids, mask)
    chosen = [_of_words(graph, states[layer], body, place, turned) for layer in body.layers]
    mixed = _frozen(graph, encoder.mix, chosen) if isinstance(encoder, Frozen) else _mixed(graph, encoder.mix, chosen)
    return mixed, _settings(body, place), tokenizer


def _check(body: TransformerBody) -> None:
    if not is_plain(body.model):
        raise ExportError(
            f"{body.config.model}: found a model of type {body.model.config.model_type!r}, expected one of "
            f"{', '.join(KINDS)} with GELU; train the student on such an encoder, or use it with torch"
        )


def _of_words(graph: Graph, states: str, body: TransformerBody, place: int, turned: bool) -> str:
    """Return each word's vector from those of its subwords, see `structkd.runtime.subwords`."""
    flat = graph.op("Reshape", states, graph.constant([-1, body.dim], np.int64))
    if body.config.subwords != "mean":
        return graph.op("Gather", flat, _places(graph, f"at.{place}", turned))
    pieces = graph.op("Gather", flat, graph.input(f"at.{place}", f"P.{place}"))
    counts = graph.input(f"counts.{place}", f"W.{place}")
    last, none = graph.constant([1], np.int64), graph.constant([body.dim], np.int64)
    shape = graph.op("Concat", graph.op("Shape", counts), none, axis=0)
    zeros = graph.op("Expand", graph.constant(0, np.float32), shape)
    owners = graph.op("Unsqueeze", graph.input(f"owner.{place}", f"P.{place}"), last)
    sums = graph.op("ScatterND", zeros, owners, pieces, reduction="add")
    sizes = graph.op("Cast", graph.op("Unsqueeze", counts, last), to=TensorProto.FLOAT)
    return graph.op("Gather", graph.op("Div", sums, sizes), _places(graph, f"order.{place}", turned))


def _places(graph: Graph, name: str, turned: bool) -> str:
    places = graph.input(name, "B", "T")
    return graph.op("Transpose", places, perm=[1, 0]) if turned else places


def _frozen(graph: Graph, mix: Mix, layers: list[str]) -> str:
    """Mix layers of a frozen encoder, whose features are kept in float16."""
    if mix.kind == "mean":
        layers = [_mixed(graph, mix, layers)]
    halves = [graph.op("Cast", layer, to=TensorProto.FLOAT16) for layer in layers]
    kept = [graph.op("Cast", half, to=TensorProto.FLOAT) for half in halves]
    return kept[0] if mix.kind == "mean" else _mixed(graph, mix, kept)


def _mixed(graph: Graph, mix: Mix, layers: list[str]) -> str:
    if mix.kind == "concat":
        return graph.op("Concat", *layers, axis=-1) if len(layers) > 1 else layers[0]
    if mix.kind == "mean":
        return graph.op("Mean", *layers)
    weights = array(mix.scale) * array(mix.weights.softmax(0))
    parts = [graph.op("Mul", layer, graph.constant(weight)) for layer, weight in zip(layers, weights, strict=True)]
    return graph.op("Sum", *parts)


def _settings(body: TransformerBody, place: int) -> dict[str, Any]:
    frame = body.pieces.frame
    return {
        "kind": "transformer",
        "tokenizer": _tokenizer_file(place),
        "before": frame.before,
        "after": frame.after,
        "pad": frame.pad,
        "room": frame.room,
        "lead": body.pieces.lead,
        "unknown": body.pieces.tokenizer.unk_token_id,
        "which": body.config.subwords,
    }


def _tokenizer_file(place: int) -> str:
    """Return the name of an encoder's tokeniser in the folder."""
    return f"tokenizer.{place}.json" if place else "tokenizer.json"


def _tokenizer(body: TransformerBody) -> str:
    backend = getattr(body.pieces.tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ExportError(
            f"{body.config.model}: its tokeniser is written in Python ({type(body.pieces.tokenizer).__name__}); "
            "expected one of the library tokenizers, as a tokenizer.json has it"
        )
    backend.no_truncation()
    backend.no_padding()
    content: str = backend.to_str()
    return content
