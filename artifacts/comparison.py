"""Comparison of two artifact sets: provenance, content, and answers about the sentences that both contain."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float64, Int64
from pydantic import JsonValue

from structkd.artifacts.posteriors import log_distribution
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows

MISSING = "-"
Pair = tuple[JsonValue, JsonValue]
COLUMNS = ["tokens", "paths", "path_log_probs", "log_posteriors", "log_partition"]


@dataclass(frozen=True)
class ScoreDifference:
    """Differences of two teachers on the same sentences: means over sentences, or over words where stated."""

    sentences: int
    tokens: int
    best_path_differs: float
    """Share of sentences."""
    best_path_label_differs: float
    """Share of words whose label on the best path differs."""
    kl: tuple[float, float]
    """Mean over words of KL(first || second) and of KL(second || first) of the posteriors, in nats."""
    best_path_log_prob: float
    """Mean absolute difference of the best paths' log-probabilities."""
    log_partition: float
    """Mean absolute difference of log Z."""


@dataclass(frozen=True)
class SetDifference:
    """The differences of two sets; a `Pair` contains both values, `MISSING` if a set has none."""

    header: dict[str, Pair]
    """Keys of provenance and layout, and the label sets, if they differ."""
    chain: float | None
    """Largest absolute difference of a transition, start or end score; None if label sets differ."""
    counts: dict[str, tuple[int, int]]
    """Sentences, words, and sentences by language, different or equal."""
    shared: int
    """The number of sentence ids in both sets."""
    other_tokens: int
    """The number of these ids with other words in the second set: they are not compared."""
    scores: ScoreDifference | None
    """None if the label sets differ, or no sentence is shared."""


def compare(first: ArtifactSet, second: ArtifactSet) -> SetDifference:
    """Compare two sets, one row group at a time. Raises ArtifactError if one is damaged."""
    same_labels = first.labels == second.labels
    places = shared_places(first, second)
    sums: defaultdict[str, float] = defaultdict(float)
    if same_labels:
        for _, (one, other) in shared_rows(first, second, places):
            for name, value in _sums(one, other).items():
                sums[name] += value
    return SetDifference(
        header=_header_difference(first, second),
        chain=_chain_difference(first, second) if same_labels else None,
        counts=_counts(first, second),
        shared=len(places),
        other_tokens=int(sums["other tokens"]),
        scores=_scores(sums) if sums["sentences"] else None,
    )


def _header_difference(first: ArtifactSet, second: ArtifactSet) -> dict[str, Pair]:
    one, other = (_flat(artifacts) for artifacts in (first, second))
    pairs = {key: (one.get(key, MISSING), other.get(key, MISSING)) for key in [*one, *(other.keys() - one.keys())]}
    return {key: pair for key, pair in sorted(pairs.items()) if pair[0] != pair[1]}


def _flat(artifacts: ArtifactSet) -> dict[str, JsonValue]:
    manifest = artifacts.manifest
    value: dict[str, JsonValue] = {"labels": list(manifest.header.labels)}
    return value | dict(_leaves(manifest.layout.model_dump(), "layout")) | dict(_leaves(manifest.header.provenance))


def _leaves(value: dict[str, JsonValue], prefix: str = "") -> Iterator[tuple[str, JsonValue]]:
    for key, inner in value.items():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(inner, dict):
            yield from _leaves(inner, name)
        else:
            yield name, inner


def _chain_difference(first: ArtifactSet, second: ArtifactSet) -> float:
    one, other = (
        np.concatenate([np.ravel(scores) for scores in (header.transitions, header.start, header.end)])
        for header in (first.header, second.header)
    )
    return float(np.abs(one - other).max())


def _counts(first: ArtifactSet, second: ArtifactSet) -> dict[str, tuple[int, int]]:
    languages = [artifacts.manifest.languages for artifacts in (first, second)]
    counts = {"sentences": (first.rows, second.rows), "words": (first.tokens, second.tokens)}
    for language in sorted(languages[0].keys() | languages[1].keys()):
        one, other = (found[language].total if language in found else 0 for found in languages)
        counts[language] = (one, other)
    return counts


