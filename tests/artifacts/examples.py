"""Small artifact sets to test with."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from structkd.artifacts.annotations import Annotations
from structkd.artifacts.codec import encode
from structkd.artifacts.header import SetHeader
from structkd.artifacts.hidden import HiddenBasis
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.schema import shard_schema
from structkd.artifacts.writer import ShardWriter

LABELS = ("O", "B-LOC", "I-LOC", "B-PER")


def basis(dim=3, size=5, seed=0):
    rng = np.random.default_rng(seed)
    return HiddenBasis.of(rng.normal(size=size), rng.normal(size=(dim, size)))


def header(teacher="t", labels=LABELS, hidden=None):
    L = len(labels)
    return SetHeader(
        labels=labels,
        transitions=np.linspace(-1, 1, L * L).reshape(L, L).tolist(),
        start=[0.5] * L,
        end=[-0.5] * L,
        hidden=hidden,
        provenance={"teacher": {"name": teacher, "digest": "00"}},
    )


def annotations(rng, lengths, *, paths=3, labels=4, hidden=0):
    K, L = paths, labels
    B, T = len(lengths), int(max(lengths, default=0))
    probabilities = rng.dirichlet(np.ones(L), (B, T))
    return Annotations(
        lengths=np.asarray(lengths),
        paths=rng.integers(0, L, (B, K, T)),
        counts=rng.integers(1, K + 1, B),
        log_probs=-np.sort(rng.exponential(2, (B, K)).astype(np.float32), axis=1),
        log_posteriors=np.log(probabilities + 1e-9).astype(np.float32) - np.float32(1e-6),
        emissions=rng.normal(size=(B, T, L)).astype(np.float32),
        log_partition=rng.normal(size=B).astype(np.float32),
        hidden=rng.normal(size=(B, T, hidden)).astype(np.float32) if hidden else None,
    )


def batch(rng, lengths, *, language="en", first_id=0, labelled=0.5, labels=4, hidden=0):
    gold = [rng.integers(0, labels, n) if rng.random() < labelled else None for n in lengths]
    return encode(
        shard_schema(labels, hidden=hidden),
        sentence_ids=range(first_id, first_id + len(lengths)),
        language=language,
        teacher=f"{language} teacher",
        seen=[bool(n % 2) for n in lengths],
        tokens=[[f"{language}{place}" for place in range(n)] for n in lengths],
        gold=gold,
        annotations=annotations(rng, lengths, labels=labels, hidden=hidden),
    )


def write_set(
    folder: Path, *, sentences=None, teacher="t", seed=0, shard_rows=16, row_group_rows=5, labelled=0.5, hidden=0
) -> ArtifactSet:
    """A set with `sentences[language]` sentences of 1 to 9 words, and states in `hidden` dimensions."""
    rng, first_id = np.random.default_rng(seed), 0
    states = basis(hidden, seed=seed) if hidden else None
    with ShardWriter(
        folder, header(teacher, hidden=states), shard_rows=shard_rows, row_group_rows=row_group_rows
    ) as writer:
        for language, rows in (sentences or {"en": 40}).items():
            lengths = rng.integers(1, 10, rows)
            made = batch(rng, lengths, language=language, first_id=first_id, labelled=labelled, hidden=hidden)
            if rest := made.slice(min(rows, max(0, writer.rows_kept - first_id))):
                writer.write(rest)
            first_id += rows
    return ArtifactSet.open(folder)


def rows_of(tables) -> list[dict]:
    return pa.concat_tables(tables).to_pylist()
