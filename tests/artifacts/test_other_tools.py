"""Other people's tools read a set as it is written by default, and find in it what we find."""

import dataclasses

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from structkd.artifacts.codec import encode
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.schema import shard_schema
from structkd.artifacts.writer import ShardWriter
from tests.artifacts.examples import annotations, header


@pytest.fixture(scope="module", params=[4, 300], ids=["uint8", "uint16"])
def artifacts(request, tmp_path_factory):
    """Two languages, with and without gold, fewer paths than k, probabilities of 0, words beyond ASCII, two shards."""
    labels = request.param
    given = annotations(np.random.default_rng(0), [1, 3, 2, 5, 4], labels=labels)
    impossible = given.log_posteriors.copy()
    impossible[1, 0, 0] = -np.inf
    gold = [np.array([labels - 1]), None, np.array([0, 1]), None, np.array([3, 2, 1, 0])]
    rows = encode(
        shard_schema(labels),
        sentence_ids=range(5),
        language=["en", "en", "en", "zh", "de"],
        teacher=["en", "en fold 1 of 2", "en", "zh", "de"],
        seen=[True, False, None, None, False],
        tokens=[["a"], ["b", "", "c"], ["\u00fc", "d"], ["\u5317\u4eac", "e", "\U0001f600", "f", "g"], ["h"] * 4],
        gold=gold,
        annotations=dataclasses.replace(given, log_posteriors=impossible),
    )
    folder = tmp_path_factory.mktemp("artifacts")
    with ShardWriter(folder, header(labels=tuple(map(str, range(labels)))), shard_rows=3, row_group_rows=2) as writer:
        writer.write(rows)
    return ArtifactSet.open(folder)


@pytest.fixture(scope="module")
def rows(artifacts):
    return artifacts.table().to_pylist()


@pytest.fixture(scope="module")
def shards(artifacts):
    return str(artifacts.folder / "part-*.parquet")


def test_pyarrow(artifacts, rows):
    files = sorted(artifacts.folder.glob("*.parquet"))
    assert [row for file in files for row in pq.read_table(file).to_pylist()] == rows
    assert pyarrow.dataset.dataset(files).to_table().to_pylist() == rows


def test_polars(shards, rows):
    assert pl.read_parquet(shards).to_dicts() == rows
    assert pl.scan_parquet(shards).filter(pl.col("language") == "zh").collect().to_dicts() == [rows[3]]


def test_duckdb(shards, rows):
    found = duckdb.read_parquet(shards).order("sentence_id")
    assert [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()] == rows
    (found,) = duckdb.sql(f"SELECT max(log_posteriors[1][1]), min(emissions[1][2]) FROM '{shards}'").fetchall()
    assert found == (max(r["log_posteriors"][0][0] for r in rows), min(r["emissions"][0][1] for r in rows))


def test_pandas(artifacts, rows):
    frame = pd.concat(
        pd.read_parquet(file, dtype_backend="pyarrow") for file in sorted(artifacts.folder.glob("*.parquet"))
    )
    assert pa.Table.from_pandas(frame, preserve_index=False).to_pylist() == rows
    plain = pd.read_parquet(artifacts.folder / "part-00000.parquet")
    assert plain["language"].tolist() == ["en"] * 3
    np.testing.assert_array_equal(np.stack(plain["emissions"][1]), rows[1]["emissions"])


@pytest.mark.parametrize("streaming", [False, True])
def test_hugging_face_datasets(shards, rows, tmp_path, monkeypatch, streaming):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    found = datasets.load_dataset(
        "parquet", data_files=shards, split="train", cache_dir=tmp_path / "cache", streaming=streaming
    )
    assert list(found) == rows