def shared_places(first: ArtifactSet, second: ArtifactSet) -> Int64[np.ndarray, "N 2"]:
    """Return, for each sentence id in both sets, its rows in both, ordered by the first set's rows."""
    ids = [artifacts.table(["sentence_id"])["sentence_id"].to_numpy() for artifacts in (first, second)]
    _, one, other = np.intersect1d(*ids, return_indices=True)
    order = np.argsort(one)
    places: Int64[np.ndarray, "N 2"] = np.stack([one[order], other[order]], axis=1).astype(np.int64)
    return places


def shared_rows(
    first: ArtifactSet, second: ArtifactSet, places: Int64[np.ndarray, "N 2"]
) -> Iterator[tuple[Int64[np.ndarray, "M 2"], tuple[pa.Table, pa.Table]]]:
    """Yield places of `shared_places` and their rows in both sets, grouped by the row groups of both."""
    starts = [np.array(artifacts.starts()) for artifacts in (first, second)]
    groups = np.stack([np.searchsorted(starts[i], places[:, i], side="right") - 1 for i in (0, 1)], axis=1)
    order = np.lexsort((groups[:, 1], groups[:, 0]))
    cuts = np.flatnonzero(np.any(np.diff(groups[order], axis=0), axis=1)) + 1
    for run in np.split(order, cuts) if len(order) else ():
        one, other = (
            _take(artifacts, int(groups[run[0], i]), places[run, i] - starts[i][groups[run[0], i]])
            for i, artifacts in enumerate((first, second))
        )
        yield places[run], (one, other)


def _take(artifacts: ArtifactSet, group: int, places: Int64[np.ndarray, "N"]) -> pa.Table:
    return artifacts.read_row_group(*artifacts.places()[group], COLUMNS).take(pa.array(places))


def _sums(first: pa.Table, second: pa.Table) -> dict[str, float]:
    """Return sums over the sentences that have the same words in both."""
    equal = [one == other for one, other in zip(*(t["tokens"].to_pylist() for t in (first, second)), strict=True)]
    one, other = (DecodedRows(table.filter(pa.array(equal))) for table in (first, second))
    return {"other tokens": float(len(equal) - sum(equal))} | (_score_sums(one, other) if any(equal) else {})


def _score_sums(one: DecodedRows, other: DecodedRows) -> dict[str, float]:
    best = [rows.paths[:, 0] for rows in (one, other)]
    log_probs = [rows.path_log_probs[:, 0] for rows in (one, other)]
    logs = [log_distribution(rows.log_posteriors[one.mask]) for rows in (one, other)]
    differs: Bool[np.ndarray, "B T"] = one.mask & (best[0] != best[1])
    partitions = [rows.log_partition.astype(np.float64) for rows in (one, other)]
    return {
        "sentences": float(len(one.lengths)),
        "tokens": float(one.lengths.sum()),
        "paths": float(differs.any(axis=1).sum()),
        "labels": float(differs.sum()),
        "kl": _kl(logs[0], logs[1]),
        "kl back": _kl(logs[1], logs[0]),
        "log probs": float(np.abs(log_probs[0] - log_probs[1]).sum()),
        "log partition": float(np.abs(partitions[0] - partitions[1]).sum()),
    }


def _kl(one: Float64[np.ndarray, "N L"], other: Float64[np.ndarray, "N L"]) -> float:
    return float((np.exp(one) * (one - other)).sum())


def _scores(sums: Mapping[str, float]) -> ScoreDifference:
    sentences, tokens = int(sums["sentences"]), int(sums["tokens"])
    return ScoreDifference(
        sentences=sentences,
        tokens=tokens,
        best_path_differs=sums["paths"] / sentences,
        best_path_label_differs=sums["labels"] / tokens,
        kl=(sums["kl"] / tokens, sums["kl back"] / tokens),
        best_path_log_prob=sums["log probs"] / sentences,
        log_partition=sums["log partition"] / sentences,
    )
