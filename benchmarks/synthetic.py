"""Artifact sets of any size, made by array operations: `python -m benchmarks.synthetic FOLDER --tokens 10000000`."""

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import typer
from rich.console import Console

from structkd.artifacts.annotations import Annotations
from structkd.artifacts.codec import encode
from structkd.artifacts.header import SetHeader
from structkd.artifacts.ragged import length_mask, list_array
from structkd.artifacts.schema import shard_schema
from structkd.artifacts.writer import ShardWriter

ROWS = 4096  # sentences made at a time
LONGEST = 60
WORDS = 20_000  # that a language has


def write_synthetic(
    folder: Path, tokens: int, *, labels: int = 17, k: int = 10, labelled: float = 0.5, seed: int = 0
) -> int:
    """Write an artifact set of at least `tokens` words in two languages; returns how many it has.

    Lengths are around 20, words follow Zipf's law, a share `labelled` of the sentences has gold labels. Scores are
    random: they compress as badly as they can. The first sentences of a larger set are those of a smaller one.
    """
    zeros = (0.0,) * labels
    header = SetHeader(
        labels=tuple(f"L{label}" for label in range(labels)),
        transitions=(zeros,) * labels,
        start=zeros,
        end=zeros,
        provenance={"synthetic": {"tokens": tokens, "k": k, "labelled": labelled, "seed": seed}},
    )
    written, number = 0, 0
    with ShardWriter(folder, header) as writer:
        while written < tokens:
            rng = np.random.default_rng([seed, number])
            lengths = np.clip(rng.negative_binomial(4, 1 / 6, ROWS) + 1, 1, LONGEST)
            writer.write(_rows(rng, lengths, ("en", "de")[number % 2], number * ROWS, labels, k, labelled))
            written, number = written + int(lengths.sum()), number + 1
    return written


def _rows(
    rng: np.random.Generator, lengths: np.ndarray, language: str, first: int, labels: int, k: int, share: float
) -> pa.RecordBatch:
    T = int(lengths.max())
    emissions = rng.standard_normal((ROWS, T, labels), np.float32)
    gold = rng.integers(0, labels, int(lengths.sum()))
    labelled = rng.random(ROWS) < share
    words = pa.DictionaryArray.from_arrays(
        np.minimum(rng.zipf(1.2, len(gold)), WORDS).astype(np.int32) - 1,
        pa.array([f"{language}{word}" for word in range(WORDS)]),
    )
    return encode(
        shard_schema(labels),
        sentence_ids=np.arange(first, first + ROWS),
        language=language,
        teacher=language,
        seen=False,
        tokens=list_array(words.cast(pa.string()), lengths),
        gold=[part if has else None for part, has in zip(np.split(gold, lengths.cumsum()[:-1]), labelled, strict=True)],
        annotations=Annotations(
            lengths=lengths,
            paths=rng.integers(0, labels, (ROWS, k, T), np.uint8),
            counts=np.minimum(k, lengths.astype(np.float64) ** 2).astype(np.int64),
            log_probs=-np.sort(rng.exponential(2, (ROWS, k)), axis=1),
            log_posteriors=emissions - _log_sum_exp(emissions) - np.float32(1e-6),
            emissions=emissions,
            log_partition=_log_sum_exp(emissions)[..., 0].sum(1, where=length_mask(lengths, T)),
        ),
    )


def _log_sum_exp(scores: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.log(np.exp(scores).sum(-1, keepdims=True))
    return found


def main(
    folder: Annotated[Path, typer.Argument(help="Where the set is written.")],
    tokens: Annotated[int, typer.Option(min=1, help="At least so many words.")] = 10_000_000,
) -> None:
    """Write a synthetic artifact set."""
    began = time.perf_counter()
    written = write_synthetic(folder, tokens)
    seconds = time.perf_counter() - began
    size = sum(path.stat().st_size for path in folder.glob("part-*.parquet"))
    Console().print(f"{written:,} words, {size / 1e6:,.0f} MB, {seconds:.0f} s: {written / seconds:,.0f} words/s")


if __name__ == "__main__":
    typer.run(main)
