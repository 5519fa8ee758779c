"""Find the sentences of which a teacher is least sure. `python examples/least_sure.py runs/demo/artifacts/SET`."""

import sys

import polars as pl

import structkd

SHOWN = 5


def least_sure(artifacts: structkd.ArtifactSet) -> pl.DataFrame:
    """The sentences by the probability of their best path, the least first."""
    rows = artifacts.polars(["sentence_id", "tokens", "paths", "path_log_probs"])
    best = rows.with_columns(path=pl.col("paths").list.first(), probability=pl.col("path_log_probs").list.first().exp())
    return best.sort("probability").select("sentence_id", "probability", "tokens", "path")


def main(folder: str) -> None:
    artifacts = structkd.ArtifactSet.open(folder)  # verifies every shard
    print(f"{artifacts.folder}: {artifacts.rows} sentences, {len(artifacts.labels)} labels")
    for sentence, probability, tokens, path in least_sure(artifacts).head(SHOWN).iter_rows():
        labelled = (f"{word}/{artifacts.labels[label]}" for word, label in zip(tokens, path, strict=True))
        print(f"{sentence}: {probability:.4f} {' '.join(labelled)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
