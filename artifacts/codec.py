"""Encoding of annotated sentences as Arrow rows, by array operations; `artifacts.rows` reads them."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Float32, Int64, Integer, Shaped

from structkd.artifacts.annotations import Annotations, check
from structkd.artifacts.posteriors import Code, code_of
from structkd.artifacts.ragged import length_mask, list_array, list_lengths, path_mask
from structkd.artifacts.schema import ArtifactError, hidden_dim, label_count


def encode(
    schema: pa.Schema,
    *,
    sentence_ids: Sequence[int] | Integer[np.ndarray, "B"],
    language: str | Sequence[str],
    teacher: str | Sequence[str],
    seen: bool | Sequence[bool | None] | None,
    tokens: Sequence[Sequence[str]] | pa.ListArray,
    gold: Sequence[Integer[np.ndarray, "_"] | None],
    annotations: Annotations,
) -> pa.RecordBatch:
    """Return rows of a `shard_schema`; `language`, `teacher` and `seen` are one value for all sentences or one for
    each.

    `teacher` is the annotating teacher; `seen` is True if it was trained on the sentence, None if this is not known.
    `gold` is None if unlabelled.
    Log-posteriors outside the range of their code are moved to its edge; -inf (a probability of exactly 0) stays.
    Raises ArtifactError, naming the first sentence, if lengths or labels disagree, a score is NaN, or an
    emission or a hidden state is out of float16's range.
    """
    a, ids = annotations, np.asarray(sentence_ids, np.int64)
    languages, teachers = ([name] * len(ids) if isinstance(name, str) else name for name in (language, teacher))
    trained_on = [seen] * len(ids) if seen is None or isinstance(seen, bool) else seen
    given = {"language": languages, "teacher": teachers, "seen": trained_on, "tokens": tokens, "gold": gold}
    _check_counts(len(a.lengths), sentence_ids=len(ids), **{name: len(column) for name, column in given.items()})
    check(a, label_count(schema), ids, hidden_dim(schema))
    words = tokens if isinstance(tokens, pa.ListArray) else pa.array(tokens, pa.list_(pa.string()))
    _check_lengths(ids, a.lengths, list_lengths(words), "tokens")
    _, K, T = a.paths.shape
    inside, stored = length_mask(a.lengths, T), length_mask(a.counts, K)
    label = schema.field("gold").type.value_type
    paths = pa.array(a.paths[path_mask(a.counts, a.lengths, (K, T))]).cast(label)
    weights = _weights(a.log_probs, stored) if a.weights is None else a.weights
    columns = {
        "sentence_id": ids,
        "language": pa.array(languages, pa.string()).dictionary_encode(),
        "teacher": pa.array(teachers, pa.string()).dictionary_encode(),
        "seen": pa.array(trained_on, pa.bool_()),
        "tokens": words,
        "gold": _gold(gold, a.lengths, ids, schema),
        "paths": list_array(list_array(paths, np.repeat(a.lengths, a.counts)), a.counts),
        "path_log_probs": list_array(pa.array(a.log_probs[stored].astype(np.float32)), a.counts),
        "path_weights": list_array(pa.array(weights[stored].astype(np.float32)), a.counts),
        "log_posteriors": _scores(_code(schema).encode(a.log_posteriors[inside]), a.lengths),
        "emissions": _scores(a.emissions[inside].astype(np.float16), a.lengths),
        "log_partition": a.log_partition.astype(np.float32),
    }
    if a.hidden is not None:
        columns["hidden"] = _scores(a.hidden[inside].astype(np.float16), a.lengths)
    return pa.record_batch([columns[name] for name in schema.names], schema=schema)


def _check_counts(expected: int, **found: int) -> None:
    for name, sentences in found.items():
        if sentences != expected:
            raise ArtifactError(f"{name} has {sentences} sentences, the annotations have {expected}")


def _check_lengths(
    ids: Int64[np.ndarray, "B"],
    lengths: Integer[np.ndarray, "B"],
    found: Integer[np.ndarray, "B"],
    column: str,
) -> None:
    for place in np.flatnonzero(found != lengths)[:1]:
        raise ArtifactError(
            f"sentence_id {ids[place]}: found {found[place]} entries in {column}, expected {lengths[place]}, "
            "the length that the teacher annotated"
        )


def _gold(
    gold: Sequence[Shaped[np.ndarray, "_"] | None],
    lengths: Integer[np.ndarray, "B"],
    ids: Int64[np.ndarray, "B"],
    schema: pa.Schema,
) -> pa.ListArray:
    has = np.array([labels is not None for labels in gold], bool)
    found = np.array([0 if labels is None else len(labels) for labels in gold], np.int64)
    _check_lengths(ids, lengths, np.where(has, found, lengths), "gold")
    values = np.concatenate([np.zeros(0, np.int64), *(labels for labels in gold if labels is not None)])
    L = label_count(schema)
    for place in np.flatnonzero((values < 0) | (values >= L))[:1]:
        sentence = np.searchsorted(np.cumsum(found), place, side="right")
        raise ArtifactError(f"sentence_id {ids[sentence]}: gold label {values[place]} of {L} labels")
    lists = list_array(pa.array(values).cast(schema.field("gold").type.value_type), found)
    return pa.ListArray.from_arrays(lists.offsets, lists.values, mask=pa.array(~has))


def _weights(log_probs: Float[np.ndarray, "B K"], stored: Bool[np.ndarray, "B K"]) -> Float32[np.ndarray, "B K"]:
    """Return the paths' probabilities, renormalised over the stored paths."""
    masked = np.where(stored, log_probs, -np.inf)
    weights = np.exp(masked - masked.max(axis=1, keepdims=True, initial=-np.inf), dtype=np.float64)
    normalised: Float32[np.ndarray, "B K"] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalised


def _code(schema: pa.Schema) -> Code:
    return code_of(schema.field("log_posteriors").type.value_type.value_type)


def _scores(values: Shaped[np.ndarray, "N L"], lengths: Integer[np.ndarray, "B"]) -> pa.ListArray:
    flat = pa.array(values.reshape(-1))
    return list_array(pa.FixedSizeListArray.from_arrays(flat, values.shape[1]), lengths)
