"""The content of an artifact set in readable form."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from pydantic import JsonValue

from structkd.artifacts.manifest import Sentences
from structkd.artifacts.posteriors import FLOAT16_MAX
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows
from structkd.artifacts.schema import ArtifactError
from structkd.artifacts.verification import read_footer
from structkd.corpora.labels import LabelSet


@dataclass(frozen=True)
class SetSummary:
    """An artifact set in numbers; sizes are bytes on the disk."""

    teacher: JsonValue
    """The provenance's `teacher`; None if there is none."""
    languages: dict[str, Sentences]
    sentences: int
    tokens: int
    labelled: int
    bytes_per_token: float
    paths_per_sentence: float
    entropy: float
    """Mean over tokens of the posteriors' entropy, in nats."""
    best_path_probability: float
    """Mean over sentences of p_t(best path)."""
    best_path_accuracy: float | None
    """Share of the labelled sentences' tokens on which the best path agrees with gold."""
    column_bytes: dict[str, int]


@dataclass(frozen=True)
class PathView:
    """One of a sentence's paths, by label names."""

    labels: tuple[str, ...]
    probability: float
    weight: float
    """The probability renormalised over the stored paths; of drawn ones, the share of the draws."""


@dataclass(frozen=True)
class SentenceView:
    """A sentence and its teacher's answers; `posteriors` are probabilities."""

    sentence_id: int
    language: str
    teacher: str
    seen: bool | None
    tokens: tuple[str, ...]
    gold: tuple[str, ...] | None
    paths: tuple[PathView, ...]
    posteriors: Float32[np.ndarray, "T L"]
    labels: tuple[str, ...]


def summary(artifacts: ArtifactSet) -> SetSummary:
    """Read the whole set, one row group at a time, and summarise it."""
    columns = ["tokens", "gold", "paths", "path_log_probs", "log_posteriors"]
    sums: Counter[str] = Counter()
    for rows in artifacts.row_groups(columns):
        sums.update(_sums(DecodedRows(rows)))
    manifest = artifacts.manifest
    return SetSummary(
        teacher=manifest.header.provenance.get("teacher"),
        languages=manifest.languages,
        sentences=manifest.rows,
        tokens=manifest.tokens,
        labelled=sum(count.labelled for count in manifest.languages.values()),
        bytes_per_token=sum(shard.bytes for shard in manifest.shards) / manifest.tokens,
        paths_per_sentence=sums["paths"] / manifest.rows,
        entropy=sums["entropy"] / manifest.tokens,
        best_path_probability=sums["best"] / manifest.rows,
        best_path_accuracy=sums["right"] / sums["gold"] if sums["gold"] else None,
        column_bytes=_column_bytes(artifacts),
    )


def _sums(rows: DecodedRows) -> dict[str, float]:
    log_posteriors, labelled = rows.log_posteriors, rows.mask & rows.has_gold[:, None]
    # p log p is 0 at p = 0; past a sentence's end, log p is 0.
    entropy = -np.sum(np.exp(log_posteriors, dtype=np.float64) * np.maximum(log_posteriors, -FLOAT16_MAX))
    return {
        "paths": float(rows.counts.sum()),
        "entropy": float(entropy),
        "best": float(np.exp(rows.path_log_probs[:, 0], dtype=np.float64).sum()),
        "right": float((labelled & (rows.paths[:, 0] == rows.gold)).sum()),
        "gold": float(labelled.sum()),
    }


def _column_bytes(artifacts: ArtifactSet) -> dict[str, int]:
    sizes: Counter[str] = Counter()
    for shard in artifacts.manifest.shards:
        footer = read_footer(artifacts.folder / shard.file, shard)
        for group in range(footer.num_row_groups):
            for column in range(footer.num_columns):
                chunk = footer.row_group(group).column(column)
                sizes[chunk.path_in_schema.partition(".")[0]] += chunk.total_compressed_size
    return dict(sizes)


def place_of(artifacts: ArtifactSet, sentence_id: int) -> int:
    """Return the row of the sentence with this id. Raises ArtifactError if no row or more than one row has it."""
    ids = artifacts.table(["sentence_id"])["sentence_id"].to_numpy()
    places = np.flatnonzero(ids == sentence_id)
    if len(places) != 1:
        raise ArtifactError(
            f"{artifacts.folder}: found {len(places)} sentences with the id {sentence_id} among {len(ids)}; "
            "give the row instead"
        )
    return int(places[0])


def sentence_view(artifacts: ArtifactSet, place: int) -> SentenceView:
    """Return row `place` of the set, with label names in place of ids and probabilities in place of logarithms."""
    rows = DecodedRows(artifacts.sentence(place))
    names = artifacts.header.label_set
    return SentenceView(
        sentence_id=int(rows.sentence_id[0]),
        language=rows.language[0],
        teacher=rows.teacher[0],
        seen=rows.seen[0],
        tokens=tuple(rows.tokens[0].as_py()),
        gold=names.decode(rows.gold[0]) if rows.has_gold[0] else None,
        paths=_path_views(rows, names),
        posteriors=np.exp(rows.log_posteriors[0]),
        labels=names.names,
    )


def _path_views(rows: DecodedRows, names: LabelSet) -> tuple[PathView, ...]:
    paths = zip(rows.paths[0], rows.path_log_probs[0], rows.path_weights[0], strict=True)
    return tuple(
        PathView(names.decode(path), float(np.exp(log_prob)), float(weight)) for path, log_prob, weight in paths
    )
